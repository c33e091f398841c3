"""What the classifier reads of a message: the whole of it, and each sentence with what stands around it.

A sentence alone says too little ("i've left the dog with my sister") and a long message as a whole drowns what matters.
"""

import re
from itertools import pairwise

from bot.safety.normalise import END_OF_SENTENCE

Reading = str | tuple[str, str]
Stretch = tuple[int, int]  # start and end of a part, in characters
WORD = re.compile(r"\S+")
SHORTEST = 3  # words that say enough to be read
LONGEST, STEP = 30, 15  # words of a part; a longer sentence is cut into parts that overlap
NEIGHBOURS = 1  # parts before and after the one that is read
MOST = 40  # parts of a long message; the rules read all of it


def readings(folded: str) -> list[Reading]:
    """Return the whole message and, of one with several parts, each part beside the stretch that it stands in.

    One or two words say too little to be read this way ("hello", a slip); the rules know the ones that matter.
    """
    if len(folded.split()) < SHORTEST:
        return []
    found = parts(folded)[:MOST]
    if len(found) < 2:
        return [folded]
    return [folded, *(in_context(folded, found, number) for number in range(len(found)))]


def own_text(reading: Reading) -> str:
    """Return the text that ``reading`` is of, without what stands around it."""
    return reading if isinstance(reading, str) else reading[0]


def parts(folded: str) -> list[Stretch]:
    """Return where the sentences of ``folded`` are; endless ones in parts that overlap, very short ones left out."""
    ends = [(0, 0), *(mark.span() for mark in END_OF_SENTENCE.finditer(folded)), (len(folded), len(folded))]
    found = []
    for (_, start), (end, _) in pairwise(ends):
        words = [(start + word.start(), start + word.end()) for word in WORD.finditer(folded[start:end])]
        if len(words) >= SHORTEST:
            found += [(cut[0][0], cut[-1][1]) for cut in _cuts(words)]
    return found


def in_context(folded: str, found: list[Stretch], number: int) -> tuple[str, str]:
    """Return part ``number`` and the stretch of its neighbours, itself among them."""
    around = found[max(0, number - NEIGHBOURS) : number + NEIGHBOURS + 1]
    start, end = found[number]
    return folded[start:end], folded[around[0][0] : around[-1][1]]


def _cuts(words: list[Stretch]) -> list[list[Stretch]]:
    if len(words) <= LONGEST:
        return [words]
    return [words[start : start + LONGEST] for start in range(0, len(words) - STEP, STEP)]
