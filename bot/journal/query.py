"""What is looked for in the journal, and the SQL that finds it page by page."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Literal

from bot.errors import JournalError

SEARCHED_WORDS = 20
FIRST_DAY = date(1970, 1, 1)
ENTRY = (
    "answers.row, answers.code, answers.at, answers.entrance, answers.question, answers.status, answers.routes,"
    " answers.articles, answers.top, answers.micros, answers.snapshot, said.helpful, said.reason,"
    " (SELECT count(*) FROM reports AS reported WHERE reported.row = answers.row)"
)
# A table that orders the answers of a filter by row, and the condition on it.
VOTES = {
    "up": ("feedback", "feedback.helpful = 1"),
    "down": ("feedback", "feedback.helpful = 0"),
    "reported": ("reports", "reports.nth = 1"),  # so that each answer comes once
}


@dataclass(frozen=True, slots=True)
class Filter:
    """Which answers are wanted: those that pass every part that is given.

    ``text`` are beginnings of words of the question (the first 20 count), ``code`` is a whole trace id, ``since``
    and ``until`` are days in UTC, both included, ``below`` is a limit of the best hit's probability.
    """

    text: str = ""
    status: str | None = None
    route: str | None = None
    article: str | None = None
    since: date | None = None
    until: date | None = None
    below: float | None = None
    votes: Literal["up", "down", "reported"] | None = None
    code: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One answer as lists show it.

    ``row`` grows with each answer, ``at`` is in UTC, ``top`` is the best hit's probability (None: nothing was
    searched), ``ms`` the total time in milliseconds, ``reported`` the number of passages that were reported.
    """

    row: int
    code: str
    at: datetime
    entrance: str
    question: str
    status: str
    routes: tuple[str, ...]
    articles: tuple[str, ...]
    top: float | None
    ms: float
    helpful: bool | None
    reason: str
    reported: int
    snapshot: str


def page_query(wanted: Filter, before: int | None) -> tuple[str, list[Any]]:
    """Return the SQL, which ends with the limit, and its values but for the limit's.

    CROSS JOIN keeps the order of the tables: the first one gives the rows newest first, so that nothing is sorted
    and a page ends as soon as it is full; the others are looked up by row.
    """
    joined = _joined(wanted)
    tables = [table for table, _, _ in joined]
    key, *others = [*("questions.rowid" if t == "questions" else f"{t}.row" for t in tables), "narrow.row"]
    conditions = [condition for _, condition, _ in joined] + [f"{other} = {key}" for other in others]
    values = [value for *_, given in joined for value in given]
    for condition, value in _compared(wanted, before):
        if value is not None:
            conditions.append(condition.format(key=key))
            values.append(value)
    sources = " CROSS JOIN ".join((*tables, "answers AS narrow INDEXED BY answers_scan", "answers"))
    sql = (
        f"SELECT {ENTRY} FROM {sources} LEFT JOIN feedback AS said ON said.row = answers.row"  # noqa: S608 - no values
        f" WHERE {' AND '.join(('answers.row = narrow.row', *conditions))} ORDER BY {key} DESC LIMIT ?"
    )
    return sql, values


def _joined(wanted: Filter) -> list[tuple[str, str, tuple[Any, ...]]]:
    """Return the tables that narrow the answers down: name, condition, values."""
    found: list[tuple[str, str, tuple[Any, ...]]] = []
    if wanted.text.strip():
        found.append(("questions", "questions MATCH ?", (_match(wanted.text),)))
    if wanted.article is not None:
        found.append(("quoted", "quoted.article = ?", (storable(wanted.article),)))
    if wanted.route is not None:
        found.append(("routed", "routed.route = ?", (storable(wanted.route),)))
    if wanted.votes is not None:
        if wanted.votes not in VOTES:
            raise JournalError(f"There are no '{wanted.votes}' votes. Ask for one of: {', '.join(VOTES)}.")
        found.append((*VOTES[wanted.votes], ()))
    return found


def _compared(wanted: Filter, before: int | None) -> list[tuple[str, Any]]:
    """Return conditions and their values, None for what is not asked; ``{key}`` stands for the row."""
    return [
        ("{key} < ?", before),
        ("{key} = (SELECT row FROM answers WHERE code = ?)", storable(wanted.code).strip() or None),
        ("narrow.status = ?", wanted.status),
        ("narrow.day >= ?", None if wanted.since is None else day_number(wanted.since)),
        ("narrow.day <= ?", None if wanted.until is None else day_number(wanted.until)),
        ("narrow.top < ?", wanted.below),
    ]


def _match(text: str) -> str:
    """Return the words of ``text`` as FTS5 prefixes; within quotes nothing is syntax."""
    words = storable(text).replace('"', " ").split()
    return " ".join(f'"{word}"*' for word in words[:SEARCHED_WORDS]) or '""'


def entry_of(found: tuple[Any, ...]) -> Entry:
    """Return the entry of one row that ``page_query`` gave."""
    row, code, at, entrance, question, status, routes, articles, top, micros, snapshot, helpful, reason, reported = (
        found
    )
    return Entry(
        row=row,
        code=code,
        at=time_of(at),
        entrance=entrance,
        question=question,
        status=status,
        routes=tuple(json.loads(routes)),
        articles=tuple(json.loads(articles)),
        top=top,
        ms=micros / 1000,
        helpful=vote_of(helpful),
        reason=reason or "",
        reported=reported,
        snapshot=snapshot,
    )


def vote_of(helpful: int | None) -> bool | None:
    """Return what a reader said, None for nothing."""
    return None if helpful is None else bool(helpful)


def time_of(seconds: int) -> datetime:
    """Return the time that is stored as ``seconds`` since 1970."""
    return datetime.fromtimestamp(seconds, UTC)


def day_number(day: date) -> int:
    """Return the number of ``day``, counted from 1970."""
    return day.toordinal() - FIRST_DAY.toordinal()


def storable(text: str) -> str:
    """Return ``text`` as SQLite can hold it: half characters become "?", and NUL, which ends a text there, a space."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", " ")
