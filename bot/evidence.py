"""Ranked sentences -> the few quotes worth showing, or none: whole sentences, both sides, a risk beside a benefit."""

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from bot.claims import tags_of
from bot.kinds import by_rule
from bot.lexical import terms
from bot.library import Library
from bot.rulebook import Rule, read_rules
from bot.sides import SAYS_HARM, SAYS_WELL, amounts, disagree
from bot.types import Hit, Kind, Query, Quote, Role, Sentence, Span, Tag, Topic

MAX_SENTENCES = 3
SAME = 0.5  # share of all their words that two quotes have in common when they say the same
WHOLE = 5  # content words: a shorter quote with at least so many, all of them in a longer one, says nothing new
# Makes another sentence of the same words, as another amount does.
NEGATION = re.compile(r"\b(?:no|not|nor|never|none|without|cannot|\w+n['’]t)\b", re.I)
GAVE_WAY = "gave way to a risk or another side"  # why a quote that was chosen is not shown
SIDE = 0.5  # the other side must be at least this likely, as a share of the quote that it does not agree with
BEARS = 0.1  # a risk that is less likely than this share of a quote is of something else: it contradicts nothing
# Where a clause of a message ends; what gives a reason begins another one.
CLAUSE = re.compile(r"[.?!;,\n]+|\b(?=(?:since|because|given that|considering|seeing (?:as|that))\b)", re.I)
# A clause that asks or supposes, without a "not" that takes the answer for granted.
NEUTRAL = re.compile(
    r"\W*(?:(?:so|and|but|or|also|then|ok|okay|well|hi|hello|hey|please|doctor|doc)\W+)*"
    r"(?:is|are|was|were|am|do|does|did|can|could|will|would|should|may|might|has|have|what|which|when|where|who|whom|how|"
    r"tell me|whether|if|i (?:want|need|would like) to know|(?:i am|i'm|im) (?:wondering|asking|not sure))\b",
    re.I,
)
# The same in the midst of a clause: "i have a bad back is it safe".
ASKS_SAFETY = re.compile(
    r"\b(?:is|are|was|would|how) (?:it|this|that|they|these|the \w+)(?: \w+)? (?:safe|harmless)\b", re.I
)
JOINED = re.compile(r"\b(it|that|they|these|those|there|she|he)['’]?(s|re)\b", re.I)  # "its safe", "theyre harmless"
CLAIMS = SAYS_WELL | {Tag.BENEFIT}
# A sentence that takes back the one before it: the two are shown together.
CONTRAST = re.compile(
    r"\W*(?:(?:however|but|still|yet|nevertheless|nonetheless|although|though|on the other hand)\b"
    r"|(?:\w+\W+){1,5}(?:however|nevertheless|nonetheless)\b)",
    re.I,
)


# What people say, not what the article says: the sentence after it tells.
HEARSAY = re.compile(
    r"\b(?:it is|it.s) (?:often |commonly |widely |sometimes |still )?(?:said|believed|thought|claimed)\b"
    r"|\b(?:many|some|most) people (?:say|think|believe|claim)\b|\b(?:a|one) (?:common |popular )?myth\b",
    re.I,
)
HEADING_MARKS = "# \t\r\n"  # of Markdown, around the words


@dataclass(frozen=True, slots=True)
class Limits:
    """The decision: least probability of a first and of each further quote, most quotes, tags that may not be shown."""

    answer: float
    extra: float
    quotes: int
    blocked: frozenset[Tag] = frozenset()


@dataclass(frozen=True, slots=True)
class Selection:
    """The quotes of an answer, in order, and every hit with the reason it was not quoted.

    ``unbalanced`` is True when a claim of benefit or safety is shown and the library names no risk beside it;
    ``disagreement`` when two quotes do not agree; ``premise`` when a quote contradicts what the question takes for
    granted.
    """

    quotes: tuple[Quote, ...]
    hits: tuple[Hit, ...]
    unbalanced: bool = False
    disagreement: bool = False
    premise: bool = False


