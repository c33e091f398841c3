"""The one use of the program: question -> trace, holding the answer that a reader sees."""

import logging
import re
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from bot.compose import Composer
from bot.errors import InputError, where
from bot.evidence import Limits, Selection, select, topics
from bot.followup import resolve
from bot.headed import Headings, lead
from bot.lexical import terms
from bot.library import Library, open_library
from bot.pins import Pins, put_first
from bot.readers.text import legible
from bot.rerank import Reranker, open_large
from bot.retrieve import read_again, rerank, retrieve, understand
from bot.safety import Classifier, Gate, redact, without_placeholders
from bot.scoring import scoring_for
from bot.settings import Settings
from bot.types import Answer, Hit, Notice, Query, Quote, Screening, Span, Status, Tag, Trace
from bot.words import Words, words_for

log = logging.getLogger(__name__)
MAX_TURNS = 20  # earlier questions that are looked at
OWN_CASE = re.compile(
    r"\b(?:i|im|i['’](?:m|d|ve|ll)|ive|my|mine|myself)\b|(?<!\btell )(?<!\bshow )(?<!\bgive )\bme\b", re.I
)


class Answerer:
    """Holds the opened library, the safety gate and the fixed words; safe to share between threads."""

    def __init__(self, library: Library, settings: Settings) -> None:
        self._reranker = Reranker(threads=settings.threads) if settings.rerank else None
        self._large = open_large(threads=settings.threads) if self._reranker and settings.large else None
        # What traces say of the settings must be what was done: the large model may not be there.
        self.library, self.settings = library, settings.model_copy(update={"large": self._large is not None})
        self._scoring = scoring_for(
            self._reranker.digest if self._reranker else None, self._large.digest if self._large else None
        )
        self.words: Words = words_for(settings.region, settings.clinic_contact)
        if self._scoring.calibration.encoder != settings.model:
            log.warning(
                "the probabilities were fitted with %s, not %s", self._scoring.calibration.encoder, settings.model
            )
        classifier = Classifier(threads=settings.threads) if settings.screen_model else None
        self._pins, self._headings = Pins(library), Headings(library)
        self._gate = Gate(self.words, known=library.encoder.vocabulary(), classifier=classifier)
        manifest = library.manifest
        self._composer = Composer(self.words, library.articles, snapshot=manifest.id, built_at=manifest.built_at)
        self.suggestions: tuple[str, ...] = ()
        self._first_quote = self._really_answered(library.info.suggestions)
        self.suggestions = tuple(self._first_quote)
        self._suggestion_vectors = library.encoder.documents(list(self.suggestions))[0]
        self._suggestion_terms = {one: self._own_terms(one) for one in self.suggestions}

    def answer(self, question: str, turns: Sequence[str] = (), *, not_emergency: bool = False) -> Trace:
        """Answer ``question`` by quotes, after the user's earlier questions ``turns`` (oldest first).

        ``not_emergency`` is the reader's word that an urgent card was a false alarm. Never raises for what a reader
        typed: an unexpected fault is logged without the question and answered with the fixed error text.
        """
        clock = Clock()
        try:
            earlier = tuple(map(legible, tuple(turns)[-MAX_TURNS:]))
            return self._answer(legible(question), earlier, not_emergency, clock)
        except Exception as error:
            log.error("a question could not be answered: %s", where(error))
            return self._trace(Screening(""), "", (), self.fallback(self.words.error), clock)

    def fallback(self, message: str) -> Answer:
        """Return an answer that holds only the fixed text ``message``, for faults and refusals outside a question."""
        return self._composer.compose(Screening(redacted=""), Status.NO_EVIDENCE, message)

    def _answer(self, question: str, turns: tuple[str, ...], not_emergency: bool, clock: "Clock") -> Trace:
        with clock.measure("screen"):
            screening = self._gate.screen(question, turns, not_emergency=not_emergency)
        if not screening.retrieve:
            return self._card(screening, clock)
        try:
            check_input(question, self.words, self.settings.max_question_chars)
        except InputError as error:
            return self._plain(screening, str(error), clock)
        # Earlier turns come from outside too: the query is kept in the trace, so it must hold no identifier.
        said, *earlier = (without_placeholders(text) for text in (screening.redacted, *map(redact, turns)))
        query = resolve(said, tuple(earlier), self.library.speller.correct, self.library.topics)
        with clock.measure("understand"):
            queries = understand(self.library, query)
        found = tuple(self._search(asked, number, clock) for number, asked in enumerate(queries))
        with clock.measure("select"):
            selection = select(self.library, found, queries, self._limits(screening), said=screening.redacted)
        answer = self._from_quotes(screening, selection, query, turns)
        return self._trace(screening, query, selection.hits, answer, clock, queries)

    def _search(self, query: Query, part: int, clock: "Clock") -> tuple[Hit, ...]:
        with clock.measure("retrieve"):
            hits = retrieve(self.library, query, self._scoring, top_k=self.settings.top_k, part=part)
        with clock.measure("rerank"):
            ordered = rerank(self.library, query, hits, self._scoring, self._reranker)
        with clock.measure("read again"):
            ordered = read_again(self.library, query, ordered, self._scoring, self._large)
        ordered = lead(ordered, self._headings.rows(query.corrected), part=part)
        return put_first(ordered, self._pins.rows(query.corrected), part=part)

    @property
    def thresholds(self) -> tuple[float, float]:
        """Return the least probability of a first and of each further quote."""
        chosen, calibrated = self.settings, self._scoring.decision
        return (
            calibrated.answer_threshold if chosen.answer_threshold is None else chosen.answer_threshold,
            calibrated.extra_threshold if chosen.extra_threshold is None else chosen.extra_threshold,
        )

    def _limits(self, screening: Screening) -> Limits:
        answer, extra = self.thresholds
        return Limits(answer=answer, extra=extra, quotes=self.settings.max_quotes, blocked=screening.blocked)

    def _card(self, screening: Screening, clock: "Clock") -> Trace:
        status = Status.URGENT if screening.urgent else Status.DECLINED if screening.declined else Status.NO_EVIDENCE
        suggestions = self.suggestions[:3] if status is Status.NO_EVIDENCE else ()
        answer = self._composer.compose(screening, status, screening.card, suggestions=suggestions)
        return self._trace(screening, "", (), answer, clock)

    def _plain(self, screening: Screening, message: str, clock: "Clock") -> Trace:
        answer = self._composer.compose(screening, Status.NO_EVIDENCE, message, suggestions=self.suggestions[:3])
        return self._trace(screening, "", (), answer, clock)

    def _from_quotes(self, screening: Screening, selection: Selection, query: str, turns: tuple[str, ...]) -> Answer:
        found = bool(selection.quotes)
        status = Status.DECLINED if screening.declined else Status.ANSWERED if found else Status.NO_EVIDENCE
        message = screening.card or self._lead(selection)
        if message == self.words.personal and not found:
            message = self.words.personal_alone
        return self._composer.compose(
            screening,
            status,
            message,
            quotes=selection.quotes,
            notices=self._notices(
                selection, own_case=not screening.card and OWN_CASE.search(screening.redacted) is not None
            ),
            suggestions=self._suggest(query, selection.quotes, turns),
            topics=topics(self.library, selection.hits) if status is Status.NO_EVIDENCE else (),
        )

    def _lead(self, selection: Selection) -> str:
        """Return the line above the quotes: a near miss reads like an answer, so a doubtful one is named."""
        if not selection.quotes:
            return self.words.not_found
        sure = selection.quotes[0].score >= self._scoring.decision.sure_threshold
        return self.words.found if sure else self.words.unsure

    def _suggest(self, query: str, shown: tuple[Quote, ...], turns: tuple[str, ...], most: int = 3) -> tuple[str, ...]:
        """Return the questions nearest to ``query`` that the library answers by other words than those ``shown``.

        What was asked, now or in ``turns``, is not suggested again, nor what says nothing that was not asked.
        """
        if not self.suggestions:
            return ()
        nearness = self._suggestion_vectors @ self.library.encoder.query(query)[0]
        order = sorted(range(len(self.suggestions)), key=lambda number: (-nearness[number], number))
        spans = {quote.span for quote in shown}
        asked = [set(terms(one)) for one in (query, *turns)]
        near = (self.suggestions[number] for number in order)
        new = (one for one in near if not any(self._suggestion_terms[one] <= before for before in asked))
        return tuple(one for one in new if self._first_quote[one] not in spans)[:most]

    def _own_terms(self, suggestion: str) -> set[str]:
        """Return its content words without those of the collection's title, which go without saying."""
        words = set(terms(suggestion))
        return words - set(terms(self.library.info.title)) or words

    def _notices(self, selection: Selection, *, own_case: bool) -> tuple[Notice, ...]:
        notices = []
        if own_case and selection.quotes:
            notices.append(Notice("own-case", self.words.own_case))
        if any(Tag.DOSE in quote.tags for quote in selection.quotes):
            notices.append(Notice("dose-label", self.words.dose_label))
        if any(quote.role == "balance" for quote in selection.quotes):
            notices.append(Notice("balance", self.words.balance))
        if selection.disagreement:
            notices.append(Notice("disagreement", self.words.disagreement))
        if selection.premise:
            notices.append(Notice("premise", self.words.premise))
        if selection.unbalanced:
            notices.append(Notice("no-risk-named", self.words.no_risk))
        return tuple(notices)

    def _trace(
        self,
        screening: Screening,
        query: str,
        hits: tuple[Hit, ...],
        answer: Answer,
        clock: "Clock",
        queries: tuple[Query, ...] = (),
    ) -> Trace:
        return Trace(
            answer.trace_id,
            query,
            queries,
            self.settings.id,
            screening,
            hits,
            answer,
            clock.millis(),
            clock.megabytes(),
        )

    def _really_answered(self, suggestions: tuple[str, ...]) -> dict[str, Span]:
        """Return where the first quote of each suggested question is; what is not answered is not suggested."""
        answers = {suggestion: self.answer(suggestion).answer for suggestion in suggestions}
        for lost in sorted(s for s, answer in answers.items() if answer.status is not Status.ANSWERED):
            log.warning("suggested question is not answered by the library and is not shown: %s", lost)
        return {s: answer.quotes[0].span for s, answer in answers.items() if answer.status is Status.ANSWERED}


