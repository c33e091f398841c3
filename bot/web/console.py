"""The staff console at /staff: a second Gradio app behind the wall of ``bot.web.login``."""

from pathlib import Path

import gradio as gr
from fastapi import FastAPI, Request

from bot.acts import Acts
from bot.web.chat import theme
from bot.web.desk import Desk
from bot.web.exports import export_routes
from bot.web.inspect import Inspector
from bot.web.keeping import Keeping
from bot.web.login import COOKIE, Sessions
from bot.web.overview import Overview
from bot.web.pages import STYLE
from bot.web.parts import esc, linked
from bot.web.records import Records
from bot.web.regression import Regression
from bot.web.wiring import HIDDEN

SCRIPT = Path(__file__).with_name("console.js").read_text(encoding="utf-8")
LOOK = Path(__file__).with_name("console.css").read_text(encoding="utf-8")
LARGEST = "50mb"  # of one uploaded file; the reader of each format has limits of its own


def mount_console(app: FastAPI, desk: Desk, sessions: Sessions) -> None:
    """Mount the console and its downloads; ``StaffWall`` must stand before them."""
    overview = Overview(desk)
    app.include_router(export_routes(desk, overview))
    blocks = console(desk, overview)
    blocks.queue(api_open=False)

    def who(request: Request) -> str | None:
        return sessions.name_of(request.cookies.get(COOKIE))

    gr.mount_gradio_app(
        app, blocks, path="/staff", auth_dependency=who, footer_links=[], run_history=False, show_error=False,
        max_file_size=LARGEST, ssr_mode=False, mcp_server=False, pwa=False, enable_monitoring=False, theme=theme(),
        head=f"<style>{STYLE}{LOOK}</style><script>{SCRIPT}</script>",
    )  # fmt: skip
    blocks.has_launched = True  # mounting leaves Gradio's own check of file paths off; only this turns it on


def console(desk: Desk, overview: Overview) -> gr.Blocks:
    """Build the tabs."""
    words, settings = desk.answerer.words, desk.answerer.settings
    acts = Acts(settings.data / "acts.jsonl", settings.corpus)
    tabs = (
        ("Inspector", Inspector(desk).tab),
        ("Journal", Records(desk).tab),
        ("What is missing", overview.gaps_tab),
        ("Overview", overview.tab),
        ("Library", Keeping(desk, acts).tab),
        ("Regression questions", Regression(desk, acts).tab),
    )
    with gr.Blocks(analytics_enabled=False, title=words.staff_title, delete_cache=(3600, 3600)) as blocks:
        gr.HTML(
            f'<div class="staff-top"><h1>{esc(words.staff_title)}</h1>'
            '<form method="post" action="/staff/logout"><button type="submit">Sign out</button></form></div>'
            f'<p class="disclaimer">{linked(words.disclaimer_no_quotes)}</p>',
            js_on_load=None,
            elem_id="staff-top",
        )
        with gr.Tabs(elem_id="staff-tabs"):
            for number, (name, build) in enumerate(tabs):
                with gr.Tab(name) as tab:
                    opened, inputs, outputs = build()
                # Only the first tab is filled at once; the others when somebody looks at them.
                event = blocks.load if number == 0 else tab.select
                event(opened, inputs, outputs, **HIDDEN)
    return blocks  # type: ignore[no-any-return]  # gradio's context manager is untyped
