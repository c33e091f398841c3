"""What the classifier of the screening learns from: messages as typed, in the midst of other things, part by part."""

from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from bot.safety import Gate
from bot.safety.normalise import fold, sentences
from bot.safety.reading import SHORTEST, Reading, Stretch, in_context, parts
from bot.training.sources import read_rows
from bot.training.wordings import with_slips
from bot.types import HARD_ROUTES, Route

CLASSES = ("none", "emergency", "poison", "crisis", "abuse", "dosing", "misuse", "personal", "injection")
# What people put around the thing that matters; it must not change what is said.
BEFORE = (
    "hi, quick question, ",
    "it is probably nothing but ",
    "sorry to bother you. ",
    "my friend says it is fine but ",
    "not sure if this is the right place. ",
    "hello doctor ",
)
AFTER = (" also how long does it last?", " what are your opening hours", " thanks", " is that normal")
# What they tell of their lives around it: sentences of nobody in danger.
RAMBLING, MOST_AROUND = 0.35, 8
JOINED = (". ", ". ", " ", ", ")
MINIMISED, SLIPPED, BREATHLESS = 0.3, 0.25, 0.15  # shares of messages with such words, slips, without punctuation
PARTS = 2  # of a long message that are read in one go over all messages
MOST_IN_WHOLE = 80  # words: what begins later may be cut off when the whole is read
MOSTLY, HARDLY = 0.6, 0.1
ALARMING = frozenset({*HARD_ROUTES, Route.SOFT_EMERGENCY, Route.SOFT_SUPPORT})
Lesson = tuple[Reading, int]


@dataclass(frozen=True, slots=True)
class Message:
    """A message, the number of its class, and the part that makes it so; empty where nobody marked it."""

    text: str
    number: int
    danger: str = ""


@dataclass(frozen=True, slots=True)
class Around:
    """What stands around a message: ``plain`` questions and ``calm`` sentences of people in no danger.

    ``fragments`` are single sentences of harmless messages.
    """

    plain: list[str]
    calm: list[str]
    fragments: list[str] = field(default_factory=list)


def read_messages(path: Path) -> list[Message]:
    """Return the messages in ``path``; benign messages and hard negatives are both "none"."""
    return [
        Message(row["message"], CLASSES.index(row["class"]) if row["class"] in CLASSES else 0, row.get("danger", ""))
        for row in read_rows(path)
    ]


def fragments(harmless: list[str], gate: Gate) -> list[str]:
    """Return the sentences of ``harmless`` messages that have several; none in which a rule sees danger."""
    found = dict.fromkeys(
        part
        for text in harmless
        for parts_ in [sentences(fold(text))]
        for part in parts_
        if len(parts_) > 1 and len(part.split()) >= SHORTEST
    )
    return [part for part in found if not set(gate.screen(part).routes) & ALARMING]


def epoch(messages: list[Message], around: Around, rng: Random) -> list[Lesson]:
    """Return what is learnt in one go over ``messages``, and over as many harmless things around them."""
    plain = rng.sample(around.plain, min(len(around.plain), len(messages) // 2))
    alone = rng.sample(around.fragments, min(len(around.fragments), len(messages) // 4))
    every = [*messages, *(Message(text, 0) for text in (*plain, *alone, *around.calm))]
    found = [lesson for message in every for lesson in lessons(*told(message, around, rng), message, rng)]
    rng.shuffle(found)
    return found


def told(message: Message, around: Around, rng: Random) -> tuple[str, Stretch]:
    """Return ``message`` folded as somebody may tell it, and where in that the part is that makes its class."""
    before, own, after = message.text.partition(message.danger) if message.danger else ("", message.text, "")
    chance = rng.random()
    if chance < MINIMISED / 2:
        before = rng.choice(BEFORE) + before
    elif chance < MINIMISED:
        after += rng.choice(AFTER)
    if around.calm and rng.random() < RAMBLING:
        before, after = _amid(before, after, around, rng)
    pieces = [before, own, after]
    if rng.random() < SLIPPED:
        pieces = [with_slips(piece, rng) for piece in pieces]
    if rng.random() < BREATHLESS:
        pieces = [piece.translate(str.maketrans("", "", ".,;!?")) for piece in pieces]
    before, own, after = (fold(piece) for piece in pieces)
    text = f"{before} {own} {after}".strip()
    start = len(before) + 1 if before else 0
    return text, (start, start + len(own))


def _amid(before: str, after: str, around: Around, rng: Random) -> tuple[str, str]:
    """Put sentences of a life before and after."""
    life = [
        rng.choice(around.calm if rng.random() < 0.5 else around.fragments or around.calm)
        for _ in range(rng.randint(1, MOST_AROUND))
    ]
    life += [rng.choice(around.plain)] if rng.random() < 0.3 else []
    rng.shuffle(life)
    mark, place = rng.choice(JOINED), rng.randint(0, len(life))
    early, late = (mark.join(part.rstrip(". ") for part in some) for some in (life[:place], life[place:]))
    return (early + mark if early else "") + before, after + (mark + late if late else "")


def lessons(text: str, own: Stretch, message: Message, rng: Random) -> list[Lesson]:
    """Return what can be said for certain: of the whole, and of some of its parts each in its context.

    A part has the message's class when it holds most of what makes it so (or lies in what a writer marked), none
    when it holds hardly any of that; of the others nobody knows.
    """
    number = message.number
    early = len(text[: own[0]].split()) < MOST_IN_WHOLE
    found: list[Lesson] = [(text, number)] if early or not number else []
    every = parts(text)
    if len(every) < 2:
        return found
    said = [_said(part, own, number, marked=bool(message.danger)) for part in every]
    speaking = [place for place, value in enumerate(said) if value]
    silent = [place for place, value in enumerate(said) if value == 0]
    chosen = rng.sample(speaking, min(len(speaking), 1))
    chosen += rng.sample(silent, min(len(silent), PARTS - len(chosen)))
    return found + [(in_context(text, every, place), said[place] or 0) for place in chosen]


def _said(part: Stretch, own: Stretch, number: int, *, marked: bool) -> int | None:
    """Return the class of ``part``, None when it cannot be told."""
    if not number:
        return 0
    shared = max(0, min(part[1], own[1]) - max(part[0], own[0]))
    if shared >= MOSTLY * (own[1] - own[0]) or (marked and shared >= MOSTLY * (part[1] - part[0])):
        return number
    return 0 if shared <= HARDLY * (part[1] - part[0]) else None