class Clock:
    """Measures the stages of one answer in milliseconds."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._stages: dict[str, float] = {}
        self._memory: dict[str, float] = {}

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        """Record how long the block took under ``stage``."""
        start = time.perf_counter()
        yield
        spent = (time.perf_counter() - start) * 1000
        self._stages[stage] = round(self._stages.get(stage, 0.0) + spent, 3)
        self._memory[stage] = peak_memory()

    def megabytes(self) -> dict[str, float]:
        """Return the most memory that the process had held at the end of each stage, in MB."""
        return dict(self._memory)

    def millis(self) -> dict[str, float]:
        """Return the stages so far and their ``total``."""
        return {**self._stages, "total": round((time.perf_counter() - self._start) * 1000, 3)}


def peak_memory() -> float:
    """Return the most memory that this process has held so far, in MB."""
    unit = 1e-6 if sys.platform == "darwin" else 1e-3  # bytes there, kilobytes elsewhere
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit, 1)


def check_input(question: str, words: Words, max_chars: int) -> None:
    """Refuse what cannot be searched for.

    Raises:
        InputError: holds the fixed text for an empty, too long or unreadable question.
    """
    if not question.strip():
        raise InputError(words.empty)
    if len(question) > max_chars:
        raise InputError(words.too_long)
    letters = sum(character.isalpha() for character in question)
    controls = sum(not character.isprintable() and not character.isspace() for character in question)
    if letters < 2 or controls * 4 > len(question):
        raise InputError(words.unreadable)


def open_answerer(settings: Settings) -> Answerer:
    """Open the current snapshot and everything a question needs.

    Raises:
        SnapshotError, WordsError, RulesError: the program must not start; each says what to do.
    """
    return Answerer(open_library(settings.index, model=settings.model, threads=settings.threads), settings)
