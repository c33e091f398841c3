"""Follow-up questions: says what a question that leans on earlier ones is about. No language model, readable rules.

Measured on public conversations by tests/followups.py; figures in docs/EVIDENCE.md.
"""

import re
from collections.abc import Callable

from bot.asks import asked
from bot.lexical import terms, words_of
from bot.question import ASKED_FOR, HOW_MUCH, POINTERS, SEVERAL, points_back, subject

# Between messages these point back too.
BETWEEN = POINTERS | {"their", "there", "then", "ones"}
OPENERS = re.compile(
    r"^\W*(?:and|but|or|so|also|ok(?:ay)?|then|what about|how about|what if|why|really|even|more|less|same)\b", re.I
)
NEW_TOPIC = re.compile(r"\b(?:new|another|different|other|unrelated|separate) (?:question|topic|subject|thing)\b", re.I)
# Said of anything: a question with no other words, that asks for nothing known, is about what came before.
LIGHT = ASKED_FOR | frozenset(
    terms(
        "long often much many "
        "away back come stop start make take mean wear pass last normal ok bad good better worse serious common rare "
        "permanent reversible time day people person patient true possible necessary want think"
    )
)
ASKS_ITSELF = re.compile(
    r"\b(?:is|are|was|were|am|do|does|did|can|could|will|would|should|shall|may|might|has|have|had|must|who|when|where|"
    r"how(?! about)|why not|which)\b",
    re.I,
)
# These point at something that was named; "it" is mostly the treatment itself.
NAMED_BEFORE = BETWEEN - {"it", "its", "one", "there"}


def resolve(
    question: str,
    turns: tuple[str, ...],
    correct: Callable[[str], str] = str,
    topics: frozenset[str] = frozenset(),
) -> str:
    """Return the text to search for: ``question``, with the words of the earlier turns it leans on in front.

    ``turns`` are the user's earlier questions, oldest first. A question that stands alone, or that names a new
    topic, comes back as it is. Else the last turn that stands alone comes in front, and the turn before if that is
    another one; only their subject, when the question says itself what it asks for ("and how long does that last?"),
    and not how long or how much when it has a verb and words of its own ("will they fit a child?").
    ``correct`` mends slips of the thumb: "is it adictive" asks for something of its own, too. A whole question with
    words of its own ("does it affect the bladder?") gets no more than the words of ``topics``, the stems of the
    library's titles, that came before: which treatment it is about.
    """
    if not turns or NEW_TOPIC.search(question) or not leans(question):
        return question
    earlier = NEW_TOPIC.sub("", " ".join(dict.fromkeys((_anchor(turns), turns[-1]))))
    mended = correct(question)
    # "and for children?" asks the same of somebody else: what was asked for stays.
    own = asked(mended) - {"exclusion"}
    if stands(mended, own):
        said = set(terms(question))
        named = [word for word in words_of(earlier) if set(terms(word)) & topics - said]
        return " ".join([*dict.fromkeys(named), question])
    several = bool(SEVERAL & set(words_of(question)))
    if own:
        earlier = subject(correct(earlier), several=several) or earlier
    elif ASKS_ITSELF.search(question) and set(terms(question)) - LIGHT:
        earlier = HOW_MUCH.sub("", earlier)
    return f"{earlier} {question}".strip()


def leans(question: str) -> bool:
    """Return True when ``question`` cannot be understood without the one before it."""
    return OPENERS.match(question) is not None or points_back(question, BETWEEN)


def stands(question: str, own: frozenset[str]) -> bool:
    """Return True when ``question`` is a whole one, says what it asks for, and "it" is all that leans.

    ``own`` are the kinds of thing that it asks for itself.
    """
    if set(words_of(question)) & NAMED_BEFORE or not ASKS_ITSELF.search(question):
        return False
    return bool(set(terms(question)) - LIGHT or own)


def _anchor(turns: tuple[str, ...]) -> str:
    """Return the last turn that stands alone, from the last new topic on; else the first of them."""
    topics = [number for number, turn in enumerate(turns) if NEW_TOPIC.search(turn)]
    since = turns[topics[-1] if topics else 0 :]
    return next((turn for turn in reversed(since) if not leans(turn)), since[0])
