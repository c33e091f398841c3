"""The page of the patient: one column, no login. Only this module and the mount know Gradio."""

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

# Read by Gradio when it is imported: without them it looks up two outside hosts at the start.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_OFFLINE"] = "1"

import gradio as gr
from fastapi import FastAPI

from bot.types import Answer, Status
from bot.web.desk import Desk, visitor_of
from bot.web.pages import STYLE
from bot.web.parts import answer_html, esc, linked, question_html
from bot.web.wiring import HIDDEN

SCRIPT = Path(__file__).with_name("page.js").read_text(encoding="utf-8")
MOST_SHOWN = 12  # the whole log is sent again with every answer
BUTTONS = 5  # suggested questions at most
ALL_INPUTS = "(...given) => { window.quotewell.busy(); return given; }"
LABELS = (
    "busy", "copied", "copy_failed", "context", "close", "safety", "why", "send", "thanks", "not_sent", "reported",
)  # fmt: skip
FONTS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif")


@dataclass(frozen=True, slots=True)
class Talk:
    """One visitor's conversation. Lives in the server's memory, for that page only; holds redacted questions."""

    turns: tuple[str, ...] = ()
    shown: tuple[tuple[str, str], ...] = ()  # (question, answer) as HTML

    def add(self, answer: Answer, question: str, html: str) -> "Talk":
        """Return the conversation with one more turn."""
        kept = (*self.turns, answer.question)[-MOST_SHOWN:] if answer.question else self.turns
        return replace(self, turns=kept, shown=(*self.shown, (question, html))[-MOST_SHOWN:])


