"""The door of the staff console: sign in, sign out, and a wall that nobody passes without a session.

Sessions live in memory: a restart signs everybody out. The cookie is HttpOnly and SameSite=Strict, so another site can
neither read it nor send it along; the form carries a token of its own besides.
"""

import hmac
import logging
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.accounts import Accounts
from bot.errors import AccountError
from bot.web.desk import visitor_of
from bot.web.pages import FORM_CSP, login_page
from bot.words import Words

log = logging.getLogger(__name__)
COOKIE, TOKEN = "quotewell_staff", "quotewell_form"
IDLE, LONGEST = 30 * 60.0, 12 * 3600.0  # seconds until a session ends: without use, and at all
TRIES, LOCKED = 5, 15 * 60.0  # wrong passwords from one visitor for one name, and the seconds it is closed after them
TRIES_AT_ALL = 30  # wrong passwords from one visitor for any names
MOST = 10_000  # sessions and visitors remembered


@dataclass(slots=True)
class _Session:
    name: str
    stamp: str
    began: float
    used: float


class Sessions:
    """Who is signed in. Safe to share between threads."""

    def __init__(self, accounts: Accounts, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._accounts, self._clock = accounts, clock
        self._open: OrderedDict[str, _Session] = OrderedDict()
        self._lock = threading.Lock()

    def check_accounts(self) -> None:
        """Read the accounts.

        Raises:
            AccountError: their file is damaged.
        """
        self._accounts.names()

    def open(self, name: str, stamp: str) -> str:
        """Begin a session of ``name`` and return its secret.

        ``stamp`` is the account's from before its password was checked: whatever changes it meanwhile ends the session.
        """
        secret, now = secrets.token_urlsafe(32), self._clock()
        with self._lock:
            self._open[secret] = _Session(name, stamp, now, now)
            while len(self._open) > MOST:
                self._open.popitem(last=False)
        return secret

    def name_of(self, secret: str | None) -> str | None:
        """Return who owns a session, or None when it is unknown, too old, or its account is gone or changed."""
        now = self._clock()
        with self._lock:
            found = self._open.get(secret or "")
            if found is None:
                return None
            fresh = now - found.used < IDLE and now - found.began < LONGEST
            if not fresh or not found.stamp or self._accounts.stamp(found.name) != found.stamp:
                del self._open[secret or ""]
                return None
            found.used = now
            return found.name

    def close(self, secret: str | None) -> None:
        """End a session."""
        with self._lock:
            self._open.pop(secret or "", None)


class Lockout:
    """Counts wrong passwords. A visitor who guesses is shut out; others with the same name are not."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wrong: OrderedDict[tuple[str, str], list[float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, visitor: str, name: str) -> bool:
        """Count a try of ``visitor`` for ``name`` as wrong; return False, and count nothing, when there were too many.

        It is counted before the password is checked: else many at once would all pass.
        """
        with self._lock:
            if len(self._recent((visitor, name))) >= TRIES or len(self._recent((visitor, ""))) >= TRIES_AT_ALL:
                return False
            for key in {(visitor, name), (visitor, "")}:
                self._wrong[key] = [*self._recent(key), self._clock()]
                self._wrong.move_to_end(key)
            while len(self._wrong) > MOST:
                self._wrong.popitem(last=False)
            return True

    def right(self, visitor: str, name: str) -> None:
        """Forget the tries for ``name``; of those for any names, only the last."""
        with self._lock:
            self._wrong.pop((visitor, name), None)
            self._wrong[visitor, ""] = self._recent((visitor, ""))[:-1]

    def _recent(self, key: tuple[str, str]) -> list[float]:
        return [at for at in self._wrong.get(key, []) if self._clock() - at < LOCKED]


class StaffWall:
    """Lets nobody below /staff but to the login page without a session, whatever is mounted there."""

    def __init__(self, app: ASGIApp, *, sessions: Sessions) -> None:
        self._app, self._sessions = app, sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check one request and pass it on."""
        if scope["type"] not in ("http", "websocket") or not is_staff(scope["path"]):
            await self._app(scope, receive, send)
            return
        try:
            allowed = self._allowed(scope)
        except AccountError as error:
            log.error("%s", error)
            await Response("The accounts cannot be read; the log says why.", 503)(scope, receive, send)
            return
        page = scope["type"] == "http" and scope["method"] == "GET" and scope["path"].rstrip("/") == "/staff"
        if allowed and scope["path"] == "/staff":
            await RedirectResponse("/staff/", 303)(scope, receive, send)  # the mount begins at the slash
        elif allowed:
            await self._app(scope, receive, send)
        elif page:
            await RedirectResponse("/staff/login", 303)(scope, receive, send)
        else:
            await Response("Sign in at /staff/login", 401)(scope, receive, send)

    def _allowed(self, scope: Scope) -> bool:
        foreign = _is_foreign(Headers(scope=scope))
        if scope["path"] == "/staff/login":
            self._sessions.check_accounts()
            return scope.get("method") != "POST" or not foreign
        # The cookie is SameSite=Strict already; a browser that names another origin is refused besides.
        return not foreign and self._sessions.name_of(HTTPConnection(scope).cookies.get(COOKIE)) is not None


def _is_foreign(headers: Headers) -> bool:
    """Return True when a browser says that another site sent the request.

    Without TLS browsers leave Sec-Fetch-Site out, and a form of ours then has the origin "null", as our pages ask for
    no referrer; another site's may have it too, and the form's token is what stops that one.
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin", "null")
    if site is not None:
        return site not in {"same-origin", "none"}
    return origin != "null" and urlsplit(origin).netloc != headers.get("host")


def is_staff(path: str) -> bool:
    """Return True for every path of the staff console."""
    return path == "/staff" or path.startswith("/staff/")


def login_routes(accounts: Accounts, sessions: Sessions, words: Words, *, lockout: Lockout | None = None) -> APIRouter:
    """Return the login page, its form and the way out."""
    router = APIRouter(include_in_schema=False)
    guard = lockout or Lockout()

    @router.get("/staff/login")
    def show(request: Request) -> Response:
        return _form(request, words, words.staff_no_accounts if not accounts.names() else "")

    @router.post("/staff/login")
    def enter(
        request: Request,
        name: Annotated[str, Form(max_length=100)] = "",
        password: Annotated[str, Form(max_length=1000)] = "",
        token: Annotated[str, Form(max_length=100)] = "",
    ) -> Response:
        visitor = visitor_of(request.client.host if request.client else None)
        name = name.strip().lower()
        if not token or not hmac.compare_digest(token.encode(), request.cookies.get(TOKEN, "").encode()):
            return _form(request, words, words.staff_stale, 403)
        if not guard.take(visitor, name):
            return _form(request, words, words.staff_locked, 429)
        stamp = accounts.stamp(name)
        if not accounts.check(name, password):
            return _form(request, words, words.staff_wrong, 401)
        guard.right(visitor, name)
        sessions.close(request.cookies.get(COOKIE))
        reply = RedirectResponse("/staff/", 303)
        _set(reply, request, COOKIE, sessions.open(name, stamp), "/staff")
        return reply

    @router.api_route("/staff/logout", methods=["GET", "HEAD"])
    def stay() -> Response:
        return RedirectResponse("/staff/", 303)  # else Gradio's own way out answers: it ends no session of ours

    @router.post("/staff/logout")
    def leave(request: Request) -> Response:
        sessions.close(request.cookies.get(COOKIE))
        reply = RedirectResponse("/staff/login", 303)
        reply.delete_cookie(COOKIE, path="/staff")
        return reply

    return router


def _form(request: Request, words: Words, message: str, code: int = 200) -> Response:
    token = secrets.token_urlsafe(16)
    reply = HTMLResponse(login_page(words, token, message), code, {"content-security-policy": FORM_CSP})
    _set(reply, request, TOKEN, token, "/staff/login")
    return reply


def _set(reply: Response, request: Request, name: str, value: str, path: str) -> None:
    https = request.url.scheme == "https"
    reply.set_cookie(name, value, path=path, httponly=True, samesite="strict", secure=https)
