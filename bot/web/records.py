"""Journal, gaps and overview: what patients asked, what the library lacks, and how it goes in numbers."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import gradio as gr
import pandas as pd
from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response, StreamingResponse

from bot.errors import InputError, JournalError
from bot.gaps import Gap, group
from bot.journal import Entry, Filter, Journal
from bot.types import Route, Status
from bot.web.desk import Desk
from bot.web.parts import esc
from bot.web.views import table

ANY = "any"
PAGE = 50
GROUPED = 1000  # newest unanswered questions that are grouped by meaning
NO_JOURNAL = "The journal is off (BOT_JOURNAL=off): nothing is noted."
VOTES = {"helped": "up", "did not help": "down", "reported": "reported"}
COLUMNS = (
    "at", "code", "entrance", "question", "status", "routes", "articles", "top", "ms", "helpful", "reason", "reported",
    "snapshot",
)  # fmt: skip


class Records:
    """The handlers of the three tabs."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def journal_tab(self) -> tuple[Any, list[Any]]:
        """Build the journal's tab; return the handler for an opened page and its outputs."""
        articles = [ANY, *self._desk.answerer.library.articles]
        with gr.Row():
            text = gr.Textbox(label="Words of the question", elem_id="journal-text")
            status = gr.Dropdown([ANY, *(s.value for s in Status)], value=ANY, label="Answer")
            route = gr.Dropdown([ANY, *(r.value for r in Route)], value=ANY, label="Safety class")
            article = gr.Dropdown(articles, value=ANY, label="Quoted article")
        with gr.Row():
            since = gr.Textbox(label="From (YYYY-MM-DD)")
            until = gr.Textbox(label="Until (YYYY-MM-DD)")
            below = gr.Textbox(label="Best probability below (0 to 1)")
            votes = gr.Dropdown([ANY, *VOTES], value=ANY, label="Patients said")
        with gr.Row():
            go = gr.Button("Search", variant="primary", elem_id="journal-go")
            older = gr.Button("Older", elem_id="journal-older")
        shown = gr.HTML("", js_on_load=None, elem_id="journal-shown")
        last = gr.State(None)
        inputs, outputs = [text, status, route, article, since, until, below, votes], [shown, last]
        wired: dict[str, Any] = {"show_progress": "minimal", "api_visibility": "private"}
        gr.on([go.click, text.submit], self.find, inputs, outputs, **wired)
        older.click(self.older, [*inputs, last], outputs, **wired)
        return self.newest, outputs

    def newest(self) -> list[Any]:
        """Return the newest page."""
        return self._find(Filter(), None)

    def find(self, *given: Any) -> list[Any]:  # noqa: ANN401 - values of the form
        """Return the first page of what the form asks for."""
        return self.older(*given, None)

    def older(self, *given: Any) -> list[Any]:  # noqa: ANN401
        """Return the next page."""
        *form, last = given
        try:
            return self._find(filter_of(*form), last)
        except (InputError, JournalError) as error:
            return [_told(str(error)), None]

    def _find(self, wanted: Filter, before: int | None) -> list[Any]:
        journal = self._desk.journal
        if journal is None:
            return [_told(NO_JOURNAL), None]
        found = journal.find(wanted, before=before, limit=PAGE)
        if not found:
            return [_told("Nothing more." if before else "Nothing was found."), None]
        return [entries_view(found) + _export_links(wanted), found[-1].row]

    def gaps_tab(self) -> tuple[Any, list[Any]]:
        """Build the tab of unanswered questions; return the handler for an opened page and its outputs."""
        gr.HTML("<p>Questions that no article answers, grouped by meaning: what to write next.</p>", js_on_load=None)
        days = gr.Slider(1, 365, value=30, step=1, label="Days back", elem_id="gaps-days")
        shown = gr.HTML("", js_on_load=None, elem_id="gaps-shown")
        days.release(self.gaps, [days], [shown], show_progress="minimal", api_visibility="private")
        return self.gaps, [shown]

    def gaps(self, days: float = 30) -> str:
        """Return the groups of unanswered questions of the last ``days`` days."""
        found = self.grouped(_days_ago(int(days)))
        if not found:
            return _told("Nothing was left unanswered in this time.") if self._desk.journal else _told(NO_JOURNAL)
        rows = [
            (str(len(entries)), gap.typical, "; ".join(gap.wordings), _trend(entries), self._near(gap.typical))
            for gap, entries in found[:100]
        ]
        head = ("times", "question", "other wordings", "this week / before", "nearest sentence, not good enough")
        links = f'<p><a href="/staff/gaps.csv?days={int(days)}" download>Save as CSV</a></p>'
        return table(head, rows) + links

    def grouped(self, since: date) -> list[tuple[Gap, list[Entry]]]:
        """Return the groups with their journal entries, the most asked first."""
        journal = self._desk.journal
        entries = [e for e in journal.unanswered(since=since, limit=GROUPED) if e.question] if journal else []
        groups = group([entry.question for entry in entries], self._desk.answerer.library.encoder)
        return [(gap, [entries[m] for m in gap.members]) for gap in groups]

    def _near(self, question: str) -> str:
        answerer = self._desk.answerer
        hits = answerer.answer(question).hits
        best = max(hits, key=lambda hit: hit.probability, default=None)
        return f"{answerer.library.text(best.row)[:160]} ({best.probability:.2f})" if best else ""

    def overview_tab(self) -> tuple[Any, list[Any]]:
        """Build the overview; return the handler for an opened page and its outputs."""
        days = gr.Slider(1, 365, value=30, step=1, label="Days back", elem_id="overview-days")
        told = gr.HTML("", js_on_load=None, elem_id="overview-told")
        plots: dict[str, Any] = {"y_lim": [0, None], "height": 260}  # without it a bar chart starts at its smallest bar
        asked = gr.BarPlot(
            x="day", y="questions", color="answer", title="Questions a day", elem_id="overview-asked", **plots
        )
        said = gr.BarPlot(x="day", y="votes", color="vote", title="Patients' feedback", **plots)
        quoted = gr.HTML("", js_on_load=None, elem_id="overview-quoted")
        outputs = [told, asked, said, quoted]
        days.release(self.overview, [days], outputs, show_progress="minimal", api_visibility="private")
        return self.overview, outputs

    def overview(self, days: float = 30) -> list[Any]:
        """Return numbers and plots of the last ``days`` days."""
        journal = self._desk.journal
        if journal is None:
            return [_told(NO_JOURNAL), None, None, ""]
        since = _days_ago(int(days))
        found = journal.days(since=since)
        asked = [(d.day.isoformat(), status, n) for d in found for status, n in d.counts.items()]
        said = [(d.day.isoformat(), vote, n) for d in found for vote, n in (("helped", d.up), ("did not help", d.down))]
        return [
            _numbers(found, journal.latency(since=since)),
            # An empty table makes the chart's script fail.
            pd.DataFrame(asked, columns=["day", "answer", "questions"]) if asked else None,
            pd.DataFrame(said, columns=["day", "vote", "votes"]) if said else None,
            self._quoted(journal, since),
        ]

    def _quoted(self, journal: Journal, since: date) -> str:
        counts = journal.articles(since=since)
        names = [*self._desk.answerer.library.articles, *(name for name in counts)]
        rows = [(name, str(counts.get(name, 0)) if counts.get(name) else "never") for name in dict.fromkeys(names)]
        return "<h3>Answers that quote each article</h3>" + table(("article", "answers"), rows)


