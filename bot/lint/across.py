"""What articles say of each other: contradictions, copies. Found by the uncommon words that they share."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence, Set
from functools import cache
from itertools import combinations
from math import log

import numpy as np
from numpy.typing import NDArray

from bot.lint.facts import SHINGLE, Facts, Opened, amounts_of
from bot.lint.finding import (
    Finding,
    Said,
    Severity,
    excerpt_of,
    finding_of,
    finding_of_whole,
    lower_first,
    withhold_lines,
)
from bot.sides import STANCE_KINDS, Amount, disagree
from bot.types import Article, Quote, ReviewStatus, Role, Tag

COPY_SHARE = 0.5  # of the shingles of the shorter article
MAX_HOLDERS = 50  # articles with one run of words: with more it is a set phrase, such as a disclaimer
MAX_PAIRS = 10  # contradictions shown per pair of articles
MAX_BUCKET = 60  # sentences that share a word: with more it is no uncommon word
SUBJECTS = 3  # stems that say what an article is about
TITLE_WEIGHT = 3  # a stem of the title counts as so many
MIN_SHARED = 1  # uncommon words, beside the subject, that two sentences on one thing share
MIN_WORDS_OF_AMOUNTS = 3  # uncommon words, the subject among them, that two amounts of one thing share
ROUNDING = 1.2  # amounts closer than this ratio are the same in other words
MIN_ALIKE = 0.4  # weight of the shared words, 0 (nothing in common) to 1 (the same words)
Open = Callable[[str], Opened]  # gives an article by its id
Place = tuple[int, int]  # number of an article, number of one of its sentences that may be quoted


def contradictions(facts: Sequence[Facts], wanted: Set[str], opened: Open) -> Iterator[Finding]:
    """Yield the sentences of different articles that do not agree, at most ``MAX_PAIRS`` of two articles, best first.

    One of the two articles is in ``wanted``; ``facts`` are those of the whole library, by article id.
    """
    weight = _weights(facts)
    best: dict[Place, list[tuple[float, Said, Said, str]]] = defaultdict(list)
    for first, second in _candidates(facts, wanted):
        one, other = (opened(facts[number].article).body[place] for number, place in (first, second))
        alike = _alike(one, other, weight)
        how = _how(one, other) if alike >= MIN_ALIKE else ""
        if how:
            best[first[0], second[0]].append((alike, one, other, how))
    for pairs in best.values():
        pairs.sort(key=lambda p: (-p[0], p[1].line, p[2].line))
        for _, one, other, how in pairs[:MAX_PAIRS]:
            yield _contradiction(one, other, how)


def _contradiction(one: Said, other: Said, how: str) -> Finding:
    if _newer_first(one.article, other.article)[0] is not one.article:
        one, other = other, one
    says = f"{how}: {other.article.source.id}:{other.line} says: {excerpt_of(other.text)}"
    fix = "Both sides are shown to readers. If this side is wrong: " + lower_first(withhold_lines(one, "contradicted"))
    return finding_of(one, Severity.WARNING, "contradiction", says, fix)


def _weights(facts: Sequence[Facts]) -> dict[str, float]:
    """Return how rare each stem is among the sentences (inverse document frequency)."""
    counts: Counter[str] = Counter()
    for one in facts:
        counts.update(one.stems.split())
    total = sum(one.stems.count("\n") for one in facts)
    return {stem: log(1 + total / count) for stem, count in counts.items()}


def _subjects(facts: Sequence[Facts]) -> Callable[[int], tuple[str, ...]]:
    """Return what gives the stems that an article is about, best first.

    These are often in it, seldom in others, best in its title.
    """
    holding: Counter[str] = Counter()
    for one in facts:
        holding.update({*one.stems.split(), *one.rest.split()})

    @cache
    def subjects(number: int) -> tuple[str, ...]:
        title = facts[number].title.split()
        score = {
            stem: count * log(1 + len(facts) / holding[stem]) * (TITLE_WEIGHT if stem in title else 1)
            for stem, count in facts[number].counts.items()
        }
        return tuple(sorted(score, key=lambda stem: (-score[stem], stem))[:SUBJECTS])

    return subjects


def _candidates(facts: Sequence[Facts], wanted: Set[str]) -> Iterator[tuple[Place, Place]]:
    """Yield pairs of articles on one subject that share uncommon stems and could disagree, each once."""
    ours = {number for number, one in enumerate(facts) if one.article in wanted}
    shared = {
        (one, other)
        for members in _buckets(facts, ours).values()
        if len(members) <= MAX_BUCKET
        for one, other in combinations(members, 2)
        if one[0] != other[0] and (one[0] in ours or other[0] in ours)
    }
    subjects = _subjects(facts)
    for one, other in sorted(shared):
        mine, theirs = subjects(one[0]), subjects(other[0])
        common = (facts[one[0]].stems_of(one[1]) & facts[other[0]].stems_of(other[1])) - {mine[0], theirs[0]}
        if mine[0] in theirs and theirs[0] in mine and len(common) >= MIN_SHARED:
            yield one, other


def _buckets(facts: Sequence[Facts], ours: Set[int]) -> dict[tuple[str, str], list[Place]]:
    """Return the sentences by what they could be held against and by stem, for what is in the articles ``ours``."""
    looked: dict[str, set[str]] = {"": set()}  # a sentence without a side has an empty line
    for sides, stems in (sentence for number in ours for sentence in facts[number].sentences()):
        for side in filter(None, sides):
            looked.setdefault(side, set()).update(stems.split())
    buckets: dict[tuple[str, str], list[Place]] = defaultdict(list)
    for number, one in enumerate(facts):
        for place, (sides, stems) in enumerate(one.sentences()):
            for side in sides:
                for stem in looked.get(side, set()).intersection(stems.split()):
                    buckets[side, stem].append((number, place))
    return buckets


def _alike(one: Said, other: Said, weight: dict[str, float]) -> float:
    """Return the weight of the shared stems as a share of the lighter sentence, 0 to 1."""
    common, ours, theirs = (
        sum(weight[s] for s in stems) for stems in (one.stems & other.stems, one.stems, other.stems)
    )
    return common / min(ours, theirs)


def _how(one: Said, other: Said) -> str:
    """Return in words how two sentences disagree, "" when they do not."""
    # "Ask about the risks" speaks of risk and contradicts nobody: a harm must be named.
    if Tag.HARM in one.sentence.tags | other.sentence.tags and disagree(_quote(one), _quote(other), STANCE_KINDS):
        return "one calls it safe, the other a risk"
    pairs = [(a, b) for a in amounts_of(one.text) for b in amounts_of(other.text) if a.unit == b.unit]
    same_thing = len(one.stems & other.stems) >= MIN_WORDS_OF_AMOUNTS
    return "the amounts lie apart" if pairs and same_thing and all(_far(a, b) for a, b in pairs) else ""


def _far(one: Amount, other: Amount) -> bool:
    """Return True when no rounding explains the difference ("four weeks", "a month")."""
    return one.low > ROUNDING * other.high or other.low > ROUNDING * one.high


def _quote(one: Said) -> Quote:
    whole = ((0, len(one.text)),)
    return Quote(one.sentence.span, one.text, whole, Role.DISAGREEMENT, 0.0, one.article.source, tags=one.sentence.tags)


def copies(facts: Sequence[Facts], wanted: Set[str], opened: Open) -> Iterator[Finding]:
    """Yield articles that are copies, or nearly, of another, where one of the two is in ``wanted``."""
    yield from _same(facts, wanted, opened)
    for first, second, share in _overlapping(facts, wanted):
        if facts[first].words != facts[second].words:
            pair = (opened(facts[number].article).article for number in (first, second))
            one, other = _newer_first(*pair)
            says = f"{share:.0%} of the shorter text are in {other.source.id} too (runs of {SHINGLE} words)"
            fix = 'Keep the newer or better one, and set status = "withdrawn" under [review] of the other.'
            yield finding_of_whole(one, Severity.WARNING, "near-duplicate", says, fix)


def _same(facts: Sequence[Facts], wanted: Set[str], opened: Open) -> Iterator[Finding]:
    """Yield a finding for each article of the same words as another; each is held against the one that is kept."""
    groups: dict[str, list[Facts]] = defaultdict(list)
    for one in facts:
        groups[one.words].append(one)
    for same in (group for words, group in groups.items() if words and len(group) > 1):
        kept = max(same, key=lambda one: (one.approved, one.article))
        for name in (one.article for one in same if one is not kept):
            if wanted & {name, kept.article}:
                article = opened(name).article
                fix = f"Keep one of the two: remove {article.source.file} and its sidecar."
                says = f"the same words as {kept.article}"
                yield finding_of_whole(article, Severity.CRITICAL, "duplicate", says, fix)


def _overlapping(facts: Sequence[Facts], wanted: Set[str]) -> Iterator[tuple[int, int, float]]:
    """Yield the pairs that share at least ``COPY_SHARE`` of the shorter one's runs of words, each once.

    Counted run by run over its holders, not pair by pair: most pairs of a large library share no run but set phrases.
    """
    runs, holders, starts = _holders(facts, wanted)
    for number in (number for number, one in enumerate(facts) if one.article in wanted):
        own = facts[number].shingles
        places = np.searchsorted(runs, own)
        few = places[starts[places + 1] - starts[places] <= MAX_HOLDERS]
        held = np.concatenate([holders[starts[p] : starts[p + 1]] for p in few] or [holders[:0]])
        for other, count in zip(*np.unique(held[held != number], return_counts=True), strict=True):
            theirs = facts[other].shingles
            least = min(len(own), len(theirs))
            seen = facts[other].article in wanted and other < number  # it was reported from the other side
            if seen or count + len(own) - len(few) < COPY_SHARE * least:  # even with every set phrase it is too little
                continue
            share = len(np.intersect1d(own, theirs, assume_unique=True)) / least
            if share >= COPY_SHARE:
                yield number, int(other), share


def _holders(
    facts: Sequence[Facts], wanted: Set[str]
) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.int64]]:
    """Return each run of words of the articles ``wanted``, ascending, and who holds it.

    The second array are numbers of articles: run ``n`` is held by those from ``starts[n]`` to ``starts[n + 1]``, where
    ``starts`` is the third array.
    """
    nothing = np.zeros(0, dtype=np.uint64)
    runs = np.unique(np.concatenate([nothing, *(one.shingles for one in facts if one.article in wanted)]))
    every = np.concatenate([nothing, *(one.shingles for one in facts)])
    numbers = np.repeat(np.arange(len(facts)), [len(one.shingles) for one in facts])
    places = np.searchsorted(runs, every)
    held = (places < len(runs)) & (np.append(runs, np.uint64(0))[places] == every)
    places, numbers = places[held], numbers[held]
    order = np.argsort(places, kind="stable")
    return runs, numbers[order], np.searchsorted(places[order], np.arange(len(runs) + 1))


def _newer_first(one: Article, other: Article) -> tuple[Article, Article]:
    first, second = sorted((one, other), key=_standing)
    return first, second


def _standing(article: Article) -> tuple[bool, str]:
    """Return a key that puts last the article that is kept when two say the same: an approved one, then by id."""
    return article.source.review.status is ReviewStatus.APPROVED, article.source.id