def select(
    library: Library, found: tuple[tuple[Hit, ...], ...], queries: tuple[Query, ...], limits: Limits, *, said: str = ""
) -> Selection:
    """Choose the quotes for the ranked hits of each query: the best of each, what adds to it, the other side, risks.

    ``said`` is the message itself, without earlier turns: what it takes for granted may be false.
    """
    quotes: list[Quote] = []
    reasons: dict[tuple[int, int], str] = {}
    for hits in found:  # the best quote of each thing asked comes before a second one of any
        _take(library, hits, quotes, limits, limits.answer, len(quotes) + 1, reasons)
    if quotes:
        rest = sorted((h for hits in found for h in hits), key=lambda hit: -hit.probability)
        _take(library, rest, quotes, limits, limits.extra, limits.quotes, reasons)
    every = tuple(replace(h, dropped=reasons.get((h.part, h.row), "")) for hits in found for h in hits)
    quotes, disagreement = _both_sides(library, quotes, every, queries, limits)
    quotes, premise = _answer_premise(library, quotes, every, said, limits)
    shown, unbalanced = _balance(library, quotes, every, limits)
    shown = _named(shown, frozenset(kind for query in queries for kind in query.kinds))
    disagreement |= any(quote.role is Role.DISAGREEMENT for quote in shown)
    every = tuple(replace(h, dropped="" if _is_shown(library, h, shown) else h.dropped or GAVE_WAY) for h in every)
    return Selection(tuple(shown), every, unbalanced, disagreement, premise)


def _named(shown: list[Quote], kinds: frozenset[str]) -> list[Quote]:
    """Call a balancing quote by its name when it contradicts another one on the very thing that is asked.

    One that hardly bears on the question stands there as a risk, not as another answer.
    """
    return [
        replace(quote, role=Role.DISAGREEMENT)
        if quote.role is Role.BALANCE
        and any(quote.score >= BEARS * other.score and disagree(quote, other, kinds) for other in shown)
        else quote
        for quote in shown
    ]


def _take(
    library: Library,
    hits: tuple[Hit, ...] | list[Hit],
    quotes: list[Quote],
    limits: Limits,
    threshold: float,
    most: int,
    reasons: dict[tuple[int, int], str],
) -> None:
    """Add to ``quotes`` from ``hits`` until there are ``most``; note why each other one was left out."""
    for hit in hits:
        key = (hit.part, hit.row)
        if reasons.get(key) == "":
            continue
        quote, reason = _consider(library, hit, quotes, limits, threshold)
        if quote is not None and len(quotes) >= min(most, limits.quotes):
            quote, reason = None, "enough quotes"
        reasons[key] = reason
        if quote is not None:
            quotes.append(quote)


def _consider(
    library: Library, hit: Hit, quotes: list[Quote], limits: Limits, threshold: float
) -> tuple[Quote | None, str]:
    """Return the quote of ``hit`` and "", or None and the reason why it is not shown."""
    reason = library.unquotable(hit.row)
    if reason:
        return None, reason
    if hit.probability < threshold:
        return None, f"probability {hit.probability:.3f} is below the threshold {threshold:.2f}"
    quote = make_quote(library, hit, Role.ANSWER)
    if quote is None:
        return None, "leans on a sentence that may not be quoted"
    if quote.tags & limits.blocked:
        return None, "blocked by the safety gate: " + ", ".join(sorted(quote.tags & limits.blocked))
    if any(_overlaps(quote, other) or _alike(quote, other) for other in quotes):
        return None, "says the same as a quote above"
    return quote, ""


def _both_sides(
    library: Library, quotes: list[Quote], hits: tuple[Hit, ...], queries: tuple[Query, ...], limits: Limits
) -> tuple[list[Quote], bool]:
    """Mark quotes that do not agree with one above, add the other side where it is as likely, and answer a premise."""
    if not quotes:
        return quotes, False
    kinds = frozenset(kind for query in queries for kind in query.kinds)
    shown = [quotes[0]]
    for quote in quotes[1:]:
        apart = any(disagree(quote, other, kinds) for other in shown)
        shown.append(replace(quote, role=Role.DISAGREEMENT) if apart else quote)
    if all(quote.role is Role.ANSWER for quote in shown):
        other = _other_side(library, shown, hits, kinds, limits)
        shown += [other] if other else []
    return shown[: limits.quotes], any(quote.role is Role.DISAGREEMENT for quote in shown)


