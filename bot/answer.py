"""The one use of the program: question -> trace, holding the answer that a reader sees."""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from bot.compose import Composer
from bot.errors import InputError, where
from bot.evidence import Selection, select
from bot.followup import resolve
from bot.library import Library, open_library
from bot.retrieve import retrieve
from bot.safety import Gate, redact
from bot.settings import Settings
from bot.types import Answer, Hit, Notice, Screening, Status, Tag, Trace
from bot.words import Words, words_for

log = logging.getLogger(__name__)
MAX_TURNS = 20  # earlier questions that are looked at


class Answerer:
    """Holds the opened library, the safety gate and the fixed words; safe to share between threads."""

    def __init__(self, library: Library, settings: Settings) -> None:
        self.library, self.settings = library, settings
        self.words: Words = words_for(settings.region, settings.clinic_contact)
        self._gate = Gate(self.words, known=library.encoder.vocabulary())
        manifest = library.manifest
        self._composer = Composer(self.words, library.articles, snapshot=manifest.id, built_at=manifest.built_at)
        self.suggestions: tuple[str, ...] = ()
        self.suggestions = self._really_answered(library.info.suggestions)

    def answer(self, question: str, turns: Sequence[str] = (), *, not_emergency: bool = False) -> Trace:
        """Answer ``question`` by quotes, after the user's earlier questions ``turns`` (oldest first).

        ``not_emergency`` is the reader's word that an urgent card was a false alarm. Never raises for what a reader
        typed: an unexpected fault is logged without the question and answered with the fixed error text.
        """
        clock = Clock()
        try:
            return self._answer(question, tuple(turns)[-MAX_TURNS:], not_emergency, clock)
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
        query = resolve(screening.redacted, tuple(redact(turn) for turn in turns))
        with clock.measure("retrieve"):
            hits = retrieve(self.library, query, top_k=self.settings.top_k)
        with clock.measure("select"):
            selection = select(self.library, hits, self.settings, screening.blocked)
        return self._trace(screening, query, selection.hits, self._from_quotes(screening, selection, query), clock)

    def _card(self, screening: Screening, clock: "Clock") -> Trace:
        status = Status.URGENT if screening.urgent else Status.DECLINED if screening.declined else Status.NO_EVIDENCE
        return self._trace(screening, "", (), self._composer.compose(screening, status, screening.card), clock)

    def _plain(self, screening: Screening, message: str, clock: "Clock") -> Trace:
        answer = self._composer.compose(screening, Status.NO_EVIDENCE, message, suggestions=self.suggestions[:3])
        return self._trace(screening, "", (), answer, clock)

    def _from_quotes(self, screening: Screening, selection: Selection, query: str) -> Answer:
        found = bool(selection.quotes)
        status = Status.DECLINED if screening.declined else Status.ANSWERED if found else Status.NO_EVIDENCE
        message = screening.card or (self.words.found if found else self.words.not_found)
        if message == self.words.personal and not found:
            message = self.words.personal_alone
        return self._composer.compose(
            screening,
            status,
            message,
            quotes=selection.quotes,
            notices=self._notices(selection),
            suggestions=tuple(s for s in self.suggestions if s != query)[:3],
        )

    def _notices(self, selection: Selection) -> tuple[Notice, ...]:
        notices = []
        if any(Tag.DOSE in quote.tags for quote in selection.quotes):
            notices.append(Notice("dose-label", self.words.dose_label))
        if any(quote.role == "balance" for quote in selection.quotes):
            notices.append(Notice("balance", self.words.balance))
        if selection.unbalanced:
            notices.append(Notice("no-risk-named", self.words.no_risk))
        return tuple(notices)

    def _trace(self, screening: Screening, query: str, hits: tuple[Hit, ...], answer: Answer, clock: "Clock") -> Trace:
        return Trace(answer.trace_id, query, self.settings.id, screening, hits, answer, clock.millis())

    def _really_answered(self, suggestions: tuple[str, ...]) -> tuple[str, ...]:
        kept = tuple(s for s in suggestions if self.answer(s).answer.status is Status.ANSWERED)
        for lost in sorted(set(suggestions) - set(kept)):
            log.warning("suggested question is not answered by the library and is not shown: %s", lost)
        return kept


class Clock:
    """Measures the stages of one answer in milliseconds."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._stages: dict[str, float] = {}

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        """Record how long the block took under ``stage``."""
        start = time.perf_counter()
        yield
        self._stages[stage] = round((time.perf_counter() - start) * 1000, 3)

    def millis(self) -> dict[str, float]:
        """Return the stages so far and their ``total``."""
        return {**self._stages, "total": round((time.perf_counter() - self._start) * 1000, 3)}


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
