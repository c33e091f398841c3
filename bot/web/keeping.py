"""Keeping the library: add and approve articles, decide on sentences, publish, roll back."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gradio as gr

from bot.acts import Acts
from bot.build import read_corpus
from bot.errors import BotError, CorpusError
from bot.history import Kept, roll_back, snapshots
from bot.ingest import Added, add_files
from bot.lint import Finding, lint
from bot.live import Live
from bot.lock import indexing
from bot.reindex import Blocked, plan_lines, reindex
from bot.settings import Settings
from bot.sidecar import describe, pin, release, set_status, tag, withhold
from bot.snapshot import Content
from bot.types import Article, ReviewStatus, Tag
from bot.web.desk import Desk
from bot.web.parts import esc
from bot.web.views import lines_view, quotable_view, table, told_view
from bot.web.wiring import DIRECT, Tab, signed_in, today

FACTS = {
    "title": "Title", "publisher": "Publisher", "author": "Author", "published": "Date (2024-05-02)",
    "url": "Web address", "licence": "Why it may be shown", "reviewer": "Clinician who reviewed it",
}  # fmt: skip
# What to do about a finding here, where its own words speak of the sidecar: the forms below write it.
IN_THE_CONSOLE = {
    "metadata": "Write what is known into the fields below.",
    "no-reviewer": "Once a clinician has read it, write name and profession below.",
    "no-approver": 'Give it the status "approved" again, with your name.',
    "undated": "Write the day of the text below, or look for a newer text.",
    "unreadable-date": "Write the day of the text below, as 2024-05-02.",
    "old": "Look for a newer text, or write its day below if this is not it.",
    "future-date": "Write the day of the text below.",
    "promotion": "Say below whether the publisher sells the treatment, and read the rest with that in mind.",
    "near-duplicate": 'Keep the newer or better one, and give the other the status "withdrawn".',
    "duplicate": 'Keep one of the two, and give the other the status "withdrawn".',
    "telephone": "Make sure that no sentence with it is quoted: in the text below it must be struck out.",
    "short": "See in the text below what is never quoted, and why.",
}
WITHHOLD = re.compile(r"write into the sidecar(?P<more>(?: \(.*?\))?):.*", re.IGNORECASE | re.DOTALL)
SELLS = {"unknown": None, "yes": True, "no": False}
AGAIN = "The articles are as they were: the next publishing brings them back. Correct or withdraw them first."
STAY = "The library in use is not touched until you publish."


class Keeping:
    """The handlers of the tab. Every act has a name on it, is written down, and can be undone."""

    def __init__(self, desk: Desk, acts: Acts) -> None:
        self._desk, self._acts = desk, acts

    @property
    def _settings(self) -> Settings:
        return self._desk.answerer.settings

    def tab(self) -> Tab:
        """Build the library's tab; return what an opened page asks for."""
        told = gr.HTML("", js_on_load=None, elem_id="keep-told")
        articles = gr.HTML("", js_on_load=None, elem_id="keep-articles")
        article = gr.Dropdown([], label="Article", elem_id="keep-article")
        findings = gr.HTML("", js_on_load=None, elem_id="keep-findings")
        with gr.Accordion("Read the article before you approve it", open=False, elem_id="keep-read"):
            reading = gr.HTML("", js_on_load=None, elem_id="keep-reading")
        with gr.Accordion("Where it comes from", open=False, elem_id="keep-facts"), gr.Row():
            facts = [gr.Textbox(label=label, elem_id=f"keep-{name}", min_width=200) for name, label in FACTS.items()]
            sells = gr.Dropdown(list(SELLS), label="Publisher sells the treatment", elem_id="keep-sells", min_width=200)
            known = gr.Button("Save what is known", elem_id="keep-describe")
        with gr.Row():
            status = gr.Dropdown([s.value for s in ReviewStatus], label="New status", elem_id="keep-status")
            set_it = gr.Button("Set status", elem_id="keep-set-status")
        sentence = gr.Dropdown([], label="Sentence", elem_id="keep-sentence", allow_custom_value=True)
        reason = gr.Textbox(label="Reason", elem_id="keep-reason")
        asked = gr.Textbox(label="Question to pin it to", elem_id="keep-question")
        tags = gr.CheckboxGroup([t.value for t in Tag], label="What it claims", elem_id="keep-tags")
        with gr.Row():
            hold = gr.Button("Withhold the sentence", elem_id="keep-withhold")
            mark = gr.Button("Set its claims", elem_id="keep-tag")
            first = gr.Button("Pin it to a question", elem_id="keep-pin")
            free = gr.Button("Take back decisions on it", elem_id="keep-release")
        files = gr.File(
            label="Add files (text, Markdown, HTML, PDF, DOCX)", file_count="multiple", elem_id="keep-files"
        )
        take = gr.Button("Add as articles under review", elem_id="keep-add")
        gr.HTML(f"<h3>Publish</h3><p>{STAY}</p>", js_on_load=None)
        accept = gr.Textbox(label="Let findings through, for this reason", elem_id="keep-accept")
        with gr.Row():
            plan = gr.Button("Show what would change", elem_id="keep-plan")
            publish = gr.Button("Publish", variant="primary", elem_id="keep-publish")
        planned = gr.HTML("", js_on_load=None, elem_id="keep-planned")
        seen = gr.State(())  # what stood in the way when somebody last looked: a reason lets through no more than that
        kept = gr.HTML("", js_on_load=None, elem_id="keep-snapshots")
        with gr.Row():
            older = gr.Dropdown([], label="Earlier snapshot", elem_id="keep-older")
            back = gr.Button("Roll back to it", elem_id="keep-rollback")
        acts = gr.HTML("", js_on_load=None, elem_id="keep-acts")
        with gr.Row():
            number = gr.Textbox(label="Number of the act", elem_id="keep-number")
            undo = gr.Button("Undo this act", elem_id="keep-undo")
        form = [reason, asked, tags, number, accept, files]
        about = [findings, reading, sentence, status, sells, *facts]
        page = [told, articles, article, *about, kept, older, acts, *form]
        article.input(self.picked, [article], about, **DIRECT)
        known.click(self.describe, [article, sells, *facts], page, **DIRECT)
        set_it.click(self.set_status, [article, status], page, **DIRECT)
        hold.click(self.withhold, [article, sentence, reason], page, **DIRECT)
        mark.click(self.tag, [article, sentence, tags, reason], page, **DIRECT)
        first.click(self.pin, [article, sentence, asked], page, **DIRECT)
        free.click(self.release, [article, sentence], page, **DIRECT)
        take.click(self.add, [files, article], page, **DIRECT)
        plan.click(self.plan, None, [planned, seen], **DIRECT)
        publish.click(self.publish, [accept, article, seen], [planned, seen, *page], **DIRECT)
        back.click(self.roll_back, [older, article], page, **DIRECT)
        undo.click(self.undo, [number, article], page, **DIRECT)
        return self.page, None, page

    def page(self, told: str = "", picked: str | None = None, *, done: bool = False, failed: bool = False) -> list[Any]:
        """Return everything the tab shows, as the corpus folder is now.

        Once an act is ``done`` the form is empty; after one that ``failed`` it keeps what was typed.
        """
        form = ["", "", [], "", "", None] if done else [gr.skip()] * 6
        rest = [*self._snapshots(), self._acts_view(), *form]
        typed = [gr.skip()] * (2 + len(FACTS))  # status, sells and the facts
        try:
            content = read_corpus(self._settings.corpus, self._settings.index)
        except CorpusError as error:
            return [told_view(str(error)), "", gr.Dropdown([]), "", "", gr.Dropdown([]), *typed, *rest]
        names = [article.source.id for article in content.articles]
        picked = picked if picked in names else names[0]
        shown = [told_view(told + self._problem()), self._articles(content), gr.Dropdown(names, value=picked)]
        about = self._about(content, picked)
        return [*shown, *([*about[:2], gr.skip(), *typed] if failed else about), *rest]

    def picked(self, article: str) -> list[Any]:
        """Show findings, sentences and status of one article."""
        try:
            return self._about(read_corpus(self._settings.corpus, self._settings.index), article)
        except CorpusError as error:
            return [told_view(str(error)), "", gr.Dropdown([]), *[gr.skip()] * (2 + len(FACTS))]

    def set_status(self, article: str, status: str, request: gr.Request) -> list[Any]:
        """Approve an article, withdraw it, or put it back under review."""
        by = signed_in(request)

        def change(corpus: Path) -> None:
            set_status(corpus, article, ReviewStatus(status), by=by, on=today())

        return self._act(by, f"status of {article}: {status}", article, change, needs={"a status": status})

    def describe(
        self,
        article: str,
        sells: str,
        title: str,
        publisher: str,
        author: str,
        published: str,
        url: str,
        licence: str,
        reviewer: str,
        request: gr.Request,
    ) -> list[Any]:
        """Write what is known of the article's origin into its sidecar."""
        given = (title, publisher, author, published, url, licence, reviewer)  # in the order of FACTS
        known = {name: (value or "").strip() for name, value in zip(FACTS, given, strict=True)}
        reviewer = known.pop("reviewer")
        facts = known | {"sells_treatment": SELLS.get(sells)}

        def change(corpus: Path) -> None:
            describe(corpus, article, facts, reviewer=reviewer, on=today())

        return self._act(signed_in(request), f"origin of {article}", article, change, needs={"a title": known["title"]})

    def withhold(self, article: str, words: str, reason: str, request: gr.Request) -> list[Any]:
        """Withhold a sentence."""
        by = signed_in(request)

        def change(corpus: Path) -> None:
            withhold(corpus, article, words, reason=reason, by=by)

        return self._act(
            by, f"withheld in {article}: {words}", article, change, needs={"a sentence": words, "a reason": reason}
        )

    def tag(self, article: str, words: str, tags: list[str], reason: str, request: gr.Request) -> list[Any]:
        """Say what a sentence claims."""
        by = signed_in(request)

        def change(corpus: Path) -> None:
            tag(corpus, article, words, tuple(Tag(name) for name in tags or ()), reason=reason, by=by)

        return self._act(
            by,
            f"claims in {article}: {words}: {tags}",
            article,
            change,
            needs={"a sentence": words, "a reason": reason},
        )

    def pin(self, article: str, words: str, question: str, request: gr.Request) -> list[Any]:
        """Quote a sentence first for a question."""
        by, asked = signed_in(request), self._desk.answerer.answer(question or "").answer.question

        def change(corpus: Path) -> None:
            _check_quotable(read_corpus(corpus, self._settings.index), article, words)
            pin(corpus, article, words, question=asked, by=by)

        return self._act(
            by,
            f"pinned in {article}: {words}: for {asked}",
            article,
            change,
            needs={"a sentence": words, "a question": asked},
        )

    def release(self, article: str, words: str, request: gr.Request) -> list[Any]:
        """Take back the decisions on a sentence."""
        by = signed_in(request)
        return self._act(
            by,
            f"taken back in {article}: {words}",
            article,
            lambda corpus: release(corpus, article, words),
            needs={"a sentence": words},
        )

    def add(self, files: list[str] | None, article: str, request: gr.Request) -> list[Any]:
        """Take uploaded files in as articles under review."""
        if not files:
            return self.page("Choose files first.", article)
        lines = []
        try:
            for found in add_files([Path(name) for name in files], self._settings.corpus):
                told = f"added as {found.article}" if isinstance(found, Added) else f"refused: {found.reason}"
                lines.append(f"{found.file.name}: {told}".replace(str(found.file.parent) + "/", ""))
                if isinstance(found, Added):
                    self._acts.perform(signed_in(request), lines[-1], [], lambda: None)
                    lines += [f"   look at: {warning}" for warning in found.warnings]
                    article = found.article
        except BotError as error:
            lines.append(str(error))
        return self.page("\n".join(lines), article, done=True)

    def plan(self) -> list[Any]:
        """Show what publishing would change: articles, findings, regression questions."""
        try:
            plan = reindex(self._settings, dry_run=True).plan
        except BotError as error:
            return [told_view(str(error)), ()]
        return [lines_view(plan_lines(plan)), plan.blocking] if plan else [lines_view(["Nothing changes."]), ()]

    def publish(self, accept: str, article: str, seen: tuple[str, ...], request: gr.Request) -> list[Any]:
        """Build the index and make it the current one; patients get it at once."""
        by, reason = signed_in(request), (accept or "").strip()
        passed = frozenset(seen) if reason else False
        why = reason or "published in the console"
        try:
            outcome = reindex(self._settings, by=by, why=why, accept=passed)
        except Blocked as error:
            told = "Not published: see what stands in the way below. Correct it, or give a reason and publish again."
            return [lines_view(plan_lines(error.plan)), error.plan.blocking, *self.page(told, article)]
        except BotError as error:
            return [told_view(str(error)), (), *self.page("Not published.", article)]
        self._desk.live.refresh()
        if outcome.plan is None:
            told = "Nothing has changed since the last time."
            return [lines_view([told]), (), *self.page(told, article, done=True)]
        return [lines_view(plan_lines(outcome.plan)), (), *self.page("The new index is in use.", article, done=True)]

    def roll_back(self, older: str | None, article: str, request: gr.Request) -> list[Any]:
        """Make an earlier snapshot the current one."""
        if not older:
            return self.page("Choose an earlier snapshot first.", article)
        settings = self._settings
        try:
            with indexing(settings.index, by=signed_in(request)):
                manifest = roll_back(settings.index, older.split(" ")[0], by=signed_in(request), why="console")
        except BotError as error:
            return self.page(str(error), article)
        self._desk.live.refresh()
        told = f"Rolled back to {manifest.id}. {AGAIN}"
        return self.page(told, article, done=True)

    def undo(self, number: str | None, article: str, request: gr.Request) -> list[Any]:
        """Undo one act on the corpus."""
        if not re.fullmatch(r"[0-9]{1,9}", str(number or "").strip()):
            return self.page("Give the number of an act of the table.", article)
        try:
            act = self._acts.undo(int(str(number)), by=signed_in(request))
        except CorpusError as error:
            return self.page(str(error), article)
        return self.page(f"{act.what}. {STAY}", article, done=True)

    def _act(
        self, by: str, what: str, article: str, change: Callable[[Path], None], *, needs: Mapping[str, object]
    ) -> list[Any]:
        missing = [name for name, value in {"an article": article, **needs}.items() if not value]
        if missing:
            return self.page(f"Nothing was done: give {' and '.join(missing)}.", article, failed=True)
        corpus = self._settings.corpus
        try:
            self._acts.perform(by, what, [f"{article}.toml"], lambda: change(corpus))
        except CorpusError as error:
            return self.page(str(error), article, failed=True)
        return self.page(f"Done: {what[:120]}. {STAY}", article, done=True)

    def _problem(self) -> str:
        live: Live = self._desk.live
        return f" The newest index is not in use: {live.problem}" if live.problem else ""

    def _articles(self, content: Content) -> str:
        counts = Counter((s.span.article, not s.unquotable) for p in content.passages for s in p.sentences)
        rows = [
            (s.id, s.title, s.publisher or "", s.published or "", s.review.status.value,
             s.review.approved_by or "", str(counts[s.id, True]), str(counts[s.id, False]))
            for s in (article.source for article in content.articles)
        ]  # fmt: skip
        head = ("article", "title", "publisher", "date", "status", "approved by", "quotable sentences", "others")
        return "<h3>Articles in the corpus folder</h3>" + table(head, rows)

    def _about(self, content: Content, article: str) -> list[Any]:
        found = lint(content.articles, content.passages, today=today(), only={article})
        rows = [
            (f.severity.value, str(f.line), f.says, f.excerpt, _what_to_do(f)) for f in found if f.article == article
        ]
        texts = content.by_id
        own = [s for p in content.passages for s in p.sentences if s.span.article == article]
        sentences = [
            (f"{s.kind.value}{' ' + '/'.join(sorted(s.tags)) if s.tags else ''}: {texts[article].slice(s.span)[:120]}",
             texts[article].slice(s.span))
            for s in own
        ]  # fmt: skip
        view = table(("severity", "line", "finding", "words", "what to do"), rows) if rows else "<p>No findings.</p>"
        file = f'<p><a href="/staff/original/{esc(article)}" download>Save the file it was taken from</a></p>'
        view += file if article in texts and texts[article].source.original else ""
        status = texts[article].source.review.status.value if article in texts else None
        return [
            f"<h3>Findings in {esc(article)}</h3>{view}",
            quotable_view(texts[article], own) if article in texts else "",
            gr.Dropdown(sentences, value=None),
            gr.Dropdown(value=status),
            *_facts(texts.get(article)),
        ]

    def _snapshots(self) -> list[Any]:
        kept = snapshots(self._settings.index)
        used = self._desk.answerer.library.manifest.id
        rows = [(_state(one, used), one.id, *_made(one)) for one in kept]
        others = [f"{one.id} ({one.manifest.built_at})" for one in kept if one.manifest and not one.current]
        view = "<h3>Snapshots</h3>" + table(("", "id", "built", "by", "why"), rows)
        return [view, gr.Dropdown(others, value=None)]

    def _acts_view(self) -> str:
        rows = [(str(a.number), a.at, a.by, a.what, state) for a, state in self._acts.states()]
        return "<h3>Acts</h3>" + table(("act", "at", "by", "what", "can be undone"), rows)