def _other_side(
    library: Library, shown: list[Quote], hits: tuple[Hit, ...], kinds: frozenset[str], limits: Limits
) -> Quote | None:
    for hit in hits:
        if hit.probability < SIDE * shown[0].score or library.unquotable(hit.row):
            continue
        quote = make_quote(library, hit, Role.DISAGREEMENT)
        if quote is None or quote.tags & limits.blocked or any(_overlaps(quote, other) for other in shown):
            continue
        if any(disagree(quote, other, kinds) for other in shown):
            return quote
    return None


def _answer_premise(
    library: Library, quotes: list[Quote], hits: tuple[Hit, ...], said: str, limits: Limits
) -> tuple[list[Quote], bool]:
    """Add a quote that names a harm when the question takes safety for granted and nothing shown contradicts it."""
    if not quotes or not claims_safety(said):
        return quotes, False
    if not any(quote.tags & SAYS_HARM for quote in quotes):
        risk = _best_risk(library, hits, set(), limits, quotes)
        quotes = [*quotes[: limits.quotes - 1], replace(risk, role=Role.DISAGREEMENT)] if risk else quotes
    return quotes, any(quote.tags & SAYS_HARM for quote in quotes)


def _is_shown(library: Library, hit: Hit, shown: tuple[Quote, ...] | list[Quote]) -> bool:
    """Return True when the sentence of ``hit`` is marked in a quote, whichever rule brought that one in."""
    span = library.rows[hit.row].sentence.span
    return any(q.span.article == span.article and (span.start, span.end) in q.highlights for q in shown)


def claims_safety(said: str) -> bool:
    """Return True when a clause of ``said`` says that something is safe or harmless: a premise that may be false.

    "Is it safe?" and "if it is safe" say nothing; "since it is safe" and "isn't it safe?" do.
    """
    said = JOINED.sub(lambda match: f"{match[1]} is" if match[2].lower() == "s" else f"{match[1]} are", said)
    clauses = [one for one in CLAUSE.split(said) if one.strip() and not ASKS_SAFETY.search(one)]
    tags = [tags_of(clause) for clause in clauses if not NEUTRAL.match(clause)]
    return any(own & SAYS_WELL and not own & SAYS_HARM for own in tags)


def make_quote(library: Library, hit: Hit, role: Role) -> Quote | None:
    """Return the sentence of ``hit`` with the sentences it cannot be read without, or None when one is withheld."""
    row = library.rows[hit.row]
    sentences = library.passages[row.passage].sentences
    first = last = row.place
    while sentences[first].leans and first > 0 and last - first < MAX_SENTENCES - 1:
        first -= 1
    room = last + 1 < len(sentences) and last - first < MAX_SENTENCES - 1
    if room and _takes_back(library, sentences[last], sentences[last + 1]):
        last += 1
    chosen = sentences[first : last + 1]
    if any(sentence.unquotable for sentence in chosen):
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
        page=article.source.page_of(span.start),
    )


def _takes_back(library: Library, said: Sentence, after: Sentence) -> bool:
    """Return True when ``after`` begins with a "however", or leans on a claim and names a harm, or follows hearsay."""
    if after.kind is not Kind.BODY:
        return False
    limits = after.leans and bool(said.tags & CLAIMS) and bool(after.tags & SAYS_HARM)
    article = library.articles[after.span.article]
    return limits or bool(CONTRAST.match(article.slice(after.span)) or HEARSAY.search(article.slice(said.span)))


def _overlaps(one: Quote, other: Quote) -> bool:
    same_article = one.span.article == other.span.article
    return same_article and one.span.start < other.span.end and other.span.start < one.span.end


def _alike(one: Quote, other: Quote) -> bool:
    """Return True when the two say the same in nearly the same words and amounts, none or both of them with a "not"."""
    if set(amounts(one.text)) != set(amounts(other.text)):
        return False
    if bool(NEGATION.search(one.text)) is not bool(NEGATION.search(other.text)):
        return False
    a, b = set(terms(one.text)), set(terms(other.text))
    within = min(len(a), len(b)) >= WHOLE and (a <= b or b <= a)
    return within or len(a & b) > SAME * len(a | b)


