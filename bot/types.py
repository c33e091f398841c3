"""The nouns of the program: frozen records of the standard library alone, which slice and tell of themselves."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

LONGEST = 1500  # characters of a sentence that may be quoted: some two hundred words


class Kind(StrEnum):
    """What a sentence is. Only BODY may be quoted."""

    BODY = "body"
    HEADING = "heading"
    TITLE = "title"
    BYLINE = "byline"
    PROMOTION = "promotion"
    CONTACT = "contact"
    BOILERPLATE = "boilerplate"
    WITHHELD = "withheld"


class Tag(StrEnum):
    """What a body sentence claims; set by rules, overridable in the article's sidecar."""

    BENEFIT = "benefit"
    SAFETY = "safety"  # "is safe", "well tolerated", "low risk of ..."
    RISK = "risk"  # speaks of risks or side effects
    HARM = "harm"  # names one: "nausea", "bleeding"
    REASSURANCE = "reassurance"  # "usually short-lived", "these effects are normal"
    DOSE = "dose"  # an amount with a unit


class ReviewStatus(StrEnum):
    """Where an article stands. Only APPROVED articles are quoted."""

    REVIEW = "review"
    APPROVED = "approved"
    WITHDRAWN = "withdrawn"


class Status(StrEnum):
    """What kind of answer a reader gets."""

    ANSWERED = "answered"
    NO_EVIDENCE = "no_evidence"
    DECLINED = "declined"
    URGENT = "urgent"


class Route(StrEnum):
    """The safety class of a message."""

    EMERGENCY = "emergency"
    POISON = "poison"
    CRISIS = "crisis"
    ABUSE = "abuse"
    DOSING = "dosing"
    MISUSE = "misuse"
    PERSONAL = "personal"
    INJECTION = "injection"
    PRIVACY = "privacy"
    SOFT_SUPPORT = "soft_support"
    SOFT_EMERGENCY = "soft_emergency"


HARD_ROUTES = frozenset({Route.EMERGENCY, Route.POISON, Route.CRISIS, Route.ABUSE})


class Role(StrEnum):
    """Why a quote is shown."""

    ANSWER = "answer"
    BALANCE = "balance"
    DISAGREEMENT = "disagreement"


@dataclass(frozen=True, slots=True)
class Span:
    """Characters [start, end) of one article's text: the only way to point at words."""

    article: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Override:
    """A person's decision on exact words of an article, kept in its sidecar."""

    words: str
    reason: str
    by: str
    kind: Kind | None = None
    tags: tuple[Tag, ...] | None = None


@dataclass(frozen=True, slots=True)
class Pin:
    """A person's decision that exact words of an article come first for a question; kept in the article's sidecar."""

    question: str
    words: str
    by: str


@dataclass(frozen=True, slots=True)
class Review:
    """Who let an article into the library and who checked it clinically; unknown is None."""

    status: ReviewStatus
    approved_by: str | None = None
    approved_on: date | None = None
    reviewer: str | None = None
    reviewed_on: date | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """Where an article comes from, read from its sidecar; unknown is None, never invented."""

    id: str
    file: str
    sha256: str
    title: str
    publisher: str | None
    author: str | None
    published: str | None
    url: str | None
    sells_treatment: bool | None
    licence: str | None
    review: Review
    overrides: tuple[Override, ...] = ()
    original: str | None = None  # the file that the text was taken from: "leaflet.pdf"
    original_sha256: str | None = None
    pages: tuple[int, ...] = ()  # where each page of the original begins in the text
    ocr: bool = False  # a program read the words off pictures of pages: some may be wrong
    pins: tuple[Pin, ...] = ()

    def page_of(self, start: int) -> int | None:
        """Return the page, from 1, that the character ``start`` is on; None when the article has no pages."""
        return bisect_right(self.pages, start) or None


@dataclass(frozen=True, slots=True)
class Seen:
    """The files of an article in the corpus, as they were when it was read: a digest of them, the original's name."""

    key: str
    original: str | None = None


@dataclass(frozen=True, slots=True)
class LibraryInfo:
    """What the whole collection is about, from ``corpus/library.toml``."""

    title: str
    suggestions: tuple[str, ...] = ()  # questions that the articles really answer; checked when the index is built


