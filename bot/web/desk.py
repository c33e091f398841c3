"""The one way in for the page and the API: count a visitor's questions, ask, note, turn faults into fixed words."""

import logging
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from bot.answer import Answerer
from bot.errors import JournalError, where
from bot.journal import Journal
from bot.live import Live
from bot.types import Answer, Trace

log = logging.getLogger(__name__)
MINUTE = 60.0
MOST_VISITORS = 10_000  # remembered at once, so that many addresses cannot fill the memory


class Limiter:
    """Counts one minute's questions per visitor. Safe to share between threads."""

    def __init__(self, most: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = most, clock
        self._seen: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def allow(self, visitor: str) -> bool:
        """Count one question of ``visitor`` and return whether it is within the limit."""
        now = self._clock()
        with self._lock:
            times = self._seen.setdefault(visitor, deque())
            self._seen.move_to_end(visitor)
            while len(self._seen) > MOST_VISITORS:
                self._seen.popitem(last=False)
            while times and now - times[0] >= MINUTE:
                times.popleft()
            if len(times) >= self._most:
                return False
            times.append(now)
            return True


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that is safe to show, and the HTTP status that tells a program what happened."""

    answer: Answer
    code: int = 200


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything an entrance needs to answer a visitor. Without a journal nothing is noted."""

    live: Live
    limiter: Limiter
    journal: Journal | None = None

    @property
    def answerer(self) -> Answerer:
        """Return the answerer in use; a caller that looks twice may see two."""
        return self.live.answerer

    def ask(
        self, visitor: str, question: str, turns: Sequence[str] = (), *, entrance: str, not_emergency: bool = False
    ) -> Reply:
        """Answer one question; never raises."""
        answerer = self.answerer
        try:
            if not self.limiter.allow(visitor):
                return Reply(answerer.fallback(answerer.words.too_many), 429)
            trace = answerer.answer(question, turns, not_emergency=not_emergency)
        except Exception as error:
            log.error("Answering failed: %s", where(error))
            return Reply(answerer.fallback(answerer.words.error), 500)
        self._note(trace, entrance)
        return Reply(trace.answer)

    def feedback(
        self, trace_id: str, *, helpful: bool | None, reason: str, passage: tuple[str, int, int] | None
    ) -> None:
        """Note what a reader thinks of an answer; never raises."""
        if self.journal is not None:
            try:
                self.journal.feedback(trace_id, helpful=helpful, reason=reason, passage=passage)
            except JournalError as error:
                log.error("feedback was not noted: %s", error)

    def _note(self, trace: Trace, entrance: str) -> None:
        """Write the answer into the journal; a full disk must not keep an answer from a patient."""
        if self.journal is not None:
            try:
                self.journal.add(trace, entrance=entrance)
            except JournalError as error:
                log.error("an answer was not noted: %s", error)


def visitor_of(host: str | None) -> str:
    """Return who counts as one visitor: an IPv4 address, or an IPv6 network, as one home owns a whole /64."""
    try:
        address = ip_address(host or "")
    except ValueError:
        return host or "unknown"
    if isinstance(address, IPv6Address) and not address.ipv4_mapped:
        return str(int(address) >> 64)
    return str(address)
