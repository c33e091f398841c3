"""What was asked and how it was answered, for the clinic's staff: redacted, private to one user, forgotten in time.

One SQLite file. Answers are only added and deleted; triggers in ``migrations/`` keep the search, the filters and the
daily totals in step with them.
"""

import json
import logging
import math
import sqlite3
import threading
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.errors import JournalError
from bot.journal.database import BUSY, connect, explained, open_database, transaction
from bot.journal.query import FIRST_DAY, Entry, Filter, day_number, entry_of, page_query, storable, time_of, vote_of
from bot.safety.redact import redact
from bot.types import Status, Trace
from bot.wire import trace_to_dict

__all__ = ["Day", "Entry", "Filter", "Journal"]
log = logging.getLogger(__name__)
BATCH = 500  # answers deleted at once: other writers get their turn between
HOUR = 3600  # seconds between two looks for what is too old
REASON_CHARS, PASSAGES = 500, 5
LATEST = 2000  # answers that the latency is taken over


@dataclass(frozen=True, slots=True)
class Day:
    """One day (UTC) in numbers: answers by status, their mean time in milliseconds, and the votes on them."""

    day: date
    counts: Mapping[str, int]
    mean_ms: float
    up: int
    down: int

    @property
    def answers(self) -> int:
        """Return how many questions were asked on that day."""
        return sum(self.counts.values())

    @property
    def urgent(self) -> int:
        """Return how many of them got an urgent card."""
        return self.counts.get(Status.URGENT, 0)


def utc_now() -> datetime:
    """Return the time now, in UTC."""
    return datetime.now(UTC)


