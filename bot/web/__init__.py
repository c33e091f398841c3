"""The web app: plain routes first, the staff console at "/staff", the chat at "/" last, one wall around all."""

import socket
import sys
from collections.abc import Mapping
from typing import Any

import uvicorn
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from bot.accounts import Accounts
from bot.answer import Answerer, open_answerer
from bot.errors import SettingsError
from bot.journal import Journal
from bot.live import Live
from bot.settings import Settings
from bot.web.api import add_routes
from bot.web.chat import mount_chat
from bot.web.console import mount_console
from bot.web.desk import Desk, Limiter
from bot.web.guard import Guard
from bot.web.login import Sessions, StaffWall, login_routes
from bot.wire import answer_to_dict

FLOOD = 8  # posts of any kind per allowed question: above that, nothing reaches the program


def build_app(live: Live, *, journal: Journal | None = None, accounts: Accounts | None = None) -> FastAPI:
    """Return the whole web app over one opened library; without ``accounts`` there is no staff console."""
    answerer = live.answerer
    most = answerer.settings.questions_per_minute
    desk = Desk(live, Limiter(most), journal)
    app = FastAPI(
        title=answerer.library.info.title, docs_url=None, redoc_url=None, description=answerer.words.disclaimer
    )
    # An explicit, empty list: without it Gradio lets every site read its answers.
    app.add_middleware(CORSMiddleware, allow_origins=[])
    add_routes(app, desk)
    if accounts is not None:
        sessions = Sessions(accounts)
        app.include_router(login_routes(accounts, sessions, answerer.words))
        mount_console(app, desk, sessions)
        app.add_middleware(StaffWall, sessions=sessions)
    # Added last, so that it stands outermost: what it refuses reaches nothing else.
    app.add_middleware(Guard, limiter=Limiter(most * FLOOD), say=_refusals(answerer))
    return mount_chat(app, desk)


def serve(settings: Settings) -> None:
    """Open the library and serve it until stopped, following every new snapshot.

    Raises:
        BotError: one line on what is wrong and what to do.
    """
    listener = listen(settings.host, settings.port)
    with listener:
        answerer = open_answerer(settings)
        if settings.rerank and settings.large and not answerer.settings.large:
            sys.stderr.write("Without the large evidence model, which is not there: python -m bot large makes it.\n")
        live = Live(answerer)
        app = build_app(live, journal=open_journal(settings), accounts=Accounts(settings.data / "staff.json"))
        # No access log: it would note who read which article.
        # Open pages hold a stream: without a limit, stopping would wait until the last of them is closed.
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=3,
            # Who sent a request decides what is limited and locked: a header is believed only from a named proxy.
            proxy_headers=bool(settings.trusted_proxy),
            forwarded_allow_ips=settings.trusted_proxy or None,
        )
        end = live.watch()
        sys.stderr.write(f"Open http://{settings.host}:{settings.port} in a browser. Stop with Ctrl+C.\n")
        try:
            uvicorn.Server(config).run(sockets=[listener])
        finally:
            end()


def open_journal(settings: Settings) -> Journal | None:
    """Open the journal that the settings ask for, or none.

    Raises:
        JournalError: the file is damaged or cannot be written.
    """
    if settings.journal == "off":
        return None
    return Journal(settings.data / "journal.db", keep_days=settings.journal_days, ids_only=settings.journal == "ids")


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on ``host`` and ``port``.

    Raises:
        SettingsError: the port is taken, or the host is not an address of this machine.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(found[4][:2], family=found[0])
    except (OSError, UnicodeError) as error:
        if isinstance(error, OSError) and error.errno in (98, 48, 10048):  # EADDRINUSE of Linux, macOS, Windows
            raise SettingsError(
                f"Port {port} is in use. Set BOT_PORT to a free port, or stop the other one."
            ) from error
        raise SettingsError(f"Cannot listen on BOT_HOST='{host}', BOT_PORT={port}: {error}. Try 127.0.0.1.") from error


def _refusals(answerer: Answerer) -> Any:  # noqa: ANN401
    words = answerer.words
    texts = {"closed": words.unreadable, "too_many": words.too_many, "too_long": words.too_long}

    def say(name: str) -> Mapping[str, Any]:
        return answer_to_dict(answerer.fallback(texts[name]))

    return say
