"""The journal's tab: what patients asked and were answered, with a form to search it."""

from datetime import date
from typing import Any
from urllib.parse import urlencode

import gradio as gr

from bot.errors import InputError, JournalError
from bot.journal import Entry, Filter
from bot.types import Route, Status
from bot.web.desk import Desk
from bot.web.parts import esc
from bot.web.views import told_view
from bot.web.wiring import DIRECT, Tab

ANY = "any"
PAGE = 50
NO_JOURNAL = "The journal is off (BOT_JOURNAL=off): nothing is noted."
VOTES = {"helped": "up", "did not help": "down", "reported": "reported"}


class Records:
    """The handlers of the tab."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def tab(self) -> Tab:
        """Build the journal's tab; return what an opened page asks for."""
        with gr.Row():
            text = gr.Textbox(label="Words of the question", elem_id="journal-text")
            status = gr.Dropdown([ANY, *(s.value for s in Status)], value=ANY, label="Answer")
            route = gr.Dropdown([ANY, *(r.value for r in Route)], value=ANY, label="Safety class")
            article = gr.Dropdown(self._articles(), value=ANY, label="Quoted article")
        with gr.Row():
            since = gr.Textbox(label="From (YYYY-MM-DD)")
            until = gr.Textbox(label="Until (YYYY-MM-DD)")
            below = gr.Textbox(label="Best probability below (0 to 1)")
            votes = gr.Dropdown([ANY, *VOTES], value=ANY, label="Patients said")
        with gr.Row():
            go = gr.Button("Search", variant="primary", elem_id="journal-go")
            older = gr.Button("Older", elem_id="journal-older")
        told = gr.HTML("", js_on_load=None, elem_id="journal-told")
        shown = gr.HTML("", js_on_load=None, elem_id="journal-shown")
        last = gr.State(None)
        inputs, outputs = [text, status, route, article, since, until, below, votes], [told, shown, last]
        gr.on([go.click, text.submit], self.find, inputs, outputs, **DIRECT)
        older.click(self.older, [*inputs, last], outputs, **DIRECT)
        return self.newest, inputs, [*outputs, article]

    def newest(self, *form: Any) -> list[Any]:  # noqa: ANN401 - values of the form
        """Return the newest page of what the form asks for, and the articles to choose from."""
        return [*self.find(*form), gr.Dropdown(self._articles())]

    def _articles(self) -> list[str]:
        return [ANY, *self._desk.answerer.library.articles]

    def find(self, *given: Any) -> list[Any]:  # noqa: ANN401 - values of the form
        """Return the first page of what the form asks for."""
        return self.older(*given, None)

    def older(self, *given: Any) -> list[Any]:  # noqa: ANN401
        """Return the next page."""
        *form, last = given
        try:
            return self._find(filter_of(*form), last)
        except (InputError, JournalError) as error:
            return [told_view(str(error)), "", None]

    def _find(self, wanted: Filter, before: int | None) -> list[Any]:
        journal = self._desk.journal
        if journal is None:
            return [told_view(NO_JOURNAL), "", None]
        found = journal.find(wanted, before=before, limit=PAGE)
        if not found and before:
            return [told_view("These are the oldest. Search shows the newest again."), gr.skip(), before]
        if not found:
            return [told_view("Nothing was found."), "", None]
        return ["", entries_view(found) + _export_links(wanted), found[-1].row]


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
    query = urlencode({name: value for name, value in values.items() if value})
    links = "".join(
        f'<a href="/staff/journal.{kind}?{esc(query)}" download>Save all as {kind.upper()}</a> '
        for kind in ("csv", "jsonl")
    )
    return f"<p>{links}</p>"


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
