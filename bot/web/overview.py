"""What the library lacks, and how it goes in numbers: unanswered questions grouped by meaning, plots over time."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import gradio as gr
import pandas as pd

from bot.gaps import Gap, group
from bot.journal import Day, Entry, Journal
from bot.types import Status
from bot.web.desk import Desk
from bot.web.records import NO_JOURNAL
from bot.web.views import table, told_view
from bot.web.wiring import DIRECT, Tab, today

GROUPED = 1000  # newest unanswered questions that are grouped by meaning
STEPS = {1: "day", 7: "week from", 28: "four weeks from"}  # days of a bar
MOST_BARS = 31
LEVEL_LABELS = 3  # bars whose dates stand side by side on a telephone
COLOURS = {
    Status.ANSWERED.value: "#0f766e",
    Status.NO_EVIDENCE.value: "#d97706",
    Status.DECLINED.value: "#6b7280",
    Status.URGENT.value: "#b91c1c",
    "helped": "#0f766e",
    "did not help": "#b91c1c",
}


class Overview:
    """The handlers of the two tabs."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def gaps_tab(self) -> Tab:
        """Build the tab of unanswered questions; return what an opened page asks for."""
        gr.HTML("<p>Questions that no article answers, grouped by meaning: what to write next.</p>", js_on_load=None)
        days = gr.Slider(1, 365, value=30, step=1, label="Days back", elem_id="gaps-days")
        shown = gr.HTML("", js_on_load=None, elem_id="gaps-shown")
        days.release(self.gaps, [days], [shown], **DIRECT)
        return self.gaps, None, [shown]

    def gaps(self, days: float = 30) -> str:
        """Return the groups of unanswered questions of the last ``days`` days."""
        found = self.grouped(days_ago(int(days)))
        if not found:
            return told_view("Nothing was left unanswered in this time." if self._desk.journal else NO_JOURNAL)
        rows = [
            (str(len(entries)), gap.typical, "; ".join(gap.wordings), _trend(entries), *self._now(gap.typical))
            for gap, entries in found[:100]
        ]
        head = (
            "times",
            "question",
            "other wordings",
            "this week / before",
            "with the index in use",
            "nearest sentence",
        )
        links = f'<p><a href="/staff/gaps.csv?days={int(days)}" download>Save as CSV</a></p>'
        return table(head, rows) + links

    def grouped(self, since: date) -> list[tuple[Gap, list[Entry]]]:
        """Return the groups with their journal entries, the most asked first."""
        journal = self._desk.journal
        entries = (
            [e for e in journal.unanswered(since=since, limit=GROUPED) if e.question and e.top is not None]
            if journal
            else []
        )  # what was never searched for lacks no article
        groups = group([entry.question for entry in entries], self._desk.answerer.library.encoder)
        return [(gap, [entries[m] for m in gap.members]) for gap in groups]

    def _now(self, question: str) -> tuple[str, str]:
        """Return how the question is answered now, and the nearest sentence with its probability."""
        answerer = self._desk.answerer
        trace = answerer.answer(question)
        best = max(trace.hits, key=lambda hit: hit.probability, default=None)
        near = f"{answerer.library.text(best.row)[:160]} ({best.probability:.2f})" if best else ""
        return "answered now" if trace.answer.quotes else "still missing", near

    def tab(self) -> Tab:
        """Build the overview; return what an opened page asks for."""
        days = gr.Slider(1, 365, value=30, step=1, label="Days back", elem_id="overview-days")
        told = gr.HTML("", js_on_load=None, elem_id="overview-told")
        # Without a limit a bar chart starts at its smallest bar.
        plots: dict[str, Any] = {"x": "day", "y_lim": [0, None], "height": 300, "visible": False}
        coloured = {"color_map": COLOURS, "color_title": " ", **plots}
        asked = gr.BarPlot(y="questions", color="answer", title="Questions", elem_id="overview-asked", **coloured)
        time = gr.BarPlot(y="ms", title="Mean time of an answer, in ms", elem_id="overview-time", **plots)
        said = gr.BarPlot(y="votes", color="vote", title="Patients' feedback", elem_id="overview-votes", **coloured)
        quoted = gr.HTML("", js_on_load=None, elem_id="overview-quoted")
        outputs = [told, asked, time, said, quoted]
        days.release(self.overview, [days], outputs, **DIRECT)
        return self.overview, None, outputs

    def overview(self, days: float = 30) -> list[Any]:
        """Return numbers and plots of the last ``days`` days."""
        journal = self._desk.journal
        if journal is None:
            return [told_view(NO_JOURNAL), _plot([], ""), _plot([], ""), _plot([], ""), ""]
        since = days_ago(int(days))
        found = journal.days(since=since)
        bars, beneath = _bars(found), STEPS[_step(found)]
        asked = [(start, status.value, _answers(own, status)) for start, own in bars for status in Status]
        times = [(start, _mean_ms(own)) for start, own in bars]
        votes = (("helped", "up"), ("did not help", "down"))
        said = [(start, vote, sum(getattr(day, name) for day in own)) for start, own in bars for vote, name in votes]
        return [
            _numbers(found, journal.latency(since=since)),
            _plot(asked, beneath, "day", "answer", "questions"),
            _plot(times, beneath, "day", "ms"),
            _plot(said if any(count for *_, count in said) else [], beneath, "day", "vote", "votes"),
            self._quoted(journal, since),
        ]

    def _quoted(self, journal: Journal, since: date) -> str:
        counts = journal.articles(since=since)
        names = [*self._desk.answerer.library.articles, *(name for name in counts)]
        rows = [(name, str(counts.get(name, 0)) if counts.get(name) else "never") for name in dict.fromkeys(names)]
        return "<h3>Answers that quote each article</h3>" + table(("article", "answers"), rows)


