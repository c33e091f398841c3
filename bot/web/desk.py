"""The one way in for the page and the API: count the visitor's questions, ask, turn any failure into fixed words."""

import logging
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from bot.answer import Answerer
from bot.errors import where
from bot.types import Answer

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
    """Everything an entrance needs to answer a visitor."""

    answerer: Answerer
    limiter: Limiter

    def ask(self, visitor: str, question: str, turns: Sequence[str] = (), *, not_emergency: bool = False) -> Reply:
        """Answer one question; never raises."""
        words = self.answerer.words
        try:
            if not self.limiter.allow(visitor):
                return Reply(self.answerer.fallback(words.too_many), 429)
            return Reply(self.answerer.answer(question, turns, not_emergency=not_emergency).answer)
        except Exception as error:
            log.error("Answering failed: %s", where(error))
            return Reply(self.answerer.fallback(words.error), 500)


def visitor_of(host: str | None) -> str:
    """Return who counts as one visitor: an IPv4 address, or an IPv6 network, as one home owns a whole /64."""
    try:
        address = ip_address(host or "")
    except ValueError:
        return host or "unknown"
    if isinstance(address, IPv6Address) and not address.ipv4_mapped:
        return str(int(address) >> 64)
    return str(address)