@dataclass(frozen=True, slots=True)
class Article:
    """One article: the only owner of its text."""

    source: Source
    text: str

    def slice(self, span: Span) -> str:
        """Return the exact characters of ``span``."""
        return self.text[span.start : span.end]


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence (or heading line) of an article and what was decided about it."""

    span: Span
    kind: Kind
    rule: str  # id of the rule or override that decided ``kind``
    leans: bool = False  # cannot be understood without the sentence before it
    tags: frozenset[Tag] = frozenset()

    @property
    def unquotable(self) -> str:
        """Say why it is never quoted, whatever the status of its article, or "" when it may be."""
        if self.kind is not Kind.BODY:
            return f"{self.kind.value} ({self.rule})"
        length = self.span.end - self.span.start
        if length > LONGEST:
            return f"a sentence of {length} characters, more than {LONGEST}: nobody reads that in an answer"
        return ""


@dataclass(frozen=True, slots=True)
class Passage:
    """One paragraph: the context of its sentences."""

    span: Span
    heading: Span | None
    sentences: tuple[Sentence, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """One thing that a message asks, in the forms that are searched.

    ``text`` is as typed (after redaction, with the words of earlier turns that it leans on), ``corrected`` has its
    slips of the thumb corrected, ``unnamed`` has "it" for what the whole library is about, ``medical`` also medical
    words in place of everyday ones; ``kinds`` are what it asks for ("duration", "harm", ...).
    """

    text: str
    corrected: str
    unnamed: str
    medical: str
    kinds: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Hit:
    """One retrieved sentence with every score that ranked it.

    ``row`` is the sentence's number in the index, ``part`` the number of the query that found it. ``dense``,
    ``context`` and ``late`` are cosines (-1..1), ``lexical`` is a BM25 score (0 and up), ``coverage`` the
    share of the question's content words (0..1), ``kind`` whether it holds the kind of thing asked for (-1..1),
    ``lacks`` 1 when an amount is asked for and it holds none (else 0), ``rerank`` and ``large`` the logits of the small
    and the large cross-encoder, None when it did not look. ``fused`` orders the hits, ``probability`` is calibrated
    (0..1). ``pinned`` is True when a person pinned it to this question: its probability is then 1. ``headed`` is True
    when the heading above it says what is asked: it is then at least 0.5.
    ``dropped`` says why the sentence was not quoted; empty for a quoted one.
    """

    row: int
    part: int = 0
    dense: float = 0.0
    context: float = 0.0
    lexical: float = 0.0
    late: float = 0.0
    coverage: float = 0.0
    kind: float = 0.0
    lacks: float = 0.0
    rerank: float | None = None
    large: float | None = None
    fused: float = 0.0
    probability: float = 0.0
    pinned: bool = False
    headed: bool = False
    dropped: str = ""


@dataclass(frozen=True, slots=True)
class Quote:
    """Words of an article as a reader sees them. ``text`` is checked against the article before it leaves."""

    span: Span
    text: str
    highlights: tuple[tuple[int, int], ...]
    role: Role
    score: float
    source: Source
    tags: frozenset[Tag] = frozenset()
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Topic:
    """A heading of an article, to show what the library covers. ``text`` is checked against the article."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Notice:
    """A fixed line shown with an answer and the rule that asked for it."""

    rule: str
    text: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """One safety rule that spoke: where, how strongly and on which words of the redacted message."""

    rule: str
    route: Route
    hard: bool
    reason: str
    was: Route | None = None  # the urgent class that a guard, or the reader, took back to a line


@dataclass(frozen=True, slots=True)
class Screening:
    """What the safety gate decided before any retrieval.

    ``redacted`` is the only form of the question that may be stored, shown or searched. ``card`` is the fixed
    text that leads the answer ("" for an ordinary question). ``retrieve`` is False when no article may be
    searched. ``blocked`` are tags that must not be quoted; ``pinned`` words are added to find the matching risk.
    """

    redacted: str
    routes: tuple[Route, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    card: str = ""
    notices: tuple[Notice, ...] = ()
    retrieve: bool = True
    declined: bool = False
    blocked: frozenset[Tag] = frozenset()

    @property
    def urgent(self) -> bool:
        """True when a hard route fired: a card alone, no retrieval."""
        return any(route in HARD_ROUTES for route in self.routes)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a reader sees, the same from every entrance. Built only by ``bot.compose``."""

    question: str
    status: Status
    routes: tuple[Route, ...]
    message: str
    notices: tuple[Notice, ...]
    quotes: tuple[Quote, ...]
    disclaimer: str
    suggestions: tuple[str, ...]
    snapshot: str
    built_at: str
    trace_id: str
    topics: tuple[Topic, ...] = ()  # when nothing answers


@dataclass(frozen=True, slots=True)
class Trace:
    """What staff see: the answer and how it came about. Holds the answer, so both views agree."""

    id: str
    query: str  # the whole question with what it leans on; "" when nothing was searched
    queries: tuple[Query, ...]  # what was searched, a form for each thing asked
    settings: str
    screening: Screening
    hits: tuple[Hit, ...]
    answer: Answer
    millis: Mapping[str, float] = field(default_factory=dict)  # time of each stage
    megabytes: Mapping[str, float] = field(default_factory=dict)  # most memory held by the end of each stage
