"""Folds a message for screening only: what a tired thumb or a clever joker types becomes plain small letters."""

import re
import unicodedata
from collections.abc import Container, Mapping
from types import MappingProxyType

INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)
# Letters of other alphabets that look like ours.
LOOKALIKES = str.maketrans("асеіјорѕхуѵԁһӏοαεικνρτυ", "aceijopsxyvdhloaeiknptu")
LEET = str.maketrans("013457@$!", "oieastasi")
LEET_WORD = re.compile(
    r"(?<![\w/.@$!])(?=[\w@$!]{0,20}[a-z])(?=[\w@$!]{0,20}[013457@$])[a-z@$!013457]{3,20}(?![\w/@$!])"
)
UNIT = re.compile(r"\d+(?:mg|mcg|ml|kg|g|lbs?|st|nd|rd|th|yo|yrs?|hrs?|am|pm|x|k|s|d|wks?|mins?)$")
SPACED = re.compile(r"\b(?:[a-z][\s.\-_*]){2,}[a-z]\b")
END_OF_SENTENCE = re.compile(r"[.!?;\n]++(?!\d)")
REPEATED = re.compile(r"([a-z])\1{2,}")
WORD, ANY_WORD = re.compile(r"[a-z]{5,}"), re.compile(r"[a-z]+")
ENDINGS = ("", "s", "d", "ed", "ing", "er", "ly")


def fold(
    text: str, lexicon: Container[str] = (), known: Container[str] = (), slips: Mapping[str, str] = MappingProxyType({})
) -> str:
    """Return ``text`` folded: compatibility forms, case, accents, invisible characters, look-alikes, leetspeak.

    ``slips`` are known misspellings; words that are in neither ``lexicon`` nor ``known`` are corrected to a lexicon word one slip away.
    """
    text = INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).casefold()
    text = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    text = text.translate(LOOKALIKES)
    text = re.sub(r"\bo\.?d['\u2019]d\b", "overdosed", text)
    text = re.sub("[\u2018\u2019\u02bc`\u00b4']", "", text)
    text = LEET_WORD.sub(lambda m: m[0] if UNIT.fullmatch(m[0]) else m[0].translate(LEET), text)
    text = SPACED.sub(lambda m: re.sub(r"[^a-z]", "", m[0]), text)
    text = REPEATED.sub(r"\1\1", text)
    text = ANY_WORD.sub(lambda m: slips.get(m[0], m[0]), text)
    text = WORD.sub(lambda m: correct(m[0], lexicon, known), text)
    return re.sub(r"[^\S\n]+", " ", text).strip()


def correct(word: str, lexicon: Container[str], known: Container[str]) -> str:
    """Return the lexicon word that is one slip (a letter lost, added, changed or swapped) from ``word``.

    Without ``known`` words nothing is corrected: "while" would become "whole".
    """
    if (
        not lexicon
        or not known
        or len(word) > 20
        or any(word.removesuffix(end) in lexicon for end in ENDINGS)
        or word in known
    ):
        return word
    # A slip seldom hits the first letter, and keeping it avoids most false friends.
    for candidate in _one_slip(word):
        if candidate[:1] == word[0] and candidate in lexicon:
            return candidate
    return word


def _one_slip(word: str) -> list[str]:
    letters = "abcdefghijklmnopqrstuvwxyz"
    parts = [(word[:i], word[i:]) for i in range(len(word) + 1)]
    swaps = [a + b[1] + b[0] + b[2:] for a, b in parts if len(b) > 1]
    drops = [a + b[1:] for a, b in parts if b]
    changes = [a + c + b[1:] for a, b in parts if b for c in letters]
    adds = [a + c + b for a, b in parts for c in letters]
    return swaps + drops + adds + changes


def sentences(folded: str) -> list[str]:
    """Return the sentences of a folded message; without punctuation it is one."""
    return [part.strip() for part in END_OF_SENTENCE.split(folded) if part.strip()]
