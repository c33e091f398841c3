"""Regression questions: what must, or must not, be quoted, asked again whenever the index is built."""

from typing import Any

import gradio as gr

from bot.acts import Acts
from bot.errors import CorpusError
from bot.questions import Mark, Question, ask_all, read_questions, save_questions
from bot.web.desk import Desk
from bot.web.views import table, told_view
from bot.web.wiring import DIRECT, signed_in, today


class Regression:
    """The handlers of the tab. Every act has a name on it, is written down, and can be undone."""

    def __init__(self, desk: Desk, acts: Acts) -> None:
        self._desk, self._acts = desk, acts
        self._corpus = desk.answerer.settings.corpus

    def tab(self) -> tuple[Any, list[Any]]:
        """Build the tab of regression questions; return the handler for an opened page and its outputs."""
        told = gr.HTML("", js_on_load=None, elem_id="questions-told")
        shown = gr.HTML("", js_on_load=None, elem_id="questions-shown")
        question = gr.Textbox(label="Question", elem_id="questions-question")
        look = gr.Button("Show what is quoted for it", elem_id="questions-look")
        must = gr.CheckboxGroup([], label="Must be quoted", elem_id="questions-must")
        must_not = gr.CheckboxGroup([], label="Must not be quoted", elem_id="questions-must-not")
        nothing = gr.Checkbox(False, label="Must not be answered", elem_id="questions-nothing")
        with gr.Row():
            save = gr.Button("Save as regression question", variant="primary", elem_id="questions-save")
            gone = gr.Dropdown([], label="Saved question", elem_id="questions-saved")
            remove = gr.Button("Remove it", elem_id="questions-remove")
        page = [told, shown, gone]
        look.click(self.quoted, [question], [must, must_not], **DIRECT)
        save.click(self.save, [question, must, must_not, nothing], page, **DIRECT)
        remove.click(self.remove, [gone], page, **DIRECT)
        return self.page, page

    def page(self, told: str = "") -> list[Any]:
        """Return the saved questions and how they come out with the index in use."""
        try:
            questions = read_questions(self._corpus)
        except CorpusError as error:
            return [told_view(str(error)), "", gr.Dropdown([])]
        rows = [
            (r.question.id, r.question.question, r.question.by, r.status, "; ".join(r.problems) or "holds")
            for r in ask_all(self._desk.answerer, questions)
        ]
        view = table(("id", "question", "by", "answer now", "result"), rows) if rows else "<p>None yet.</p>"
        return [told_view(told), view, gr.Dropdown([q.id for q in questions], value=None)]

    def quoted(self, question: str) -> list[Any]:
        """Offer the quotes of the answer to ``question``."""
        quotes = self._desk.answerer.answer(question or "").answer.quotes
        choices = [(f"{q.span.article}: {q.text[:160]}", f"{q.span.article}\n{q.text}") for q in quotes]
        return [gr.CheckboxGroup(choices, value=[]), gr.CheckboxGroup(choices, value=[])]

    def save(
        self, question: str, must: list[str], must_not: list[str], nothing: bool, request: gr.Request
    ) -> list[Any]:
        """Save a question with what must and must not be quoted; it is asked whenever the index is built."""
        if not (question or "").strip() or not (must or must_not or nothing):
            return self.page("Type a question and say what must, or must not, come.")
        by, corpus = signed_in(request), self._corpus
        try:
            known = read_questions(corpus)
            fresh = Question(
                id=f"{today():%Y%m%d}-{len(known) + 1}",
                question=self._desk.answerer.answer(question).answer.question,
                must=tuple(_mark(value) for value in must or ()),
                must_not=tuple(_mark(value) for value in must_not or ()),
                status="no_evidence" if nothing else None,
                by=by,
                added=today().isoformat(),
            )
            change = lambda: save_questions(corpus, [*known, fresh])  # noqa: E731
            self._acts.perform(by, f"regression question: {fresh.question}", ["questions.jsonl"], change)
        except (CorpusError, ValueError) as error:
            return self.page(str(error))
        return self.page(f"Saved as {fresh.id}.")

    def remove(self, name: str | None, request: gr.Request) -> list[Any]:
        """Remove a saved question."""
        by, corpus = signed_in(request), self._corpus
        try:
            left = [q for q in read_questions(corpus) if q.id != name]
            self._acts.perform(
                by, f"removed question {name}", ["questions.jsonl"], lambda: save_questions(corpus, left)
            )
        except CorpusError as error:
            return self.page(str(error))
        return self.page(f"Removed {name}.")


def _mark(value: str) -> Mark:
    article, words = value.split("\n", 1)
    return Mark(article=article, words=words)
