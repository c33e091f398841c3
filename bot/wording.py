"""From the patient's words to the library's: slips of the thumb corrected, everyday words put into medical ones.

Where every article is about one thing, its name says nothing and draws the general sentences that hold it: there "it"
takes its place.
"""

import re
import tomllib
from bisect import bisect_left
from functools import lru_cache
from importlib.resources import files
from itertools import groupby, pairwise, takewhile
from os.path import commonprefix

from rapidfuzz import process
from rapidfuzz.distance import DamerauLevenshtein

from bot.errors import RulesError
from bot.lexical import STOPWORDS, WORD, stem, terms, words_of

# Words typed without their apostrophe: "shouldnt" is no slip of another word.
JOINED = frozenset(
    """arent cant couldnt didnt doesnt dont hadnt hasnt havent isnt mightnt mustnt neednt shouldnt wasnt werent wont
    wouldnt youre theyre youve theyve weve youll theyll thats whats""".split()
)
LONG = 8  # letters from which two slips are forgiven; below it is one
SHORTEST = 5  # shorter words have too many neighbours
CLIPPED = 4  # letters at least that people leave off a long word ("fibro", "chemo"); fewer are a slip or an ending
MARK = "\0"
# The name with what belongs to it: "my knee replacement".
NAMED = re.compile(rf"(?:\b(?:the|an?|my|your|his|her|our|their|this|that)\s+)?{MARK}(?:\s+{MARK})*", re.I)
# What a title says of itself or of its readers.
OF_ITSELF = frozenset(
    terms(
        "patient people adult child family clinic hospital health care information education guide guidelines leaflet "
        "handout brochure library article advice fact introduction overview understanding living questions answers"
    )
)
JOINS = frozenset({"and", "or", ",", "&", "/", "+"})
TITLE_WORD = re.compile(r"\w+|\S")


class Speller:
    """Puts a word of the library in place of one that neither it nor a general vocabulary knows.

    The one that it is the beginning of ("fibro" for fibromyalgia), else the nearest one.
    """

    def __init__(self, library: frozenset[str], general: frozenset[str]) -> None:
        self._known = library | general | STOPWORDS | JOINED
        self._stems = frozenset(stem(word) for word in self._known)
        # The library's words come first: of two equally near ones the first is taken.
        self._own = sorted(w for w in library if len(w) >= SHORTEST and w.isalpha())
        self._choices = self._own + sorted(w for w in general - library if len(w) >= SHORTEST and w.isascii())

    def correct(self, text: str) -> str:
        """Return ``text`` with unknown words replaced, everything else untouched."""
        return WORD.sub(lambda match: self._word(match[0]), text)

    @lru_cache(maxsize=4096)  # noqa: B019  # one speller lives as long as its library
    def _word(self, word: str) -> str:
        low = word.lower()
        if len(low) < SHORTEST or not low.isalpha() or low in self._known or stem(low) in self._stems:
            return word
        if whole := self._whole(low):
            return whole
        allowed = 2 if len(low) >= LONG else 1
        best = process.extractOne(low, self._choices, scorer=DamerauLevenshtein.distance, score_cutoff=allowed)
        return best[0] if best and best[0][0] == low[0] else word

    def _whole(self, low: str) -> str | None:
        """Return the library's word that ``low`` is clipped from; None when it may be of several, or is a slip."""
        found = list(takewhile(lambda word: word.startswith(low), self._own[bisect_left(self._own, low) :]))
        if len(commonprefix(found)) < len(low) + CLIPPED:
            return None
        slip = process.extractOne(low, STOPWORDS, scorer=DamerauLevenshtein.distance, score_cutoff=1)
        return None if slip else min(found, key=len)  # "befor" is no beginning of "beforehand"


def head(title: str) -> frozenset[str]:
    """Return the stems of what ``title`` is about: its first words that say it, before "for", "of", a colon, ...

    "Egg freezing: what to expect", and "Patient information on egg freezing", are about egg freezing. "Hip and knee
    replacement" is about two things, which have to be told apart: none.
    """
    words = [word.lower() for word in TITLE_WORD.findall(title)]
    runs = [(says, list(run)) for says, run in groupby(words, lambda word: word.isalnum() and word not in STOPWORDS)]
    for (says, run), (_, after) in pairwise([*runs, (False, [""])]):
        named = frozenset(terms(" ".join(run))) - OF_ITSELF
        if says and named:
            return frozenset() if after[0] in JOINS else named
    return frozenset()


def unnamed(text: str, name: frozenset[str]) -> str:
    """Return ``text`` with "it" where words with the stems ``name`` stand; as it is when nothing else is asked."""
    marked = WORD.sub(lambda word: MARK if stem(word[0].lower()) in name else word[0], text.replace(MARK, " "))
    shorter = NAMED.sub("it", marked)
    return shorter if terms(shorter) else text


def medical(text: str) -> str:
    """Return ``text`` with each known everyday phrase replaced by its medical words, longest phrase first."""
    phrases, longest = _lexicon()
    words = words_of(text)
    stems = [stem(word) for word in words]
    found: list[str] = []
    place = 0
    while place < len(words):
        for length in range(min(longest, len(words) - place), 0, -1):
            key = tuple(stems[place : place + length]) if length > 1 else (words[place],)
            terms = phrases.get(key)
            if terms:
                found.append(terms)
                place += length
                break
        else:
            found.append(words[place])
            place += 1
    return " ".join(found)


@lru_cache(maxsize=1)
def _lexicon() -> tuple[dict[tuple[str, ...], str], int]:
    try:
        entries: dict[str, list[str]] = tomllib.loads(files("bot").joinpath("lexicon.toml").read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise RulesError(f"bot/lexicon.toml cannot be used: {error}") from error
    phrases: dict[tuple[str, ...], str] = {}
    for term, lay in entries.items():
        for phrase in lay:
            words = words_of(phrase)
            # A single word's stem is shared by too many others ("fits", "months").
            key = tuple(stem(word) for word in words) if len(words) > 1 else tuple(words)
            # A phrase of two meanings ("put under") brings the words of both.
            phrases[key] = f"{phrases[key]} {term}" if key in phrases else term
    return phrases, max(map(len, phrases))
