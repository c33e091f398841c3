"""Ranked sentences -> the few quotes worth showing, or none: whole sentences, no repeats, a risk beside a benefit."""

import re
from dataclasses import dataclass, replace

from bot.lexical import terms
from bot.library import Library
from bot.settings import Settings
from bot.types import Hit, Kind, Quote, Role, Sentence, Span, Tag

MAX_SENTENCES = 3
SAME = 0.6  # share of common words above which two quotes say the same
CLAIMS = frozenset({Tag.BENEFIT, Tag.SAFETY, Tag.REASSURANCE})
RISKS = frozenset({Tag.RISK, Tag.HARM})
# A sentence that takes back the one before it: the two are shown together.
CONTRAST = re.compile(
    r"\W*(?:however|but|still|yet|nevertheless|nonetheless|although|though|on the other hand)\b", re.I
)


@dataclass(frozen=True, slots=True)
class Selection:
    """The quotes of an answer, in order, and every hit with the reason it was not quoted.

    ``unbalanced`` is True when a claim of benefit or safety is shown and the library names no risk beside it.
    """

    quotes: tuple[Quote, ...]
    hits: tuple[Hit, ...]
    unbalanced: bool = False


def select(library: Library, hits: tuple[Hit, ...], settings: Settings, blocked: frozenset[Tag]) -> Selection:
    """Choose the quotes for ranked ``hits``; sentences with a ``blocked`` tag are never quoted."""
    quotes: list[Quote] = []
    seen: list[Hit] = []
    for hit in hits:
        quote, dropped = _consider(library, hit, quotes, settings, blocked)
        seen.append(replace(hit, dropped=dropped))
        if quote is not None:
            quotes.append(quote)
    return _balance(library, tuple(quotes), tuple(seen), settings, blocked)


def _consider(
    library: Library, hit: Hit, quotes: list[Quote], settings: Settings, blocked: frozenset[Tag]
) -> tuple[Quote | None, str]:
    """Return the quote of ``hit`` and "", or None and the reason why it is not shown."""
    reason = library.unquotable(hit.row)
    if reason:
        return None, reason
    threshold = settings.extra_threshold if quotes else settings.answer_threshold
    if hit.probability < threshold:
        return None, f"below the threshold {threshold:.2f}"
    if len(quotes) >= settings.max_quotes:
        return None, "enough quotes"
    quote = make_quote(library, hit, Role.ANSWER)
    if quote is None:
        return None, "leans on a sentence that may not be quoted"
    if quote.tags & blocked:
        return None, "blocked by the safety gate: " + ", ".join(sorted(quote.tags & blocked))
    if any(_overlaps(quote, other) or _alike(quote, other) for other in quotes):
        return None, "says the same as a quote above"
    return quote, ""


def make_quote(library: Library, hit: Hit, role: Role) -> Quote | None:
    """Return the sentence of ``hit`` with the sentences it cannot be read without, or None when one is withheld."""
    row = library.rows[hit.row]
    sentences = library.passages[row.passage].sentences
    first = last = row.place
    while sentences[first].leans and first > 0 and last - first < MAX_SENTENCES - 1:
        first -= 1
    if last + 1 < len(sentences) and last - first < MAX_SENTENCES - 1 and _takes_back(library, sentences[last + 1]):
        last += 1
    chosen = sentences[first : last + 1]
    if any(sentence.kind is not Kind.BODY for sentence in chosen):
        return None
    span = Span(row.sentence.span.article, chosen[0].span.start, chosen[-1].span.end)
    article = library.articles[span.article]
    return Quote(
        span=span,
        text=article.slice(span),
        highlights=((row.sentence.span.start, row.sentence.span.end),),
        role=role,
        score=hit.probability,
        source=article.source,
        tags=frozenset(tag for sentence in chosen for tag in sentence.tags),
    )


def _takes_back(library: Library, sentence: Sentence) -> bool:
    text = library.articles[sentence.span.article].slice(sentence.span)
    return sentence.kind is Kind.BODY and CONTRAST.match(text) is not None


def _overlaps(one: Quote, other: Quote) -> bool:
    same_article = one.span.article == other.span.article
    return same_article and one.span.start < other.span.end and other.span.start < one.span.end


def _alike(one: Quote, other: Quote) -> bool:
    a, b = set(terms(one.text)), set(terms(other.text))
    return len(a & b) / max(1, min(len(a), len(b))) > SAME


def _balance(
    library: Library, quotes: tuple[Quote, ...], hits: tuple[Hit, ...], settings: Settings, blocked: frozenset[Tag]
) -> Selection:
    """Put a risk from another article beside each claim of benefit or safety that stands without one."""
    shown, unbalanced = list(quotes), False
    for quote in quotes:
        if quote.tags & CLAIMS and not _has_risk_beside(quote, shown):
            # A risk outside all claiming articles serves every claim at once; else one outside this claim's article.
            claiming = {other.span.article for other in quotes if other.tags & CLAIMS}
            risk = _best_risk(library, hits, claiming, blocked, shown)
            risk = risk or _best_risk(library, hits, {quote.span.article}, blocked, shown)
            risk = risk or _best_risk(library, hits, set(), blocked, shown)
            unbalanced |= risk is None
            shown += [risk] if risk else []
    while len(shown) > settings.max_quotes:
        shown.remove(_least_needed(shown))
    return Selection(tuple(shown), hits, unbalanced)


def _least_needed(shown: list[Quote]) -> Quote:
    """Return the last answering quote that balances nothing, else the last answering quote; never the first."""
    answers = [quote for quote in shown[1:] if quote.role is Role.ANSWER]
    free = [quote for quote in answers if not quote.tags & RISKS]
    return (free or answers or shown)[-1]


def _has_risk_beside(quote: Quote, quotes: list[Quote]) -> bool:
    return any(other.span.article != quote.span.article and other.tags & RISKS for other in quotes)


def _best_risk(
    library: Library, hits: tuple[Hit, ...], avoid: set[str], blocked: frozenset[Tag], shown: list[Quote]
) -> Quote | None:
    """Return the best-ranked sentence that names a harm, else one that speaks of risk, of an article not to avoid."""
    scored = {hit.row: hit for hit in hits}
    for tag in (Tag.HARM, Tag.RISK):
        rows = [row for row, found in enumerate(library.rows) if tag in found.sentence.tags and row not in scored]
        for hit in (*hits, *(Hit(row, 0, 0, 0, 0, 0, 0, 0) for row in rows)):
            sentence = library.rows[hit.row].sentence
            if tag not in sentence.tags or sentence.span.article in avoid or library.unquotable(hit.row):
                continue
            quote = make_quote(library, hit, Role.BALANCE)
            if quote is None or quote.tags & (blocked | CLAIMS) or any(_overlaps(quote, other) for other in shown):
                continue
            return quote
    return None