def _balance(library: Library, quotes: list[Quote], hits: tuple[Hit, ...], limits: Limits) -> tuple[list[Quote], bool]:
    """Put a risk from another article beside each claim of benefit or safety that stands without one."""
    shown, unbalanced = list(quotes), False
    for quote in quotes:
        if quote.tags & CLAIMS and not _has_risk_beside(quote, shown):
            # A risk outside all claiming articles serves every claim at once; else one outside this claim's article.
            claiming = {other.span.article for other in quotes if other.tags & CLAIMS}
            risk = _best_risk(library, hits, claiming, limits, shown)
            risk = risk or _best_risk(library, hits, {quote.span.article}, limits, shown)
            risk = risk or _best_risk(library, hits, set(), limits, shown)
            unbalanced |= risk is None
            shown += [risk] if risk else []
    while len(shown) > limits.quotes:
        shown.remove(_least_needed(shown))
    return shown, unbalanced


def _least_needed(shown: list[Quote]) -> Quote:
    """Return the last answering quote that balances nothing, else the last answering quote; never the first."""
    answers = [quote for quote in shown[1:] if quote.role is not Role.BALANCE]
    free = [quote for quote in answers if not quote.tags & SAYS_HARM]
    return (free or answers or shown)[-1]


def _has_risk_beside(quote: Quote, quotes: list[Quote]) -> bool:
    return any(other.span.article != quote.span.article and other.tags & SAYS_HARM for other in quotes)


def _best_risk(
    library: Library, hits: tuple[Hit, ...], avoid: set[str], limits: Limits, shown: list[Quote]
) -> Quote | None:
    """Return the best-ranked sentence that names a harm, else one that speaks of risk, of an article not to avoid."""
    scored = {hit.row for hit in hits}
    for tag in (Tag.HARM, Tag.RISK):
        rows = [row for row, found in enumerate(library.rows) if tag in found.sentence.tags and row not in scored]
        for hit in (*hits, *(Hit(row) for row in rows)):
            sentence = library.rows[hit.row].sentence
            if tag not in sentence.tags or sentence.span.article in avoid or library.unquotable(hit.row):
                continue
            quote = make_quote(library, hit, Role.BALANCE)
            if quote is None or quote.tags & (limits.blocked | CLAIMS) or any(_overlaps(quote, o) for o in shown):
                continue
            return quote
    return None


def topics(library: Library, hits: tuple[Hit, ...], most: int = 4) -> tuple[Topic, ...]:
    """Return the headings nearest to a question that nothing answers: what the library does cover, to be followed.

    Only headings that ask, or name a part of health writing, and claim nothing (headings.toml): any other could promise
    something, and would stand there without its risk. One that says nothing of its own paragraph ("In closing") is left
    out, too.
    """
    found: dict[str, Topic] = {}
    for hit in sorted(hits, key=lambda hit: (-hit.probability, hit.row)):
        topic = None if library.unquotable(hit.row) else _topic(library, library.rows[hit.row].passage)
        if topic:
            found.setdefault(topic.text.casefold(), topic)
    return tuple(found.values())[:most]


@lru_cache(maxsize=1)
def _plain_headings() -> tuple[Rule, ...]:
    return read_rules("headings.toml")


def _topic(library: Library, number: int) -> Topic | None:
    passage = library.passages[number]
    if passage.heading is None:
        return None
    span, article = passage.heading, library.articles[passage.heading.article]
    line = article.slice(span)
    text = line.strip(HEADING_MARKS)
    # A single word ("Risks") does not say of what.
    if " " not in text or not any(rule.speaks(text) for rule in _plain_headings()) or by_rule(text):
        return None
    claims = tags_of(text) | library.heading_tags(number)
    if not claims <= {Tag.RISK, Tag.HARM} or not set(terms(text)) & set(terms(article.slice(passage.span))):
        return None
    start = span.start + line.index(text)
    return Topic(Span(span.article, start, start + len(text)), text)