class Chat:
    """The handlers behind the page. The log is only ever an output: its input would let a client name files."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._words = desk.answerer.words

    def ask(self, question: str | None, talk: Talk, request: gr.Request) -> list[Any]:
        """Answer what was typed or picked."""
        return self._turn(str(question or ""), talk, request, not_emergency=False)

    def again(self, talk: Talk, request: gr.Request) -> list[Any]:
        """Ask the last question once more, after the visitor said that it is not an emergency."""
        last = talk.turns[-1] if talk.turns else ""
        return self._turn(last, replace(talk, turns=talk.turns[:-1]), request, not_emergency=True)

    @property
    def _start(self) -> tuple[str, ...]:
        """Return what to suggest first; a new index may answer other questions."""
        return self._desk.answerer.suggestions[:BUTTONS]

    def greet(self) -> list[Any]:
        """Return what an opened page shows of the index in use: suggestions and its date."""
        start = self._start
        heading = gr.HTML(_heading(self._words.label_try), visible=bool(start))
        return [heading, *(_button(n, start) for n in range(BUTTONS)), self._footer()]

    def clear(self) -> list[Any]:
        """Forget the conversation."""
        return self._page(Talk(), self._start, self._words.label_try, urgent=False)

    def _turn(self, question: str, talk: Talk, request: gr.Request, *, not_emergency: bool) -> list[Any]:
        visitor = visitor_of(request.client.host if request.client else None)
        answer = self._desk.ask(visitor, question, talk.turns, entrance="chat", not_emergency=not_emergency).answer
        asked = question_html(answer.question, self._words) if answer.question else ""
        told = answer_html(answer, self._words, feedback=self._desk.journal is not None)
        talk = talk.add(answer, asked, told)
        urgent = answer.status is Status.URGENT
        return self._page(talk, answer.suggestions[:BUTTONS], self._words.label_next, urgent=urgent)

    def _page(self, talk: Talk, suggestions: tuple[str, ...], title: str, *, urgent: bool) -> list[Any]:
        log = [part for question, answer in talk.shown for part in _messages(question, answer)]
        heading = gr.HTML(_heading(title), visible=bool(suggestions))
        return ["", log, talk, gr.Button(visible=urgent), heading, *(_button(n, suggestions) for n in range(BUTTONS))]

    def blocks(self) -> gr.Blocks:
        """Build the page."""
        words, info = self._words, self._desk.answerer.library.info
        with gr.Blocks(analytics_enabled=False, title=info.title, delete_cache=(3600, 3600)) as blocks:
            gr.HTML(f"<p>{linked(words.banner)}</p>", js_on_load=None, elem_id="banner")
            gr.HTML(self._header(), js_on_load=None, elem_id="top")
            gr.HTML(self._about(), js_on_load=None, elem_id="about")
            talk = gr.State(Talk(), time_to_live=3600)
            log = gr.Chatbot(
                elem_id="log", show_label=False, container=False, height="auto", autoscroll=False, buttons=[],
                allow_tags=False, allow_file_downloads=False, feedback_options=None, placeholder="", layout="panel",
                group_consecutive_messages=False, render_markdown=False, label=words.label_about,
            )  # fmt: skip
            again = gr.Button(words.label_not_urgent, visible=False, elem_id="again")
            heading = gr.HTML(_heading(words.label_try), js_on_load=None, visible=bool(self._start), elem_id="try")
            with gr.Row(elem_id="picks"):
                picks = [_button(n, self._start) for n in range(BUTTONS)]
            with gr.Row(elem_id="composer"):
                # Inside what always stays on the screen: a message below it would not be seen.
                gr.HTML('<p role="status"></p>', js_on_load=None, elem_id="status")
                box = gr.Textbox(
                    label=words.label_question, info=words.label_hint, lines=1, max_lines=5, elem_id="question",
                    scale=1, autofocus=False, html_attributes=gr.InputHTMLAttributes(enterkeyhint="send"),
                )  # fmt: skip
                send = gr.Button(words.label_ask, variant="primary", elem_id="ask", scale=0)
            with gr.Row(elem_id="foot"):
                clear = gr.Button(words.label_clear, elem_id="clear", scale=0)
                foot = gr.HTML(self._footer(), js_on_load=None, elem_id="links")
            blocks.load(self.greet, None, [heading, *picks, foot], **HIDDEN)
            outputs = [box, log, talk, again, heading, *picks]
            self._wire(box, send, picks, again, clear, talk, outputs)
        return blocks  # type: ignore[no-any-return]  # gradio's context manager is untyped

    def _wire(self, box: Any, send: Any, picks: Any, again: Any, clear: Any, talk: Any, outputs: Any) -> None:  # noqa: ANN401
        shared: dict[str, Any] = HIDDEN | {"outputs": outputs}
        asked = [
            gr.on([box.submit, send.click], self.ask, [box, talk], js=ALL_INPUTS, **shared),
            *(pick.click(self.ask, [pick, talk], js=ALL_INPUTS, **shared) for pick in picks),
            again.click(self.again, [talk], js=ALL_INPUTS, **shared),
        ]
        for event in asked:
            event.then(None, None, None, js="() => window.quotewell.shown()")
        clear.click(self.clear, None, **shared).then(None, None, None, js="() => window.quotewell.cleared()")

    def _header(self) -> str:
        answerer = self._desk.answerer
        clinic = answerer.settings.clinic_name
        name = f'<p class="clinic">{esc(clinic)}</p>' if clinic else ""
        return f"<header>{name}<h1>{esc(answerer.library.info.title)}</h1></header>"

    def _about(self) -> str:
        about = (*self._words.about, *((self._words.kept,) if self._desk.journal else ()))
        lines = "".join(f"<li>{linked(line)}</li>" for line in about)
        return f"<details open><summary>{esc(self._words.label_about)}</summary><ul>{lines}</ul></details>"

    def _footer(self) -> str:
        words, manifest = self._words, self._desk.answerer.library.manifest
        built, apart = f"{words.label_built} {manifest.built_at[:10]}", 'target="_blank" rel="noopener"'
        return (
            # Pages of their own: the conversation lives in this one alone.
            f'<p><a href="sources" {apart}>{esc(words.label_sources)}</a> '
            f'<a href="docs" {apart}>{esc(words.label_api)}</a> '
            f"<span>{esc(built)}</span></p>"
        )


def mount_chat(app: FastAPI, desk: Desk) -> FastAPI:
    """Mount the patient's page at "/", after every plain route."""
    blocks = Chat(desk).blocks()
    blocks.queue(api_open=False)
    gr.mount_gradio_app(
        app, blocks, path="/", footer_links=[], run_history=False, show_error=False, max_file_size=1,
        ssr_mode=False, mcp_server=False, pwa=False, enable_monitoring=False, theme=theme(), head=head(desk),
    )  # fmt: skip
    blocks.has_launched = True  # mounting leaves Gradio's own check of file paths off; only this turns it on
    return app


def head(desk: Desk) -> str:
    """Return the page's own style and script. Inline: Gradio would rewrite the selectors of its ``css`` option."""
    words = desk.answerer.words
    labels = {name: getattr(words, f"label_{name}") for name in LABELS} | {
        "error": linked(f"{words.error} {words.disclaimer_no_quotes}")
    }
    data = "".join(f' data-{name.replace("_", "-")}="{esc(text)}"' for name, text in labels.items())
    return f'<meta name="quotewell"{data}><style>{STYLE}</style><script>{SCRIPT}</script>'


def theme() -> gr.themes.Base:
    """Return a theme of system fonts alone: nothing is fetched for it."""
    return gr.themes.Base(primary_hue="teal", neutral_hue="slate", text_size="lg", font=FONTS, font_mono=("monospace",))


def _messages(question: str, answer: str) -> list[dict[str, Any]]:
    # gr.HTML with its default template and no script puts our escaped text in once, as it is.
    asked = [{"role": "user", "content": gr.HTML(question, js_on_load=None)}] if question else []
    return [*asked, {"role": "assistant", "content": gr.HTML(answer, js_on_load=None)}]


def _heading(title: str) -> str:
    return f"<h2>{esc(title)}</h2>"


def _button(number: int, suggestions: tuple[str, ...]) -> gr.Button:
    shown = number < len(suggestions)
    return gr.Button(suggestions[number] if shown else "", visible=shown, elem_classes="pick", size="sm")