class Journal:
    """The open journal file; threads may share it, and processes the file.

    The file, and the folder that it needs for itself, are made private to their user. Answers of today and of the
    ``keep_days`` - 1 days before (UTC) are kept. With ``ids_only`` no words and no probabilities are written; those
    that are in the file already stay until they are too old.

    Raises:
        JournalError: the file is damaged, locked, of another program or a later version, or cannot be made private.
    """

    def __init__(
        self, path: Path, *, keep_days: int = 30, ids_only: bool = False, now: Callable[[], datetime] = utc_now
    ) -> None:
        if keep_days < 1:
            raise JournalError(f"The journal cannot be kept for {keep_days} days. Give 1 or more.")
        self._path, self._keep_days, self._ids_only, self._now = path.absolute(), keep_days, ids_only, now
        self._lock, self._closed = threading.Lock(), False
        self._readers: deque[sqlite3.Connection] = deque()
        self._writer = open_database(self._path)
        try:
            self.purge()
        except JournalError:
            self.close()
            raise

    def add(self, trace: Trace, *, entrance: str) -> None:
        """Write down one answer; ``entrance`` is the way it was asked ("chat", "api").

        Raises:
            JournalError: the file is locked, damaged or closed, or the disk is full; the answer is not written.
        """
        values = {**_columns(trace), "entrance": entrance, "at": self._seconds()}
        if self._ids_only:
            values |= {"question": "", "top": None}
        with self._writing() as connection:
            connection.execute(
                "INSERT INTO answers (code, at, entrance, question, status, routes, articles, snapshot, settings, top,"
                " micros) VALUES (:code, :at, :entrance, :question, :status, :routes, :articles, :snapshot, :settings,"
                " :top, :micros)",
                values,
            )
            if not self._ids_only:
                packed = (_pack(trace), trace.id)
                connection.execute("INSERT INTO traces SELECT row, ? FROM answers WHERE code = ?", packed)
        self._purge_in_time()

    def feedback(
        self, trace_id: str, *, helpful: bool | None, reason: str = "", passage: tuple[str, int, int] | None = None
    ) -> bool:
        """Write down what a reader thinks of an answer; return False when there is nothing that it can be about.

        That is an unknown id, or a ``passage`` (article, start, end in characters) of an article that the answer
        did not quote. A later vote or reason takes the place of the earlier one; None and "" leave it. Passages
        after the fifth are not kept. ``reason`` is redacted, cut to 500 characters, and left out with ``ids_only``.

        Raises:
            JournalError: as ``add``.
        """
        reason = "" if self._ids_only else storable(redact(reason))[:REASON_CHARS]
        with self._writing() as connection:
            row = _commented(connection, storable(trace_id), passage)
            if row is None:
                return False
            connection.execute(
                "INSERT INTO feedback VALUES (:row, :helpful, :reason, :at) ON CONFLICT (row) DO UPDATE SET"
                " helpful = coalesce(excluded.helpful, helpful), at = excluded.at,"
                " reason = CASE excluded.reason WHEN '' THEN reason ELSE excluded.reason END",
                {"row": row, "helpful": helpful, "reason": reason, "at": self._seconds()},
            )
            if passage is not None:
                _report(connection, row, passage)
        return True

    def find(self, wanted: Filter, *, before: int | None = None, limit: int = 50) -> list[Entry]:
        """Return the newest answers that pass ``wanted``, at most ``limit``; the next page is ``before`` the last row.

        Raises:
            JournalError: the file cannot be read, or ``wanted`` asks for a vote that there is not.
        """
        sql, values = page_query(wanted, before)
        with self._reading() as connection:
            return [entry_of(found) for found in connection.execute(sql, (*values, max(limit, 0))).fetchall()]

    def export(self, wanted: Filter) -> Iterator[Entry]:
        """Yield every answer that passes ``wanted``, newest first, as the journal was when the first one was taken.

        Raises:
            JournalError: as ``find``.
        """
        sql, values = page_query(wanted, None)
        # Closed also when the reader stops half-way: an open cursor would keep the log file from being emptied.
        with self._reading() as connection, closing(connection.execute(sql, (*values, -1))) as cursor:
            yield from map(entry_of, cursor)

    def trace(self, trace_id: str) -> dict[str, Any] | None:
        """Return ``{"trace": ..., "feedback": ...}`` of one answer, each {} when there is none, or None when unknown.

        Raises:
            JournalError: the file cannot be read.
        """
        with self._reading() as connection:
            found = connection.execute(
                "SELECT answers.row, data, helpful, reason, feedback.at FROM answers LEFT JOIN traces USING (row)"
                " LEFT JOIN feedback USING (row) WHERE code = ?",
                (storable(trace_id),),
            ).fetchone()
            if found is None:
                return None
            row, data, helpful, reason, at = found
            passages = connection.execute(
                'SELECT article, start, "end" FROM reports WHERE row = ? ORDER BY nth', (row,)
            ).fetchall()
        said = {"helpful": vote_of(helpful), "reason": reason, "passages": passages}
        return {
            "trace": {} if data is None else _unpack(data, trace_id),
            "feedback": {} if at is None else {**said, "at": time_of(at).isoformat()},
        }

    def unanswered(self, *, since: date, limit: int = 2000) -> list[Entry]:
        """Return the newest answers since the day ``since`` for which the library held nothing."""
        return self.find(Filter(status=Status.NO_EVIDENCE, since=since), limit=limit)

    def days(self, *, since: date) -> list[Day]:
        """Return each day since ``since`` on which something was asked, oldest first."""
        with self._reading() as connection:
            found = connection.execute(
                "SELECT day, json_group_object(status, answers), sum(micros) / 1e3 / sum(answers), sum(up), sum(down)"
                " FROM day_totals WHERE day >= ? GROUP BY day ORDER BY day",
                (day_number(since),),
            ).fetchall()
        return [
            Day(FIRST_DAY + timedelta(day), json.loads(counts), mean, up, down) for day, counts, mean, up, down in found
        ]

    def articles(self, *, since: date) -> dict[str, int]:
        """Return how many answers since the day ``since`` quoted each article, the most quoted first."""
        with self._reading() as connection:
            return dict(
                connection.execute(
                    "SELECT article, sum(answers) AS total FROM article_totals WHERE day >= ? GROUP BY article"
                    " ORDER BY total DESC, article",
                    (day_number(since),),
                ).fetchall()
            )

    def latency(self, *, since: date) -> tuple[float, float] | None:
        """Return median and 95th percentile (nearest rank) in ms of the newest 2,000 answers; None without any."""
        with self._reading() as connection:
            found = connection.execute(
                "SELECT answers.micros FROM answers AS narrow INDEXED BY answers_scan CROSS JOIN answers USING (row)"
                " WHERE narrow.day >= ? ORDER BY narrow.row DESC LIMIT ?",
                (day_number(since), LATEST),
            ).fetchall()
        times = sorted(micros / 1000 for (micros,) in found)
        return (_percentile(times, 0.5), _percentile(times, 0.95)) if times else None

    def purge(self) -> int:
        """Delete what is too old, its words from the search and the log file too; return how many answers left.

        Raises:
            JournalError: as ``add``; what was deleted until then stays deleted.
        """
        self._purged = self._seconds()
        oldest = day_number(self._now().astimezone(UTC)) - self._keep_days + 1
        deleted = 0
        while some := self._delete(oldest):
            deleted += some
        if deleted:
            self._forget_words()
            self._shrink()
        self._empty_log()
        return deleted

    def close(self) -> None:
        """Close the file; whatever comes after raises JournalError."""
        with self._lock:
            self._closed = True
            self._writer.close()
        self._close_readers()

    def _purge_in_time(self) -> None:
        if self._seconds() - self._purged < HOUR:
            return
        try:
            self.purge()
        except JournalError as error:
            # The answer itself is written: the next hour tries again.
            log.error("old answers were not deleted from the journal: %s", error)

    def _delete(self, oldest: int) -> int:
        with self._writing() as connection:
            if not connection.execute("SELECT 1 FROM day_totals WHERE day < ?", (oldest,)).fetchone():
                return 0
            return connection.execute(
                "DELETE FROM answers WHERE row IN (SELECT row FROM answers INDEXED BY answers_scan WHERE day < ?"
                " ORDER BY row LIMIT ?)",
                (oldest, BATCH),
            ).rowcount

    def _forget_words(self) -> None:
        """Rewrite the search in steps: until then it only hides the words of deleted questions."""
        pages, changed = -BATCH, 2
        while changed > 1:  # the command itself counts as one change
            with self._writing() as connection:
                before = connection.total_changes
                connection.execute("INSERT INTO questions (questions, rank) VALUES ('merge', ?)", (pages,))
                changed = connection.total_changes - before
            pages = BATCH

    def _shrink(self) -> None:
        left = 1
        while left:
            with self._writer_alone() as connection:
                connection.execute(f"PRAGMA incremental_vacuum({BATCH})").fetchall()
                (left,) = connection.execute("PRAGMA freelist_count").fetchone()

    def _empty_log(self) -> None:
        """Move the log into the file and empty it, unless somebody reads from it now: the next purge tries again."""
        with self._writer_alone() as connection:
            connection.execute("PRAGMA busy_timeout = 0")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            connection.execute(f"PRAGMA busy_timeout = {BUSY * 1000:.0f}")

    @contextmanager
    def _writer_alone(self) -> Iterator[sqlite3.Connection]:
        with self._lock, explained(self._path):
            self._check_open()
            yield self._writer

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._writer_alone() as connection, transaction(connection):
            yield connection

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with explained(self._path):
            self._check_open()
            try:
                connection = self._readers.pop()
            except IndexError:
                connection = connect(self._path)
            try:
                yield connection
            finally:
                self._readers.append(connection)
                if self._closed:
                    self._close_readers()

    def _check_open(self) -> None:
        if self._closed:
            raise JournalError(f"The journal {self._path} was closed. Open it again.")

    def _close_readers(self) -> None:
        with suppress(IndexError):
            while True:
                self._readers.pop().close()

    def _seconds(self) -> int:
        return int(self._now().timestamp())


