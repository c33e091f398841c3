"""Takes a message of several questions apart. One question stays whole: the story around it helps to find words."""

import re

from bot.lexical import STOPWORDS, terms, words_of

OPENING = (
    r"(?:what|whats|how|hows|when|where|who|whos|whose|which|why|is|are|am|was|were|do|does|did|can|could|will|would|"
    r"should|may|might|has|have|had|any|tell me|explain)"
)
ASKS = re.compile(
    rf"^\W*(?:(?:so|and|but|also|or|ok|okay|please|now|then|just|hi|hello|hey|well|doctor|doc)\W+)*{OPENING}\b"
    r"|\?\s*$|\b(?:i (?:want|would like|wanted|need) to know|wondering|curious|not sure|could you|can you|tell me)\b",
    re.I,
)
SENTENCE = re.compile(r"(?<=[.?!])\s+(?=\w)|\n+|(?<=[a-z])\.\.+\s*")
# "how long is it and what does it cost": a new question begins after the joint.
JOINT = re.compile(
    r"\s*(?:,|;|\s-|\band\b|\balso\b)(?:\s*(?:and|also|then))*\s+"
    r"(?=(?:what|how|when|where|who|which|why|can i|can you|do i|do you|does it|will it|will i|is it|is there|"
    r"are there|should i|could i)\b)",
    re.I,
)
ENDS = " \t\r\n.?!…"
# What an earlier question asked for, not what it was about: left behind when the new one asks for something of its own.
# "How long" is one of them only with its "how" (HOW_MUCH): "long covid" is a subject.
ASKED_FOR = frozenset(
    terms(
        "last cost price side effect risk danger symptom sign cause treatment treat work start happen kind type "
        "difference number percent best main important example tell affect help hurt safe"
    )
)
HOW_MUCH = re.compile(r"\bhow (?:long|much|many|often)\b\s*", re.I)
MAX_PARTS = 3
SHORT = 2  # content words: fewer say too little to search for
SEVERAL = frozenset("those these they them their".split())
# Words that point back: alone they have no meaning.
POINTERS = frozenset("it its that this they them these those one he she him her".split())


def parts(message: str) -> tuple[str, ...]:
    """Return the questions that ``message`` asks, at most three; one question, or none, is the message itself.

    A part that only points back ("how long does it last") gets the sentence before it in front.
    """
    sentences = [s.strip() for s in SENTENCE.split(message) if s and s.strip()]
    found: list[str] = []
    for place, sentence in enumerate(sentences):
        if ASKS.search(sentence):
            before = sentences[place - 1] if place else ""
            found += _with_topic(_split(sentence), before)
    found = [part for part in found if terms(part)]
    return tuple(found[:MAX_PARTS]) if len(found) > 1 else (message,)


def as_question(text: str) -> str:
    """Return ``text`` with one question mark at its end, whatever stood there.

    Many patients leave it out, and the evidence models give the same words much more with it than without.
    """
    return text.rstrip(ENDS) + "?"


def points_back(question: str, pointers: frozenset[str] = POINTERS) -> bool:
    """Return True when ``question`` says too little of its own: few content words and one that points elsewhere."""
    content = terms(question)
    if len(content) < SHORT:
        return True
    # "is it safe to drive after an infusion": the pronoun is filled by the question itself.
    return len(content) < 2 * SHORT and not pointers.isdisjoint(words_of(question))


def _split(sentence: str) -> list[str]:
    pieces = [piece.strip(" ,;") for piece in JOINT.split(sentence)]
    whole = len(pieces) > 1 and all(len(words_of(piece)) >= 3 and terms(piece) for piece in pieces)
    return pieces if whole and ASKS.search(pieces[0]) else [sentence]


def _with_topic(pieces: list[str], before: str) -> list[str]:
    """Give each piece that points back what it points to: of the sentence before, else of the first piece.

    A story before the first piece comes whole; of a question, whose asking is over, only what it was about.
    """
    topic = before if points_back(pieces[0]) else ""
    if ASKS.search(before):
        topic = _about(before, pieces[0])
    found = [f"{topic} {pieces[0]}".strip()]
    return found + [f"{_about(topic or pieces[0], piece)} {piece}".strip() for piece in pieces[1:]]


def _about(before: str, piece: str) -> str:
    """Return what of ``before`` a ``piece`` with a pronoun points to; "" when nothing points there."""
    if POINTERS.isdisjoint(words_of(piece)) or not points_back(piece):
        return ""
    return subject(before, several=not SEVERAL.isdisjoint(words_of(piece)))


def subject(text: str, *, several: bool = False) -> str:
    """Return what ``text`` is about, not what it asks for; ``several`` ("how long do those last") may be its risks."""
    words = [word for word in words_of(HOW_MUCH.sub("", text)) if word not in STOPWORDS]
    meant = {word for word in words if several and word.endswith("s")}
    meant |= {"side"} if "effects" in meant else set()
    return " ".join(word for word in words if word in meant or not ASKED_FOR.intersection(terms(word)))
