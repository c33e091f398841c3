"""Follow-up questions: says what a question that leans on earlier ones is about. No language model, two rules."""

import re

from bot.lexical import terms, words_of

# Words that point back: alone they have no meaning.
POINTERS = frozenset("it its that those these they them their this there then one ones he she him her".split())
OPENERS = re.compile(
    r"^\W*(?:and|but|or|so|also|ok(?:ay)?|then|what about|how about|what if|why|really|even|more|less|same)\b", re.I
)
NEW_TOPIC = re.compile(r"\b(?:new|another|different|other|unrelated|separate) (?:question|topic|subject|thing)\b", re.I)
SHORT = 2  # content words: fewer say too little to search for


def resolve(question: str, turns: tuple[str, ...]) -> str:
    """Return the text to search for: ``question``, with the words of the earlier turn it leans on in front.

    ``turns`` are the user's earlier questions, oldest first. A question that stands alone, or that names a new
    topic, comes back as it is.
    """
    if not turns or NEW_TOPIC.search(question) or not leans(question):
        return question
    previous = turns[-1]
    if leans(previous) and len(turns) > 1 and not NEW_TOPIC.search(previous):
        previous = f"{turns[-2]} {previous}"  # "and for children?" after "how long does it last" after the topic
    return f"{previous} {question}"


def leans(question: str) -> bool:
    """Return True when ``question`` cannot be understood without the one before it."""
    words = words_of(question)
    content = terms(question)
    if len(content) < SHORT or OPENERS.match(question):
        return True
    # "is it safe to drive after an infusion": the pronoun is filled by the question itself.
    return len(content) < 2 * SHORT and any(word in POINTERS for word in words)
