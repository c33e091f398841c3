"""Parts shared by the web tests: a real server on a free port and a real browser, once per session."""

import threading
import time
import warnings
from contextlib import contextmanager

import uvicorn

ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
BROWSER = "/usr/bin/chromium"


@contextmanager
def serving(answerer, **parts):
    """Serve the app over ``answerer`` (and a journal, accounts) and give its address."""
    from bot.live import Live
    from bot.web import build_app, listen

    live = answerer if isinstance(answerer, Live) else Live(answerer)

    with listen("127.0.0.1", 0) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = uvicorn.Config(
            build_app(live, **parts), log_level="warning", access_log=False, ws="none", timeout_graceful_shutdown=2
        )
        server = uvicorn.Server(config)
        # Gradio's worker imports pandas pieces that warn about their own future.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
            thread.start()
            while not server.started:
                time.sleep(0.05)
        yield address
        server.should_exit = True
        thread.join(timeout=20)


def serious(page):
    """Return what axe-core finds serious on the page, once it has come to rest."""
    from axe_playwright_python.sync_playwright import Axe

    # What waits for the server, and what fades in, is drawn pale.
    page.wait_for_function(
        "![...document.querySelectorAll('.pending')].some((part) => getComputedStyle(part).opacity < 1)"
        " && document.getAnimations().every((one) => one.playState !== 'running')"
    )
    return [
        (violation["id"], node["html"][:160])
        for violation in Axe().run(page).response["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"][:3]
    ]