def _columns(trace: Trace) -> dict[str, Any]:
    answer = trace.answer
    return {
        "code": trace.id,
        "question": storable(trace.screening.redacted),
        "status": answer.status.value,
        "routes": json.dumps([route.value for route in answer.routes]),
        "articles": json.dumps(list(dict.fromkeys(quote.span.article for quote in answer.quotes))),
        "snapshot": answer.snapshot,
        "settings": trace.settings,
        "top": max((hit.probability for hit in trace.hits), default=None),
        "micros": round(trace.millis.get("total", 0.0) * 1000),
    }


def _pack(trace: Trace) -> bytes:
    return zlib.compress(json.dumps(trace_to_dict(trace)).encode())


def _unpack(data: bytes, code: str) -> Any:  # noqa: ANN401 - JSON
    try:
        return json.loads(zlib.decompress(data))
    except (zlib.error, ValueError) as error:
        raise JournalError(
            f"The trace of the answer {code} is damaged. Its other figures are sound; check the disk."
        ) from error


def _commented(connection: sqlite3.Connection, code: str, passage: tuple[str, int, int] | None) -> int | None:
    """Return the row of the answer ``code`` if it quoted the passage's article: nothing else may be reported."""
    found = connection.execute("SELECT row, articles FROM answers WHERE code = ?", (code,)).fetchone()
    if found is None:
        return None
    row, articles = found
    if passage is not None and (passage[0] not in json.loads(articles) or not 0 <= passage[1] < passage[2]):
        return None
    return int(row)


def _report(connection: sqlite3.Connection, row: int, passage: tuple[str, int, int]) -> None:
    (known,) = connection.execute("SELECT count(*) FROM reports WHERE row = ?", (row,)).fetchone()
    if known < PASSAGES:
        connection.execute("INSERT OR IGNORE INTO reports VALUES (?, ?, ?, ?, ?)", (known + 1, row, *passage))


def _percentile(times: list[float], share: float) -> float:
    return times[math.ceil(share * len(times)) - 1]
