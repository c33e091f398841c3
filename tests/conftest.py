"""Shared parts of the tests: the real corpus indexed once with the real model, and small corpora made on the spot."""

import hashlib
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from bot.answer import Answerer, open_answerer
from bot.build import build_index
from bot.cache import Cache
from bot.settings import Settings, load_settings

ROOT = Path(__file__).resolve().parent.parent

# A machine that does other work, too, takes its time: what must be fast has a test of its own.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")


@pytest.fixture(scope="session", autouse=True)
def _programs_can_be_interrupted() -> None:
    """A shell makes what it puts in the background deaf to Ctrl-C, and so every program that is started from there."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _no_settings_from_the_machine(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Tests must not depend on BOT_* variables of whoever runs them, and must not write into a journal of theirs."""
    import os

    for name in [name for name in os.environ if name.startswith("BOT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("BOT_DATA", str(tmp_path_factory.getbasetemp() / "data"))


@pytest.fixture
def notes(tmp_path: Path) -> Iterator[Cache]:
    """A cache of its own, as something that notes can be left in."""
    cache = Cache(tmp_path / "cache.db", model="m", rules="r")
    yield cache
    cache.close()


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The settings of the real corpus, with an index folder of its own."""
    return load_settings(corpus=ROOT / "corpus", index=tmp_path_factory.mktemp("index"))


@pytest.fixture(scope="session")
def built(settings: Settings) -> Settings:
    """The settings after the real corpus was indexed with the real model."""
    build_index(settings)
    return settings


@pytest.fixture(scope="session")
def answerer(built: Settings) -> Answerer:
    """The program over the real corpus."""
    return open_answerer(built)


def write_article(folder: Path, name: str, text: str, *, title: str = "A title", more: str = "") -> None:
    """Write an article and its sidecar, approved, into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    data = text.encode("utf-8")
    (folder / f"{name}.txt").write_bytes(data)
    (folder / f"{name}.toml").write_text(
        f'title = "{title}"\nsha256 = "{hashlib.sha256(data).hexdigest()}"\n{more}\n'
        '[review]\nstatus = "approved"\napproved_by = "a test"\n',
        encoding="utf-8",
    )
    if not (folder / "library.toml").exists():
        (folder / "library.toml").write_text('title = "A small library"\nsuggestions = []\n', encoding="utf-8")


@pytest.fixture(scope="session")
def small_index(built: Settings, tmp_path_factory: pytest.TempPathFactory):
    """A function: articles (name -> text) -> settings of an index of them; reuses the exported encoder."""

    def make(articles: dict[str, str], **options: str) -> Settings:
        import os
        import shutil

        home = tmp_path_factory.mktemp("small")
        for name, text in articles.items():
            write_article(home / "corpus", name, text, title=name.replace("-", " ").title(), **options)
        # The encoder of the real index saves the export: linked, not copied, it is 90 MB.
        earlier = next(built.index.glob("*/manifest.json")).parent
        shutil.copytree(earlier, home / "index" / earlier.name, copy_function=os.link)
        small = load_settings(corpus=home / "corpus", index=home / "index")
        build_index(small)
        return small

    return make


HOSTILE = (
    "Healing takes <script>window.pwned=1</script> six weeks for most knees. "
    "Swelling <img src=x onerror=window.pwned=1> is a common side effect of knee surgery. "
    "Walk ${window.pwned=1} with {{window.pwned=1}} crutches and $$x^2$$ for\ttwo weeks after knee surgery. "
    "Use ice \"]]>\" 'often' & rest <b>the</b> knee &lt;b&gt; a lot."
)


@pytest.fixture(scope="session")
def hostile_answerer(small_index) -> Answerer:
    """The program over one article full of markup."""
    return open_answerer(
        small_index({"knee-surgery": HOSTILE}).model_copy(update={"answer_threshold": 0.0, "extra_threshold": 0.0})
    )


@pytest.fixture(scope="session")
def site(answerer):
    """Address of a server over the real library, with no limit in the way of the tests."""
    from web import serving

    answerer.settings = answerer.settings.model_copy(update={"questions_per_minute": 100000})
    with serving(answerer) as address:
        yield address


@pytest.fixture(scope="session")
def hostile_site(hostile_answerer):
    """Address of a server over the hostile article."""
    from web import serving

    with serving(hostile_answerer) as address:
        yield address


@pytest.fixture(scope="session")
def browser():
    """One real Chromium for the whole session."""
    from playwright.sync_api import sync_playwright
    from web import ARGS, BROWSER

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=BROWSER, args=ARGS)
        yield opened
        opened.close()


@pytest.fixture
def open_page(browser):
    """A function: address, options -> a page that reports foreign requests and script errors when the test ends."""
    contexts, faults = [], []

    def make(address, ready="#question textarea, #question input", **options):
        options.setdefault("viewport", {"width": 1100, "height": 900})
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on(
            "request",
            lambda r: faults.append(r.url) if not re.match(r"(http://127\.0\.0\.1|data:|blob:)", r.url) else None,
        )
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(address)
        page.wait_for_selector(ready)
        return page

    yield make
    for context in contexts:
        context.close()
    assert not faults
