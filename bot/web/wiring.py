"""How the events of the pages reach the program, and who sent them."""

from datetime import UTC, date, datetime
from typing import Any

import gradio as gr

# Each event is one request with one answer. Gradio's queue sends the answers of a page over one shared stream instead,
# and its script loses an answer that begins while it closes the stream of the one before.
DIRECT: dict[str, Any] = {"show_progress": "minimal", "api_visibility": "private", "queue": False}
HIDDEN: dict[str, Any] = DIRECT | {"show_progress": "hidden"}


# What a tab of the console gives: the handler for an opened page, its inputs and its outputs.
Tab = tuple[Any, list[Any] | None, list[Any]]


def signed_in(request: gr.Request) -> str:
    """Return the name of whoever is signed in."""
    return str(request.username or "unknown")


def today() -> date:
    """Return the date in UTC."""
    return datetime.now(UTC).date()
