"""Regression questions: what must, or must not, be quoted, asked again whenever the index is built."""

from collections.abc import Sequence
from typing import Any

import gradio as gr

from bot.acts import Acts
from bot.errors import CorpusError
from bot.questions import Mark, Question, ask_all, read_questions, save_questions
from bot.web.desk import Desk
from bot.web.views import table, told_view
from bot.web.wiring import DIRECT, Tab, signed_in, today


class Regression:
    """The handlers of the tab. Every act has a name on it, is written down, and can be undone."""

    def __init__(self, desk: Desk, acts: Acts) -> None:
        self._desk, self._acts = desk, acts
        self._corpus = desk.answerer.settings.corpus

    def tab(self) -> Tab:
        """Build the tab of regression questions; return what an opened page asks for."""
        told = gr.HTML("", js_on_load=None, elem_id="questions-told")
        shown = gr.HTML("", js_on_load=None, elem_id="questions-shown")
        question = gr.Textbox(label="Question", elem_id="questions-question")
        look = gr.Button("Show what is quoted for it", elem_id="questions-look")
        must = gr.CheckboxGroup([], label="Must be quoted", elem_id="questions-must")
        must_not = gr.CheckboxGroup([], label="Must not be quoted", elem_id="questions-must-not")
        with gr.Row():
            article = gr.Dropdown([], label="Or an article that must be quoted", elem_id="questions-article")
            words = gr.Textbox(label="with these exact words of it", elem_id="questions-words", scale=3)
        nothing = gr.Checkbox(False, label="Must not be answered", elem_id="questions-nothing")
        with gr.Row():
            save = gr.Button("Save as regression question", variant="primary", elem_id="questions-save")
            gone = gr.Dropdown([], label="Saved question", elem_id="questions-saved")
            remove = gr.Button("Remove it", elem_id="questions-remove")
        page = [told, shown, gone, article, question, words]
        look.click(self.quoted, [question], [told, must, must_not], **DIRECT)
        save.click(self.save, [question, must, must_not, nothing, article, words], page, **DIRECT)
        remove.click(self.remove, [gone], page, **DIRECT)
        return self.page, None, page

    def page(self, told: str = "", *, done: bool = False) -> list[Any]:
        """Return the saved questions and how they come out with the index in use; the form is emptied when ``done``."""
        try:
            questions = read_questions(self._corpus)
        except CorpusError as error:
            return [told_view(str(error)), "", gr.Dropdown([]), *[gr.skip()] * 3]
        rows = [
            (r.question.id, r.question.question, r.question.by, r.status, "; ".join(r.problems) or "holds")
            for r in ask_all(self._desk.answerer, questions)
        ]
        view = table(("id", "question", "by", "answer now", "result"), rows) if rows else "<p>None yet.</p>"
        named = [(f"{q.id}: {q.question}", q.id) for q in questions]
        articles = list(self._desk.answerer.library.articles)
        form = [gr.Dropdown(articles, value=None), "", ""] if done else [gr.Dropdown(articles), gr.skip(), gr.skip()]
        return [told_view(told), view, gr.Dropdown(named, value=None), *form]

    def quoted(self, question: str) -> list[Any]:
        """Offer the quotes of the answer to ``question``."""
        answer = self._desk.answerer.answer(question or "").answer
        quotes = answer.quotes
        choices = [(f"{q.span.article}: {q.text[:160]}", f"{q.span.article}\n{q.text}") for q in quotes]
        told = "" if quotes else f"Nothing is quoted for it now: {answer.message}"
        return [told_view(told), gr.CheckboxGroup(choices, value=[]), gr.CheckboxGroup(choices, value=[])]

    def save(
        self,
        question: str,
        must: list[str],
        must_not: list[str],
        nothing: bool,
        article: str | None,
        words: str | None,
        request: gr.Request,
    ) -> list[Any]:
        """Save a question with what must and must not be quoted; it is asked whenever the index is built."""
        must = [*(must or ()), *([f"{article}\n{words.strip()}"] if article and words and words.strip() else ())]
        if not (question or "").strip() or not (must or must_not or nothing):
            return self.page("Type a question and say what must, or must not, come.")
        by, corpus = signed_in(request), self._corpus
        try:
            known = read_questions(corpus)
            self._check(must)
            fresh = Question(
                id=_free_id(known),
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
        return self.page(f"Saved as {fresh.id}.", done=True)

    def _check(self, must: list[str]) -> None:
        """Refuse words that can never be quoted, as no article has them.

        Raises:
            CorpusError: names the article and the words.
        """
        articles = self._desk.answerer.library.articles
        for mark in map(_mark, must):
            if not mark.stands_in(articles):
                raise CorpusError(f"{mark.article} does not hold '{mark.words[:80]}'. Copy the words exactly from it.")

    def remove(self, name: str | None, request: gr.Request) -> list[Any]:
        """Remove a saved question."""
        if not name:
            return self.page("Choose a saved question first.")
        by, corpus = signed_in(request), self._corpus
        try:
            left = [q for q in read_questions(corpus) if q.id != name]
            self._acts.perform(
                by, f"removed question {name}", ["questions.jsonl"], lambda: save_questions(corpus, left)
            )
        except CorpusError as error:
            return self.page(str(error))
        return self.page(f"Removed {name}.")


def _free_id(known: Sequence[Question]) -> str:
    """Return today's date and the first number that no question of today has, also after some were removed."""
    day = f"{today():%Y%m%d}-"
    used = [q.id.removeprefix(day) for q in known if q.id.startswith(day)]
    return f"{day}{max((int(number) for number in used if number.isdigit()), default=0) + 1}"


def _mark(value: str) -> Mark:
    article, words = value.split("\n", 1)
    return Mark(article=article, words=words)
