"""What articles say of each other: contradictions, copies. Found by the uncommon words that they share."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from itertools import combinations
from math import log

from bot.lexical import words_of
from bot.lint.finding import (
    Finding,
    Said,
    Severity,
    excerpt_of,
    finding_of,
    finding_of_whole,
    lower_first,
    stems_of,
    withhold_lines,
)
from bot.sides import SAYS_HARM, SAYS_WELL, STANCE_KINDS, Amount, amounts, disagree
from bot.types import Article, Quote, ReviewStatus, Role, Tag

SHINGLE = 5  # words
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


def contradictions(said: dict[str, list[Said]], only: Set[str]) -> Iterator[Finding]:
    """Yield the sentences of different articles that do not agree, at most ``MAX_PAIRS`` of two articles, best first.

    One of the two articles is in ``only``.
    """
    body = [one for own in said.values() for one in own if one.quotable]
    weight, subjects = _weights(body), _subjects(said)
    best: dict[frozenset[str], list[tuple[float, Said, Said, str]]] = defaultdict(list)
    for one, other in _candidates(body, subjects, only):
        alike = _alike(one, other, weight)
        how = _how(one, other) if alike >= MIN_ALIKE else ""
        if how:
            best[frozenset({one.article.source.id, other.article.source.id})].append((alike, one, other, how))
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


def _subjects(said: dict[str, list[Said]]) -> dict[str, tuple[str, ...]]:
    """Return the stems that each article is about, best first: often in it, seldom in others, best in its title."""
    counts = {name: Counter(stem for one in own for stem in one.stems) for name, own in said.items()}
    articles = Counter(stem for count in counts.values() for stem in count)
    subjects = {}
    for name, own in said.items():
        title = stems_of(own[0].article.source.title) if own else frozenset()
        score = {
            stem: count * log(1 + len(said) / articles[stem]) * (TITLE_WEIGHT if stem in title else 1)
            for stem, count in counts[name].items()
        }
        subjects[name] = tuple(sorted(score, key=lambda stem: (-score[stem], stem))[:SUBJECTS])
    return subjects


def _weights(said: list[Said]) -> dict[str, float]:
    """Return how rare each stem is among the sentences (inverse document frequency)."""
    counts = Counter(stem for one in said for stem in one.stems)
    return {stem: log(1 + len(said) / count) for stem, count in counts.items()}


def _candidates(said: list[Said], subjects: dict[str, tuple[str, ...]], only: Set[str]) -> Iterator[tuple[Said, Said]]:
    """Yield pairs of articles on one subject that share uncommon stems and could disagree, each once."""
    buckets: dict[tuple[str, str], list[int]] = defaultdict(list)
    for number, one in enumerate(said):
        for side in _sides(one):
            for stem in one.stems:
                buckets[side, stem].append(number)
    shared = {
        pair
        for members in buckets.values()
        if len(members) <= MAX_BUCKET
        for pair in combinations(members, 2)
        if said[pair[0]].article is not said[pair[1]].article
        and only & {said[pair[0]].article.source.id, said[pair[1]].article.source.id}
    }
    for first, second in sorted(shared):
        one, other = said[first], said[second]
        ours, theirs = subjects[one.article.source.id], subjects[other.article.source.id]
        one_subject = ours[0] in theirs and theirs[0] in ours
        if one_subject and len((one.stems & other.stems) - {ours[0], theirs[0]}) >= MIN_SHARED:
            yield one, other


def _sides(one: Said) -> set[str]:
    """Return what ``one`` could be held against: a stance, or amounts of a unit."""
    sides = {f"amount {amount.unit}" for amount in _amounts(one.text)}
    return sides | ({"stance"} if one.sentence.tags & (SAYS_WELL | SAYS_HARM) else set())


def _amounts(text: str) -> list[Amount]:
    """Return the amounts of ``text`` without its years ("in 2014 reports")."""
    named = {"time", "money", "percent"}
    return [a for a in amounts(text) if a.unit in named or not 1900 <= a.low <= 2100]


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
    pairs = [(a, b) for a in _amounts(one.text) for b in _amounts(other.text) if a.unit == b.unit]
    same_thing = len(one.stems & other.stems) >= MIN_WORDS_OF_AMOUNTS
    return "the amounts lie apart" if pairs and same_thing and all(_far(a, b) for a, b in pairs) else ""


def _far(one: Amount, other: Amount) -> bool:
    """Return True when no rounding explains the difference ("four weeks", "a month")."""
    return one.low > ROUNDING * other.high or other.low > ROUNDING * one.high


def _quote(one: Said) -> Quote:
    whole = ((0, len(one.text)),)
    return Quote(one.sentence.span, one.text, whole, Role.DISAGREEMENT, 0.0, one.article.source, tags=one.sentence.tags)


def copies(articles: Sequence[Article], only: Set[str]) -> Iterator[Finding]:
    """Yield articles that are copies, or nearly, of another, where one of the two is in ``only``."""
    words = {article.source.id: tuple(words_of(article.text)) for article in articles}
    yield from _same(articles, words, only)
    for first, second, share in _overlapping(articles, {name: _shingles(own) for name, own in words.items()}, only):
        one, other = _newer_first(articles[first], articles[second])
        twin = other.source.id
        if words[one.source.id] != words[twin]:
            says = f"{share:.0%} of the shorter text are in {twin} too (runs of {SHINGLE} words)"
            fix = 'Keep the newer or better one, and set status = "withdrawn" under [review] of the other.'
            yield finding_of_whole(one, Severity.WARNING, "near-duplicate", says, fix)


def _same(articles: Sequence[Article], words: Mapping[str, tuple[str, ...]], only: Set[str]) -> Iterator[Finding]:
    """Yield a finding for each article of the same words as another; each is held against the one that is kept."""
    groups: dict[tuple[str, ...], list[Article]] = defaultdict(list)
    for article in articles:
        groups[words[article.source.id]].append(article)
    for same in (group for own, group in groups.items() if own and len(group) > 1):
        kept = max(same, key=_standing)
        for one in (article for article in same if article is not kept):
            if only & {one.source.id, kept.source.id}:
                fix = f"Keep one of the two: remove {one.source.file} and its sidecar."
                yield finding_of_whole(one, Severity.CRITICAL, "duplicate", f"the same words as {kept.source.id}", fix)


def _overlapping(
    articles: Sequence[Article], shingles: Mapping[str, frozenset[str]], only: Set[str]
) -> Iterator[tuple[int, int, float]]:
    """Yield the pairs that share at least ``COPY_SHARE`` of the shorter one's runs of words, each once.

    Counted run by run over its holders, not pair by pair: most pairs of a large library share no run but set phrases.
    """
    holders = _holders(articles, shingles, only)
    for number, article in enumerate(articles):
        if article.source.id not in only:
            continue
        own = shingles[article.source.id]
        held = [holders[shingle] for shingle in own if len(holders[shingle]) <= MAX_HOLDERS]
        for other, count in sorted(Counter(n for numbers in held for n in numbers if n != number).items()):
            theirs = shingles[articles[other].source.id]
            least = min(len(own), len(theirs))
            seen = articles[other].source.id in only and other < number  # it was reported from the other side
            if seen or count + len(own) - len(held) < COPY_SHARE * least:  # even with every set phrase it is too little
                continue
            share = len(own & theirs) / least
            if share >= COPY_SHARE:
                yield number, other, share


def _holders(
    articles: Sequence[Article], shingles: Mapping[str, frozenset[str]], only: Set[str]
) -> dict[str, list[int]]:
    """Return who holds each run of words of the articles ``only``."""
    holders: dict[str, list[int]] = {
        shingle: [] for article in articles if article.source.id in only for shingle in shingles[article.source.id]
    }
    for number, article in enumerate(articles):
        for shingle in shingles[article.source.id] & holders.keys():
            holders[shingle].append(number)
    return holders


def _shingles(words: tuple[str, ...]) -> frozenset[str]:
    return frozenset(" ".join(words[n : n + SHINGLE]) for n in range(len(words) - SHINGLE + 1))


def _newer_first(one: Article, other: Article) -> tuple[Article, Article]:
    first, second = sorted((one, other), key=_standing)
    return first, second


def _standing(article: Article) -> tuple[bool, str]:
    """Return a key that puts last the article that is kept when two say the same: an approved one, then by id."""
    return article.source.review.status is ReviewStatus.APPROVED, article.source.id
