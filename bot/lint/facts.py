"""What one article is held against the others by: small enough to be remembered of every article of a large library."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.metadata import version
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from bot.lexical import words_of
from bot.lint.finding import Said, stems_of
from bot.sides import SAYS_HARM, SAYS_WELL, Amount, amounts
from bot.types import Article, ReviewStatus

SHINGLE = 5  # words of a run
# What decides which facts an article has.
MADE_BY = ("lint/facts.py", "lint/finding.py", "lexical.py", "sides.py", "types.py")


@dataclass(frozen=True)
class Opened:
    """An article with all its sentences."""

    article: Article
    said: tuple[Said, ...]

    @cached_property
    def body(self) -> list[Said]:
        """The sentences that may be quoted."""
        return [one for one in self.said if one.quotable]


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of an article that need not be opened.

    The sentences that may be quoted have a line each in ``stems`` and in ``sides``: texts, as a hundred thousand small
    lists would take longer to make than all that is done with them.
    """

    article: str  # its id
    approved: bool
    words: str  # digest of its words, in order; "" when it has none
    title: str  # uncommon stems of its title
    rest: str  # uncommon stems of the sentences that may not be quoted
    stems: str  # uncommon stems of each sentence, between blanks; every line ends with a line break
    sides: str  # what each sentence could be held against, between "|"
    shingles: NDArray[np.uint64]  # digests of its runs of words, ascending, each once

    @property
    def counts(self) -> Mapping[str, int]:
        """How many sentences each uncommon stem is in."""
        return Counter(f"{self.stems}{self.rest}".split())

    def sentences(self) -> Iterator[tuple[list[str], str]]:
        """Yield what each sentence could be held against, and its line of stems."""
        yield from zip((line.split("|") for line in self.sides.splitlines()), self.stems.splitlines(), strict=True)

    def stems_of(self, place: int) -> set[str]:
        """Return the uncommon stems of one sentence."""
        return set(self.stems.splitlines()[place].split())


def facts_of(opened: Opened) -> Facts:
    """Return the facts of an article."""
    article, words, body = opened.article, words_of(opened.article.text), opened.body
    return Facts(
        article=article.source.id,
        approved=article.source.review.status is ReviewStatus.APPROVED,
        words=hashlib.sha256(" ".join(words).encode()).hexdigest() if words else "",
        title=" ".join(sorted(stems_of(article.source.title))) if opened.said else "",
        rest=" ".join(stem for one in opened.said if not one.quotable for stem in sorted(one.stems)),
        stems="".join(f"{' '.join(sorted(one.stems))}\n" for one in body),
        sides="".join(f"{'|'.join(sorted(_sides(one)))}\n" for one in body),
        shingles=_shingles(words),
    )


def facts_file(facts: Facts) -> bytes:
    """Return ``facts`` as bytes: a line of JSON, then the runs of words."""
    told = (facts.article, facts.approved, facts.words, facts.title, facts.rest, facts.stems, facts.sides)
    return json.dumps(told).encode() + b"\n" + facts.shingles.tobytes()


def read_facts(data: bytes) -> Facts:
    """Read what ``facts_file`` made."""
    line, runs = data.split(b"\n", 1)
    article, approved, words, title, rest, stems, sides = json.loads(line)
    return Facts(article, approved, words, title, rest, stems, sides, np.frombuffer(runs, np.uint64))


@lru_cache(maxsize=1)
def facts_digest() -> str:
    """Return a digest of all that decides which facts an article has, beside the article itself."""
    parts = [(files("bot") / name).read_bytes() for name in MADE_BY]
    return hashlib.sha256(b"\0".join([*parts, version("PyStemmer").encode()])).hexdigest()


def amounts_of(text: str) -> list[Amount]:
    """Return the amounts of ``text`` without its years ("in 2014 reports")."""
    named = {"time", "money", "percent"}
    return [a for a in amounts(text) if a.unit in named or not 1900 <= a.low <= 2100]


def _sides(one: Said) -> set[str]:
    """Return what ``one`` could be held against: a stance, or amounts of a unit."""
    sides = {f"amount {amount.unit}" for amount in amounts_of(one.text)}
    return sides | ({"stance"} if one.sentence.tags & (SAYS_WELL | SAYS_HARM) else set())


def _shingles(words: list[str]) -> NDArray[np.uint64]:
    runs = {" ".join(words[n : n + SHINGLE]) for n in range(len(words) - SHINGLE + 1)}
    digests = b"".join(hashlib.blake2b(run.encode(), digest_size=8).digest() for run in runs)
    return np.unique(np.frombuffer(digests, dtype=np.uint64))