def _trend(entries: list[Entry]) -> str:
    week = datetime.now(UTC) - timedelta(days=7)
    new = sum(entry.at >= week for entry in entries)
    return f"{new} / {len(entries) - new}"


def _bars(found: list[Day]) -> list[tuple[str, list[Day]]]:
    """Return the first day of each bar and what was asked in its time, also where nothing was.

    A bar is a day, or so many weeks that there are not more than ``MOST_BARS``.
    """
    if not found:
        return []
    step = _step(found)
    bars: dict[int, list[Day]] = {number: [] for number in range((_span(found) - 1) // step + 1)}
    for day in found:
        bars[(day.day - found[0].day).days // step].append(day)
    return [((found[0].day + timedelta(number * step)).isoformat(), own) for number, own in bars.items()]


def _step(found: list[Day]) -> int:
    """Return how many days a bar stands for."""
    return next((step for step in STEPS if _span(found) <= step * MOST_BARS), max(STEPS))


def _span(found: list[Day]) -> int:
    """Return how many days there are from the first of them until today."""
    return (max(today(), found[-1].day) - found[0].day).days + 1 if found else 1


def _answers(days: list[Day], status: Status) -> int:
    return sum(day.counts.get(status, 0) for day in days)


def _mean_ms(days: list[Day]) -> float:
    answers = sum(day.answers for day in days)
    return round(sum(day.mean_ms * day.answers for day in days) / answers, 1) if answers else 0.0


def _plot(rows: list[tuple[Any, ...]], beneath: str, *columns: str) -> gr.BarPlot:
    # Nothing to draw makes the chart's script fail, and leaves a box that a screen reader cannot name.
    if not rows:
        return gr.BarPlot(None, visible=False)
    slanted = len({row[0] for row in rows}) > LEVEL_LABELS
    drawn = pd.DataFrame(rows, columns=columns)
    return gr.BarPlot(drawn, visible=True, x_title=beneath, x_label_angle=-90 if slanted else 0)


def _numbers(days: list[Day], latency: tuple[float, float] | None) -> str:
    rows = [("questions", str(sum(day.answers for day in days)))]
    rows += [(status.value, str(_answers(days, status))) for status in Status]
    rows += [("helped / did not help", f"{sum(d.up for d in days)} / {sum(d.down for d in days)}")]
    rows += [("time, median / 95th percentile", f"{latency[0]:.0f} / {latency[1]:.0f} ms")] if latency else []
    return table(("what", "number"), rows)


def days_ago(days: int) -> date:
    """Return the date so many days ago, in UTC."""
    return today() - timedelta(days=days)