def export_routes(desk: Desk, records: Records) -> APIRouter:
    """Return the downloads. They lie below /staff, so nobody reaches them without a session."""
    router = APIRouter(prefix="/staff", include_in_schema=False)
    note = desk.answerer.words.disclaimer_no_quotes

    @router.get("/journal.{kind}")
    def journal(kind: str, request: Request) -> Response:
        if desk.journal is None or kind not in ("csv", "jsonl"):
            return PlainTextResponse(NO_JOURNAL if desk.journal is None else "Use .csv or .jsonl", 404)
        try:
            entries = desk.journal.export(filter_of(**{k: v for k, v in request.query_params.items() if k in FORM}))
        except InputError as error:
            return PlainTextResponse(str(error), 400)
        lines = _csv(entries, note) if kind == "csv" else _jsonl(entries, note)
        return StreamingResponse(lines, media_type="text/csv" if kind == "csv" else "application/jsonl")

    @router.get("/gaps.csv")
    def gaps(days: int = 30) -> Response:
        rows = [
            {"times": len(entries), "question": gap.typical, "other wordings": " | ".join(gap.wordings)}
            for gap, entries in records.grouped(_days_ago(max(1, min(days, 3650))))
        ]
        lines = _csv_rows(("times", "question", "other wordings"), iter(rows), note)
        return StreamingResponse(lines, media_type="text/csv")

    return router


# How a formula begins for some spreadsheet program, the full-width signs of East Asian ones among them.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
FORM = ("text", "status", "route", "article", "since", "until", "below", "votes")


def filter_of(
    text: str | None = "",
    status: str | None = ANY,
    route: str | None = ANY,
    article: str | None = ANY,
    since: str | None = "",
    until: str | None = "",
    below: float | str | None = None,
    votes: str | None = ANY,
) -> Filter:
    """Return the filter that a form or a link asks for.

    Raises:
        InputError: a date is no date, or the probability no number.
    """

    def chosen(value: str | None) -> str | None:
        return None if value in (None, "", ANY) else value

    vote = VOTES.get(votes or "", chosen(votes))
    if vote not in (None, *VOTES.values()):
        raise InputError(f"There are no '{str(votes)[:20]}' votes. Use one of: {', '.join(VOTES)}.")
    return Filter(
        text=text or "",
        status=chosen(status),
        route=chosen(route),
        article=chosen(article),
        since=_date(since),
        until=_date(until),
        below=_share(below),
        votes=vote,  # type: ignore[arg-type]  # the journal refuses what it does not know
    )