def _facts(article: Article | None) -> list[Any]:
    """Return what is known of the article's origin, as the form shows it: sells, then each of ``FACTS``."""
    if article is None:
        return [gr.skip()] * (1 + len(FACTS))
    source = article.source
    values = [getattr(source, name) or "" for name in FACTS if name != "reviewer"] + [source.review.reviewer or ""]
    return [next(word for word, value in SELLS.items() if value is source.sells_treatment), *values]


def _check_quotable(content: Content, article: str, words: str) -> None:
    """Raise CorpusError when the sentence of ``words`` is one that is never quoted: a pin could not change that."""
    texts = content.by_id
    for sentence in (s for p in content.passages for s in p.sentences if s.span.article == article):
        if sentence.unquotable and words.strip() in texts[article].slice(sentence.span):
            back = " Take that decision back first." if sentence.rule == "override" else ""
            raise CorpusError(f"This sentence is never quoted: {sentence.unquotable}.{back}")


def _state(kept: Kept, used: str) -> str:
    return "in use" if kept.id == used else "current" if kept.current else ""


def _made(kept: Kept) -> tuple[str, str, str]:
    manifest = kept.manifest
    return (manifest.built_at, manifest.by, manifest.why) if manifest else (kept.fault, "", "")


def _what_to_do(finding: Finding) -> str:
    said = IN_THE_CONSOLE.get(finding.rule, finding.fix)
    told = WITHHOLD.sub(r"choose the sentence below and withhold it, with a reason\g<more>.", said)
    return told[:1].upper() + told[1:]
