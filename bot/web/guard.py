"""The wall around all pages: pure ASGI, so that streamed answers pass through unbuffered."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.web.desk import Limiter, visitor_of

MOST_BYTES = 256 * 1024
# Gradio needs inline script and eval. So this policy keeps other hosts out; escaping is what keeps script out.
CSP = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; frame-src 'self'; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)
HEADERS = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "x-frame-options": "SAMEORIGIN",
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
CACHED = ("/assets/", "/static/", "/svelte/")  # the program's own files, the same for every visitor
# What the chat page uses of Gradio. All else of it is closed: files, uploads, proxy, direct calls, its own schema.
GRADIO_PAGE = re.compile(r"/gradio_api/(run/predict|heartbeat/[\w-]+|app_id)/?|/config/?")
# What the staff console uses besides; the wall before it lets nobody in without a session.
STAFF_PAGE = re.compile(
    r"/staff(/gradio_api/(upload|upload_progress)/?|" + GRADIO_PAGE.pattern + r")"
    r"|/staff/(login|logout)"
)
STAFF_UPLOAD = re.compile(r"/staff/gradio_api/upload/?")
# A path may hold a line break, so "." must match it too: else an address ending in %0a would slip through.
GRADIO_CLOSED = re.compile(
    r"(?:/staff)?/(gradio_api|login|logout|monitoring|token|user|upload|custom_component)([/=?\s].*)?", re.DOTALL
)
Refusal = tuple[int, str]  # the HTTP status, and the fixed text for it


class Guard:
    """Adds headers to every answer and turns away what no page of this program sends."""

    def __init__(self, app: ASGIApp, *, limiter: Limiter, say: Callable[[str], Mapping[str, Any]]) -> None:
        """``say`` turns the name of a refusal into the JSON body that still shows where help is."""
        self._app, self._limiter, self._say = app, limiter, say

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check one request and pass it on."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})  # no page here uses one
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        guarded = _with_headers(scope["path"], send)
        refusal = self._refusal(scope)
        body = b""
        # An upload of staff is not held in memory here: Gradio streams it to disk and knows the limit.
        small = not STAFF_UPLOAD.fullmatch(scope["path"])
        if small and not refusal and scope["method"] not in ("GET", "HEAD", "OPTIONS"):
            body, refusal = await _read(receive)
            receive = _replay(body, receive)
        if refusal:
            await self._refuse(refusal, guarded)
        else:
            await self._app(scope, receive, guarded)

    def _refusal(self, scope: Scope) -> Refusal | None:
        path, headers = scope["path"], Headers(scope=scope)
        if GRADIO_CLOSED.fullmatch(path) and not GRADIO_PAGE.fullmatch(path) and not STAFF_PAGE.fullmatch(path):
            return 403, "closed"
        if scope["method"] in ("GET", "HEAD", "OPTIONS"):
            return None
        if headers.get("sec-fetch-site") == "cross-site":
            return 403, "closed"
        client = scope.get("client")
        return None if self._limiter.allow(visitor_of(client[0] if client else None)) else (429, "too_many")

    async def _refuse(self, refusal: Refusal, send: Send) -> None:
        code, name = refusal
        body = json.dumps(dict(self._say(name))).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        headers += [(b"retry-after", b"60")] if code == 429 else []
        await send({"type": "http.response.start", "status": code, "headers": headers})
        await send({"type": "http.response.body", "body": body})


async def _read(receive: Receive) -> tuple[bytes, Refusal | None]:
    """Read the whole body; stop as soon as it is too large, whatever its header promised."""
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > MOST_BYTES:
            return b"", (413, "too_long")
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return bytes(body), None


def _replay(body: bytes, receive: Receive) -> Receive:
    """Hand out the body that was read, then whatever comes after it."""
    first = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return first.pop() if first else await receive()

    return replayed


def _with_headers(path: str, send: Send) -> Send:
    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                if name != "cache-control" or not path.startswith(CACHED):
                    headers.setdefault(name, value)
        await send(message)

    return guarded
