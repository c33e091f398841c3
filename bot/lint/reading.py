"""How hard a text is to read: the Flesch-Kincaid grade."""

import re
from collections.abc import Iterable

from bot.lexical import words_of

VOWELS = re.compile(r"[aeiouy]+")


def grade_level(sentences: Iterable[str]) -> float:
    """Return the Flesch-Kincaid grade in school years: 0.39 words/sentence + 11.8 syllables/word - 15.59.

    Source: Kincaid et al. 1975, Naval Technical Training Command Research Branch Report 8-75. The syllables are
    estimated, so take it as a hint; 0.0 without words.
    """
    spoken = [[w for w in words_of(text) if not w[0].isdigit()] for text in sentences]
    words = [word for sentence in spoken for word in sentence]
    if not words:
        return 0.0
    count = sum(1 for sentence in spoken if sentence)
    return 0.39 * len(words) / count + 11.8 * sum(map(syllables, words)) / len(words) - 15.59


def syllables(word: str) -> int:
    """Return an estimate of the syllables of one lower-case English word: its groups of vowels, silent "e" aside."""
    silent = re.search(r"(?<![aeiouyl])es?$|(?<=[aeiouy])les?$|(?<![dtaeiou])ed$", word) and not re.search(
        r"(?:[sxz]|ch|sh|[cg])es$", word
    )
    split = len(re.findall(r"i[ao](?!u)|[^cgstq]ious|ism\b|eous|[^qg]ua|uous", word)) - len(
        re.findall(r"[cst]i[ao]", word)
    )
    return max(1, len(VOWELS.findall(word)) - bool(silent) + max(0, split))
