"""The inspector: one question, or one answer of the journal, with everything that happened on the way."""

import re
from collections.abc import Mapping
from typing import Any

import gradio as gr

from bot.answer import Answerer
from bot.compose import restored
from bot.errors import BotError, QuoteError, SnapshotError
from bot.history import folder_of, snapshots
from bot.library import open_snapshot
from bot.snapshot import Content
from bot.web.desk import Desk
from bot.web.parts import answer_html, question_html
from bot.web.views import Found, article_view, chart_view, compared_view, found_in, hits_view, summary_view, told_view
from bot.web.wiring import DIRECT, Tab
from bot.wire import answer_to_dict, trace_to_dict

NOTHING = "nothing"
CODE = re.compile(r"\b[a-z0-9]{10}\b")  # as it stands under an answer, perhaps copied with words around it
# What the settings in use may be compared with, over the same snapshot.
OTHERS: dict[str, dict[str, object]] = {
    "this snapshot, without the large evidence model": {"large": False},
    "this snapshot, without the evidence models": {"rerank": False},
    "this snapshot, without the safety classifier": {"screen_model": False},
    "this snapshot, without thresholds": {"answer_threshold": 0.0, "extra_threshold": 0.0},
}


class Inspector:
    """The handlers of the tab. Staff questions are screened like everybody's and are not written down."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._words = desk.answerer.words

    def tab(self) -> Tab:
        """Build the tab; return what an opened page asks for."""
        with gr.Row():
            question = gr.Textbox(label="Question", elem_id="inspect-question", scale=3)
            earlier = gr.Textbox(label="Earlier question (optional)", elem_id="inspect-earlier", scale=2)
        with gr.Row():
            code = gr.Textbox(label="Or an answer code", elem_id="inspect-code")
            other = gr.Dropdown(self._others(), value=NOTHING, label="Compare with", elem_id="inspect-other")
        go = gr.Button("Inspect", variant="primary", elem_id="inspect-go")
        told = gr.HTML("", js_on_load=None, elem_id="inspect-told")
        with gr.Accordion("The answer as the patient saw it", open=True):
            shown = gr.HTML("", js_on_load=None, elem_id="inspect-answer")
        compared = gr.HTML("", js_on_load=None, elem_id="inspect-compared")
        with gr.Accordion("Scores", open=True):
            chart = gr.HTML("", js_on_load=None, elem_id="inspect-chart")
        with gr.Accordion("Screening, query, times, ids", open=True):
            summary = gr.HTML("", js_on_load=None, elem_id="inspect-summary")
        with gr.Accordion("All candidates", open=False):
            hits = gr.HTML("", js_on_load=None, elem_id="inspect-hits")
        with gr.Accordion("In the article", open=True):
            article = gr.Dropdown([], label="Article", elem_id="inspect-article")
            text = gr.HTML("", js_on_load=None, elem_id="inspect-text")
        state = gr.State({}, time_to_live=3600)
        outputs = [told, shown, compared, chart, summary, hits, article, text, state]
        events = [
            gr.on([go.click, question.submit], self.show, [question, earlier, code, other], outputs, **DIRECT),
            code.submit(self.show_code, [code, other], outputs, **DIRECT),
            article.input(self.read, [article, state], [text], **DIRECT),
        ]
        for event in events:
            event.then(None, None, None, js="() => window.staff.toQuote()")
        return self.opened, None, [code, other, *outputs]

    def opened(self, request: gr.Request) -> list[Any]:
        """Show the answer that the page's address names, if any."""
        code = str(dict(request.query_params).get("code", ""))[:40]
        # Without a code nothing is drawn: somebody may have asked before this comes back.
        page = self.show("", "", code, NOTHING) if code else [gr.skip()] * len(self._page("", {}, None))
        return [code or gr.skip(), gr.Dropdown(self._others()), *page]

    def show(self, question: str | None, earlier: str | None, code: str | None, other: str | None) -> list[Any]:
        """Ask the question, or open the answer of ``code``."""
        try:
            if not (question or "").strip():
                return self.show_code(code, other)
            turns = (earlier,) if earlier and earlier.strip() else ()
            unread = "The answer code was not opened: clear the question to open it." if (code or "").strip() else ""
            return self._asked(question or "", turns, other or NOTHING, unread)
        except BotError as error:
            return self._page(str(error), {}, None)

    def show_code(self, code: str | None, other: str | None) -> list[Any]:
        """Open the answer of ``code``, in whatever way the code was copied."""
        typed = (code or "").strip()
        if not typed:
            return self._page("Type a question, or an answer code.", {}, None)
        page = self._opened(found[-1] if (found := CODE.findall(typed.lower())) else typed)
        if other not in (None, "", NOTHING):
            page[0] += told_view("To compare, type the question: an answer of the journal is shown as it was.")
        return page

    def read(self, article: str | None, state: dict[str, Any]) -> str:
        """Return one article with the retrieved sentences coloured."""
        content = self._content(state)
        return _article(article, found_in(state, content), content)

    def _asked(self, question: str, turns: tuple[str, ...], other: str, told: str) -> list[Any]:
        answerer = self._desk.answerer
        trace = answerer.answer(question, turns)
        compared = ""
        if other != NOTHING:
            second = self._second(answerer, other).answer(question, turns).answer
            pair = (answer_to_dict(trace.answer), answer_to_dict(second))
            compared = compared_view(("in use", other), pair)
        shown = f'<div class="typed">{answer_html(trace.answer, self._words, base="../")}</div>'
        return self._page(told, trace_to_dict(trace), shown, compared)

    def _second(self, answerer: Answerer, other: str) -> Answerer:
        settings = answerer.settings
        if other in OTHERS:
            return Answerer(answerer.library, settings.model_copy(update=OTHERS[other]))
        folder = folder_of(settings.index, other.split(" ")[0])
        return Answerer(open_snapshot(folder, model=settings.model, threads=settings.threads), settings)

    def _opened(self, code: str) -> list[Any]:
        journal = self._desk.journal
        stored = journal.trace(code) if journal else None
        if stored is None:
            return self._page(f"The journal holds no answer '{code[:20]}'. It may be too old.", {}, None)
        if not stored["trace"]:
            return self._page("The journal keeps only codes, so there is no trace of this answer.", {}, None)
        content = self._content(stored["trace"])
        articles = content.by_id if content else None
        try:
            answer = restored(stored["trace"]["answer"], articles)
        except QuoteError as error:
            return self._page(str(error), {}, None)
        shown = question_html(answer.question, self._words) + answer_html(answer, self._words, base="../")
        return self._page(_said(stored["feedback"]), stored["trace"], shown)

    def _page(self, told: str, trace: Mapping[str, Any], shown: str | None, compared: str = "") -> list[Any]:
        message = told_view(told)
        if not trace:
            return [message, "", "", "", "", "", gr.Dropdown([], value=None), "", {}]
        content = self._content(trace)
        found = found_in(trace, content)
        articles = list(dict.fromkeys(one.span.article for one in found if one.span))
        first = articles[0] if articles else None
        picked = gr.Dropdown(articles, value=first)
        lost = "" if content else told_view("Its snapshot was pruned: sentences are shown by number only.")
        chart = chart_view(found, self._desk.answerer.thresholds)
        return [
            message + lost, shown or "", compared, chart, summary_view(trace),
            hits_view(found), picked, _article(first, found, content), dict(trace),
        ]  # fmt: skip

    def _content(self, trace: Mapping[str, Any]) -> Content | None:
        try:
            return self._desk.live.content(trace.get("answer", {}).get("index", {}).get("snapshot", ""))
        except SnapshotError:
            return None

    def _others(self) -> list[str]:
        index = self._desk.answerer.settings.index
        named = [f"{kept.id} ({kept.manifest.built_at})" for kept in snapshots(index) if kept.manifest]
        return [NOTHING, *OTHERS, *named]


def _article(name: str | None, found: list[Found], content: Content | None) -> str:
    articles = content.by_id if content else {}
    return article_view(articles[name], found) if name in articles else ""


def _said(feedback: Mapping[str, Any]) -> str:
    if not feedback:
        return ""
    vote = {True: "The patient said that it helped.", False: "The patient said that it did not help."}
    parts = [vote.get(feedback["helpful"], ""), feedback["reason"] and f"Reason: {feedback['reason']}"]
    parts += [f"Reported: {article} {start}-{end}" for article, start, end in feedback["passages"]]
    return " ".join(part for part in parts if part)