def entries_view(entries: list[Entry]) -> str:
    """Return a page of the journal; each code opens the inspector."""
    head = ("time", "question", "answer", "class", "articles", "best", "ms", "patient said", "code")
    top = "".join(f'<th scope="col">{name}</th>' for name in head)
    rows = "".join(_entry(entry) for entry in entries)
    return (
        '<div class="scroll" tabindex="0" role="region" aria-label="Journal">'
        f"<table><thead><tr>{top}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _entry(entry: Entry) -> str:
    vote = {True: "helped", False: "did not help"}.get(entry.helpful, "") if entry.helpful is not None else ""
    said = " ".join(part for part in (vote, entry.reason, "reported" if entry.reported else "") if part)
    cells = [
        entry.at.strftime("%Y-%m-%d %H:%M"), entry.question, entry.status, ", ".join(entry.routes),
        ", ".join(entry.articles), "" if entry.top is None else f"{entry.top:.2f}", f"{entry.ms:.0f}", said,
    ]  # fmt: skip
    link = f'<td><a href="/staff/?code={esc(entry.code)}">{esc(entry.code)}</a></td>'
    return "<tr>" + "".join(f"<td>{esc(cell)}</td>" for cell in cells) + link + "</tr>"


def _export_links(wanted: Filter) -> str:
    values = {name: getattr(wanted, name) for name in FORM}
    query = "&".join(f"{name}={_quoted(str(value))}" for name, value in values.items() if value)
    links = "".join(
        f'<a href="/staff/journal.{kind}?{esc(query)}" download>Save all as {kind.upper()}</a> '
        for kind in ("csv", "jsonl")
    )
    return f"<p>{links}</p>"


def _quoted(value: str) -> str:
    from urllib.parse import quote

    return quote(value, safe="")


def _jsonl(entries: Iterator[Entry], note: str) -> Iterator[str]:
    yield json.dumps({"disclaimer": note}) + "\n"
    for entry in entries:
        yield json.dumps(_row(entry), ensure_ascii=False) + "\n"


def _csv(entries: Iterator[Entry], note: str) -> Iterator[str]:
    return _csv_rows(COLUMNS, (_row(entry) for entry in entries), note)


def _csv_rows(columns: tuple[str, ...], rows: Iterator[dict[str, Any]], note: str) -> Iterator[str]:
    """Yield CSV with the disclaimer in every row: a sheet that is cut or sorted keeps it."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow([*columns, "disclaimer"])
    for row in rows:
        writer.writerow([*(_cell(row[name]) for name in columns), note])
        yield stream.getvalue()
        stream.seek(0)
        stream.truncate()
    yield stream.getvalue()


def _cell(value: object) -> object:
    """Return a cell that a spreadsheet program does not take for a formula."""
    text = ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else value
    return f"'{text}" if isinstance(text, str) and text.startswith(FORMULA) else text


def _row(entry: Entry) -> dict[str, Any]:
    row = {name: getattr(entry, name) for name in COLUMNS}
    return row | {"at": entry.at.isoformat(), "routes": list(entry.routes), "articles": list(entry.articles)}


def _trend(entries: list[Entry]) -> str:
    week = datetime.now(UTC) - timedelta(days=7)
    new = sum(entry.at >= week for entry in entries)
    return f"{new} / {len(entries) - new}"


def _numbers(days: list[Any], latency: tuple[float, float] | None) -> str:
    total = sum(day.answers for day in days)
    by = {status.value: sum(day.counts.get(status, 0) for day in days) for status in Status}
    rows = [("questions", str(total)), *((name, str(number)) for name, number in by.items())]
    rows += [("helped / did not help", f"{sum(d.up for d in days)} / {sum(d.down for d in days)}")]
    rows += [("time, median / 95th percentile", f"{latency[0]:.0f} / {latency[1]:.0f} ms")] if latency else []
    return table(("what", "number"), rows)


def _told(message: str) -> str:
    return f'<p role="status">{esc(message)}</p>'


def _days_ago(days: int) -> date:
    return datetime.now(UTC).date() - timedelta(days=days)


def _date(value: str | None) -> date | None:
    if not value or not str(value).strip():
        return None
    try:
        return date.fromisoformat(str(value).strip())
    except ValueError as error:
        raise InputError(f"'{str(value)[:20]}' is no date. Write it as 2026-01-31.") from error


def _share(value: float | str | None) -> float | None:
    if value in (None, ""):
        return None
    try:
        return float(value)
    except ValueError as error:
        raise InputError(f"'{str(value)[:20]}' is no number between 0 and 1.") from error
