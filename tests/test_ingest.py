"""Adding files: each is added or refused with its reason, whatever it is, and whenever the program is killed."""

import ast
import hashlib
import http.server
import os
import re
import shutil
import subprocess
import sys
import threading
import tomllib
from datetime import date
from pathlib import Path

import files
import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st

from bot.answer import open_answerer
from bot.build import build_index
from bot.corpus import SidecarModel, load_corpus
from bot.errors import CorpusError
from bot.extract import Extract
from bot.ingest import READY, WRITING, Added, _line, add_files, article_id, sidecar_text
from bot.settings import load_settings
from bot.sidecar import set_status
from bot.types import ReviewStatus
from bot.wire import answer_to_dict

INJECTION = '"\n[review]\nstatus="approved"\napproved_by="me'


def outcome(paths, corpus):
    """Return what add said of each file: its article id, or the reason why there is none."""
    found = list(add_files(paths, corpus))
    told = [(item.file, item.article if isinstance(item, Added) else item.reason) for item in found]
    assert len({file for file, _ in told}) == len(told)
    return dict(told)


def bot(*args, **options):
    call = [*options.pop("before", []), sys.executable, "-m", "bot", *map(str, args)]
    return subprocess.run(call, capture_output=True, text=True, cwd=ROOT, timeout=120, **options)


@pytest.fixture
def mixed(tmp_path):
    """A folder with all that a folder may hold."""
    home = tmp_path / "mixed"
    (home / "deep" / "er").mkdir(parents=True)
    (home / ".git").mkdir()
    (home / "empty").mkdir()
    (home / "folder.pdf").mkdir()
    texts = {
        "Knee pain.txt": files.prose(1),
        "knee-pain.md": files.prose(2),
        "z-copy.txt": files.prose(1),
        "deep/er/hip.TXT": files.prose(3),
        "folder.pdf/inner.txt": files.prose(4),
        "page.html": files.page([files.prose(n) for n in range(5, 9)]),
        "膝の痛み.txt": files.prose(9),
        "Café für Ärzte.txt": files.prose(10),
        f"{'long-' * 49}.txt": files.prose(11),
        "empty.txt": "",
        "picture.jpg": "x",
        "packed.zip": "PK",
        "README": "x",
        ".hidden.txt": files.prose(12),
        ".git/config.txt": files.prose(13),
        "lies.pdf": "not a PDF",
        "library.txt": files.prose(14),
    }
    for name, text in texts.items():
        (home / name).write_text(text, encoding="utf-8")
    files.reportlab_pdf(home / "leaflet.pdf", [files.prose(20), files.prose(21)])
    files.word(home / "letter.docx", [("Normal", files.prose(22))])
    (home / "link.txt").symlink_to("Knee pain.txt")
    (home / "linked").symlink_to("deep")
    (home / "gone.txt").symlink_to("nowhere")
    os.mkfifo(home / "pipe.txt")
    return home


EXPECTED = {
    "Knee pain.txt": "knee-pain$",
    "knee-pain.md": "there is an article 'knee-pain' already. Rename",
    "z-copy.txt": "holds the same text as the article 'knee-pain'",
    "deep/er/hip.TXT": "hip$",
    "folder.pdf/inner.txt": "inner$",
    "page.html": "page$",
    "膝の痛み.txt": "its name gives no id. Rename it",
    "Café für Ärzte.txt": "cafe-fur-arzte$",
    f"{'long-' * 49}.txt": ("long-" * 16)[:-1] + "$",
    "empty.txt": "is empty",
    "picture.jpg": "'.jpg' is not read. Use .docx, .htm",
    "packed.zip": "'.zip' is not read",
    "README": "'no suffix' is not read",
    ".hidden.txt": "is hidden. .*python -m bot add FILE",
    ".git": "is hidden",
    "empty": "is a folder without files",
    "lies.pdf": "is not what its suffix '.pdf' says: it seems to be plain text",
    "library.txt": "its name is that of library.toml",
    "leaflet.pdf": "leaflet$",
    "letter.docx": "letter$",
    "link.txt": "is a link",
    "linked": "is a link",
    "gone.txt": "is a link",
    "pipe.txt": "is not a regular file",
}


def test_no_entry_of_a_folder_is_passed_over_in_silence(mixed, tmp_path):
    corpus = tmp_path / "corpus"
    told = {str(file.relative_to(mixed)): says for file, says in outcome([mixed], corpus).items()}
    assert told.keys() == EXPECTED.keys()
    wrong = {name: says for name, says in told.items() if not re.match(EXPECTED[name], says)}
    assert not wrong
    articles = load_corpus(corpus)
    assert {a.source.id for a in articles} == {s for s in told.values() if re.fullmatch(r"[a-z0-9-]+", s)}
    assert {a.source.review.status for a in articles} == {ReviewStatus.REVIEW}
    assert (corpus / "leaflet.pdf").read_bytes() == (mixed / "leaflet.pdf").read_bytes()
    assert not list(corpus.glob(".*"))


def test_the_command_tells_of_every_file_and_exits_with_3(mixed, tmp_path):
    done = bot("add", mixed, "--corpus", tmp_path / "corpus")
    told = [row for row in done.stdout.splitlines() if not row.startswith(" ")]
    assert done.returncode == 3
    assert len(told) == len(EXPECTED)
    assert sum(row.startswith("refused  ") for row in told) == len(EXPECTED) - 8
    assert f"Refused: {len(EXPECTED) - 8} of {len(EXPECTED)}" in done.stderr
    assert "Next: fill in the sidecars" in done.stderr
    assert "Traceback" not in done.stderr


def test_odd_arguments_are_refused_one_by_one(tmp_path, monkeypatch):
    home, corpus = tmp_path / "home", tmp_path / "corpus"
    home.mkdir()
    good = home / "good.txt"
    good.write_text(files.prose(1))
    (home / ".note.txt").write_text(files.prose(2))
    (home / "link.txt").symlink_to(good)
    monkeypatch.chdir(home)
    paths = [home / ("x" * 300 + ".txt"), home / "none.txt", Path("../home/.note.txt"), Path("link.txt"), good]
    told = list(outcome(paths, corpus).values())
    assert "name too long" in told[0].lower()
    assert "No such file" in told[1]
    # What a person names is taken, also when it is hidden or a link.
    assert told[2:] == ["note", "link", "holds the same text as the article 'link'. Nothing was added."]
    assert {path.name for path in tmp_path.iterdir()} == {"home", "corpus"}
    assert not (corpus / "link.txt").is_symlink()


def test_names_that_would_steer_a_terminal_or_are_no_text(tmp_path):
    home = os.fsencode(tmp_path / "home")
    os.mkdir(home)
    for name, seed in ((b"\xff\xfe.txt", 1), (b"knee\x1b[2J\nadded.txt", 2), (b"a\xff.jpg", 3)):
        with open(home + b"/" + name, "w") as stream:
            stream.write(files.prose(seed))
    done = bot(
        "add", tmp_path / "home", "--corpus", tmp_path / "corpus", env={**os.environ, "PYTHONIOENCODING": "ascii"}
    )
    assert "Traceback" not in done.stderr
    assert "\x1b" not in done.stdout
    assert done.stdout.count("\n") - done.stdout.count("knee") in (2, 3)
    article = load_corpus(tmp_path / "corpus")[0]
    assert (article.source.id, article.source.title) == ("knee-2j-added", "knee [2J added")


@pytest.mark.skipif(os.geteuid() == 0 and not shutil.which("setpriv"), reason="root may read everything")
def test_unreadable_files_and_folders_are_named(tmp_path):
    home = tmp_path / "home"
    (home / "closed").mkdir(parents=True)
    for name in ("secret.txt", "open.txt", "closed/in.txt"):
        (home / name).write_text(files.prose(len(name)))
    (home / "secret.txt").chmod(0)
    (home / "closed").chmod(0)
    before = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--"] if os.geteuid() == 0 else []
    done = bot("add", home, "--corpus", tmp_path / "corpus", before=before)
    (home / "closed").chmod(0o700)
    assert done.returncode == 3
    assert re.search(r"refused  \S*/closed: cannot be read: Permission denied", done.stdout)
    assert re.search(r"refused  \S*/secret.txt: cannot be read", done.stdout)
    assert re.search(r"added    \S*/open.txt", done.stdout)


# ---- what is written


def test_what_the_file_does_not_say_is_not_guessed(tmp_path):
    source = tmp_path / "2024-05-02 Dr Miller - knees.txt"
    source.write_text(
        "Knees\n\nBy Dr Miller, Example Clinic, 2 May 2024. https://example.org/knees\n\nRest the knee.\n"
    )
    assert list(outcome([source], tmp_path / "corpus").values()) == ["2024-05-02-dr-miller-knees"]
    sidecar = tomllib.loads((tmp_path / "corpus" / "2024-05-02-dr-miller-knees.toml").read_text())
    assert sidecar.keys() == {"title", "sha256", "review"}
    assert sidecar["title"] == "2024 05 02 Dr Miller knees"
    assert sidecar["review"] == {"status": "review"}
    assert "the file states no title" in (tmp_path / "corpus" / "2024-05-02-dr-miller-knees.toml").read_text()


@pytest.mark.parametrize(
    "title", [INJECTION, "'''\"\"\"\\", "a\tb\x07c\u202ed\u200be", "[x]\r\n[[override]]", "\ue000"]
)
def test_hostile_facts_stay_inert(tmp_path, title):
    source = files.word(
        tmp_path / "a.docx",
        [("Normal", files.prose(1))],
        title=title.replace("\x07", ""),
        author=title.replace("\x07", ""),
    )
    assert outcome([source], tmp_path / "corpus") == {source: "a"}
    article = load_corpus(tmp_path / "corpus")[0]
    assert article.source.review.status is ReviewStatus.REVIEW
    assert article.source.review.approved_by is None
    assert not article.source.overrides


@pytest.mark.parametrize(
    ("url", "written"),
    [
        ("https://example.org/knee?a=1&b=%22", True),
        ("http://example.org", True),
        ("javascript:alert(1)", False),
        ("file:///etc/passwd", False),
        ("//example.org", False),
        ("data:text/html,x", False),
        ("https://example.org/a b", False),
        ("https://example.org/\u200bx", False),
        ("https://example.org/" + "x" * 500, False),
        ('https://example.org/"><script>', False),
        ("https://example.org\n[review]\nstatus='approved'", False),
    ],
)
def test_only_whole_http_addresses_are_written(url, written):
    made = sidecar_text(Extract("x", url=url), text_sha256="0" * 64, title="t", original=None, original_sha256="0" * 64)
    assert tomllib.loads(made).get("url") == (url if written else None)


@pytest.mark.parametrize(
    ("stated", "written"),
    [
        ("2024-05-02T09:30:00+00:00", "2024-05-02"),
        ("2024-05-02 09:30", "2024-05-02"),
        ("2024-05-02", "2024-05-02"),
        ("May 2024 at 9:30", "May 2024 at 9:30"),
    ],
)
def test_of_a_date_with_a_time_the_day_is_kept(stated, written):
    facts = Extract("x", published=stated)
    made = sidecar_text(facts, text_sha256="0" * 64, title="t", original=None, original_sha256="0" * 64)
    assert tomllib.loads(made)["published"] == written


@given(*[st.none() | st.text(max_size=30) | st.sampled_from([INJECTION, "x" * 501 + " y"])] * 5)
def test_any_facts_make_a_valid_sidecar(title, author, publisher, published, url):
    facts = Extract("x" * 9, (0, 5), title, author, publisher, published, url)
    name = _line(title or "") or "name"
    made = tomllib.loads(
        sidecar_text(facts, text_sha256="0" * 64, title=name, original="a.pdf", original_sha256="0" * 64)
    )
    model = SidecarModel.model_validate(made)
    assert model.review.model_dump(exclude_none=True) == {"status": ReviewStatus.REVIEW}
    assert made.keys() <= {
        "title", "author", "publisher", "published", "url", "sha256", "original", "original_sha256", "pages", "review",
    }  # fmt: skip


@given(st.text(max_size=300))
def test_an_id_is_a_slug_or_nothing(name):
    assert re.fullmatch(r"([a-z0-9]+(-[a-z0-9]+)*)?", article_id(name))
    assert len(article_id(name)) <= 80


def test_a_twin_of_an_original_is_refused_too(tmp_path):
    pdf = files.reportlab_pdf(tmp_path / "one.pdf", [files.prose(1)])
    assert outcome([pdf], tmp_path / "corpus") == {pdf: "one"}
    same = shutil.copy(pdf, tmp_path / "two.pdf")
    text = shutil.copy(tmp_path / "corpus" / "one.txt", tmp_path / "three.txt")
    told = outcome([Path(same), Path(text), tmp_path / "corpus" / "one.txt"], tmp_path / "corpus")
    assert set(told.values()) == {"holds the same text as the article 'one'. Nothing was added."}


def test_a_new_library_begins_with_its_title_alone(tmp_path):
    corpus, source = tmp_path / "corpus", tmp_path / "knee.txt"
    corpus.mkdir()
    (corpus / "library.toml").write_text('title = "Mine"\n')
    source.write_text(files.prose(1))
    assert outcome([source], corpus) == {source: "knee"}


def test_a_corpus_that_is_wrong_is_named_before_anything_is_written(tmp_path):
    corpus, source = tmp_path / "corpus", tmp_path / "knee.txt"
    source.write_text(files.prose(1))
    corpus.mkdir()
    (corpus / "lonely.txt").write_text("x")
    with pytest.raises(CorpusError, match=r"lonely.txt has no sidecar"):
        outcome([source], corpus)
    assert [path.name for path in corpus.iterdir()] == ["lonely.txt"]
    with pytest.raises(CorpusError, match="cannot be made.*BOT_CORPUS"):
        outcome([source], source)


# ---- killed, full, at once

KILLED = """
import os, signal, sys
from pathlib import Path
from bot.extract import extract
from bot.ingest import _add
page, home, step = Path(sys.argv[1]), Path(sys.argv[2]), 0
def hook(event, args):
    global left
    if event in ("os.rename", "os.mkdir", "os.remove", "os.rmdir") or event == "open" and "w" in str(args[1]):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
text, status = extract(page), -9
while status:
    step += 1
    corpus = home / str(step)
    corpus.mkdir()
    (corpus / "library.toml").write_text("title = 'Mine'")
    child = os.fork()
    if not child:
        left = step
        sys.addaudithook(hook)
        _add(page, text, corpus, {})
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(status)
"""


def test_a_kill_at_any_step_leaves_what_the_next_add_mends(tmp_path):
    """A process is killed before its first, second, ... change of the disk, until one gets to its end."""
    page, home = tmp_path / "page.html", tmp_path / "home"
    page.write_text(files.page([files.prose(n) for n in range(4)]))
    home.mkdir()
    call = [sys.executable, "-c", KILLED, page, home]
    done = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, timeout=60)
    ends = [int(status) for status in done.stdout.split()]
    assert len(ends) > 9, done.stderr
    assert ends == [-9] * (len(ends) - 1) + [0]
    states = set()
    for step in range(1, len(ends) + 1):
        corpus = home / str(step)
        try:
            states.add(len(load_corpus(corpus, may_be_empty=True)))
        except CorpusError as error:
            states.add(str(error)[-45:])
        list(add_files([], corpus))
        left = load_corpus(corpus, may_be_empty=True)
        assert not list(corpus.glob(".*"))
        if step % 4 == 0:
            told = outcome([page], corpus)[page]
            assert told == ("holds the same text as the article 'page'. Nothing was added." if left else "page")
            left = load_corpus(corpus)
        assert [a.source.original for a in left] in ([], ["page.html"])
    assert states == {0, 1, "If an add was stopped half-way, run it again."}


FULL = """
import resource, signal, sys
from pathlib import Path
from bot.ingest import add_files
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
list(add_files([Path(sys.argv[1])], Path(sys.argv[2])))
"""


def test_mending_takes_nothing_of_a_persons_away(tmp_path):
    corpus, source = tmp_path / "corpus", tmp_path / "other.txt"
    (corpus / READY).mkdir(parents=True)
    (corpus / WRITING).mkdir()
    (corpus / WRITING / "half.txt").write_text("half")
    for name in ("knee.txt", "knee.toml"):
        (corpus / READY / name).write_text("from the killed run")
    text = b"Rest the joint."
    (corpus / "knee.txt").write_bytes(text)
    (corpus / "knee.toml").write_text(
        f'title = "By hand"\nsha256 = "{hashlib.sha256(text).hexdigest()}"\n[review]\nstatus = "review"\n'
    )
    source.write_text(files.prose(1))
    assert outcome([source], corpus) == {source: "other"}
    assert [a.source.title for a in load_corpus(corpus)] == ["By hand", "other"]


def test_a_new_sidecar_says_how_it_is_approved(tmp_path):
    corpus, source = tmp_path / "corpus", tmp_path / "knee.txt"
    source.write_text(files.prose(1))
    assert outcome([source], corpus) == {source: "knee"}
    sidecar = corpus / "knee.toml"
    written = sidecar.read_text("utf-8")
    hint = " ".join(re.findall(r"^# (.*)$", written[written.index("# To quote it") :], re.M))
    told = "\n".join(re.findall(r'\w+ = (?:"[^"]*"|[\d-]+)', hint))
    sidecar.write_text(written.replace('status = "review"', told), encoding="utf-8")
    review = load_corpus(corpus)[0].source.review
    assert (review.status, review.approved_on, review.reviewer) == (ReviewStatus.APPROVED, date(2026, 1, 31), "...")


def test_a_full_disk_is_a_clear_error_and_nothing_is_left(tmp_path):
    corpus, source = tmp_path / "corpus", tmp_path / "knee.txt"
    source.write_text(files.prose(1) * 100)
    call = [sys.executable, "-c", FULL, source, corpus]
    done = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert "CorpusError: The article cannot be written into" in done.stderr
    assert not list(corpus.iterdir())


def test_two_adds_at_once_take_each_text_once(tmp_path):
    homes, corpus = [tmp_path / "a", tmp_path / "b"], tmp_path / "corpus"
    for home in homes:
        home.mkdir()
        for number in range(15):
            (home / f"{home.name}-{number}.txt").write_text(files.prose(number))  # the same texts in both
            (home / f"name-{number}.txt").write_text(files.prose(100 + number) + home.name)  # the same names in both
    call = [sys.executable, "-m", "bot", "add", "--corpus", str(corpus)]
    runs = [subprocess.Popen([*call, home], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT) for home in homes]
    told = b"".join(part for run in runs for part in run.communicate(timeout=120)).decode()
    assert "Traceback" not in told
    articles = load_corpus(corpus)
    assert len(articles) == 30
    assert len({article.text for article in articles}) == 30
    assert (told.count("added    "), told.count("holds the same text"), told.count("article 'name-")) == (30, 15, 15)
    assert not list(corpus.glob(".*"))


# ---- from a PDF to an answer that names its page

PAGES = [
    "Your visit to the clinic begins at the desk on the ground floor. Bring your insurance card and a list of tablets.",
    "The doctor looks at your knee and bends it slowly. An X-ray of the knee takes about ten minutes in the next room.",
    "Parking for patients costs four dollars in the garage behind the clinic. The garage closes at eight at night.",
]


def lined(words):
    """Return ``words`` as lines drawn one below the other."""
    parts, rows = words.split(), []
    for start in range(0, len(parts), 9):
        rows.append((72.0, 700.0 - 14 * len(rows), " ".join(parts[start : start + 9])))
    return rows


@pytest.fixture(scope="module")
def paged(built, tmp_path_factory):
    """Settings of a library made of one real PDF of three pages, added, approved and indexed."""
    home = tmp_path_factory.mktemp("paged")
    pdf = files.drawn_pdf(home / "Your visit.pdf", [lined(page) for page in PAGES])
    assert outcome([pdf], home / "corpus") == {pdf: "your-visit"}
    set_status(home / "corpus", "your-visit", ReviewStatus.APPROVED, by="a test", on=date(2026, 1, 1))
    earlier = next(built.index.glob("*/manifest.json")).parent
    shutil.copytree(earlier, home / "index" / earlier.name, copy_function=os.link)
    found = load_settings(corpus=home / "corpus", index=home / "index")
    build_index(found)
    return found.model_copy(update={"answer_threshold": 0.0})  # which page is shown, not whether one is


ASKED = {1: "what should i bring with me", 2: "how long does the x-ray take", 3: "how much is parking for patients"}


@pytest.fixture(scope="module")
def asked(paged):
    return open_answerer(paged).answer


@pytest.mark.parametrize("page", ASKED)
def test_a_quote_names_the_page_of_its_pdf(asked, page):
    answer = asked(ASKED[page]).answer
    quote = answer.quotes[0]
    assert quote.page == page
    assert quote.text in PAGES[page - 1]
    assert answer_to_dict(answer)["quotes"][0]["page"] == page


@pytest.mark.browser
def test_the_page_is_in_the_api_and_on_the_web_page(paged, open_page):
    import httpx
    from web import serving

    with serving(open_answerer(paged)) as address:
        answer = httpx.post(f"{address}/api/ask", json={"question": ASKED[3]}, timeout=30).json()
        assert answer["quotes"][0]["page"] == 3
        tab = open_page(address)
        tab.fill("#question textarea, #question input", ASKED[3])
        tab.keyboard.press("Enter")
        tab.wait_for_selector("#log .answer .quote", timeout=20_000)
        assert "page 3" in tab.locator("#log .answer .quote").first.text_content()
        tab.goto("about:blank")  # an open page would keep the server from ending


# ---- nothing is fetched


def test_an_address_in_a_file_is_never_asked_for(tmp_path):
    """A server listens where every address of the file leads; nobody knocks while it is added and looked over."""
    knocks = []

    class Listener(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            knocks.append(self.path)
            self.send_error(404)

        do_POST = do_HEAD = do_GET

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Listener) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        trap = f"http://127.0.0.1:{server.server_port}"
        page = files.page([files.prose(n) for n in range(4)])
        head = (
            f'<base href="{trap}/base"><link rel="canonical" href="{trap}/l"><link rel="stylesheet" href="{trap}/c">'
            f'<meta http-equiv="refresh" content="0;url={trap}/refresh"><script src="{trap}/s"></script>'
        )
        body = f'<img src="{trap}/i"><iframe src="{trap}/f"></iframe><object data="{trap}/o"></object>'
        page = page.replace("https://example.org/knee", f"{trap}/og").replace("<head>", "<head>" + head)
        page = f'<!DOCTYPE html SYSTEM "{trap}/dtd" [<!ENTITY x SYSTEM "{trap}/entity">]>' + page.replace(
            "<article>", "<article>" + body
        ).removeprefix("<!doctype html>")
        (tmp_path / "page.html").write_text(page)
        word = files.word(tmp_path / "word.docx", [("Normal", files.prose(9))])
        files.reworded(word, lambda xml: xml.replace("?>", f'?><!DOCTYPE x SYSTEM "{trap}/docx">', 1))
        added = bot("add", tmp_path / "page.html", word, "--corpus", tmp_path / "corpus")
        looked = bot("lint", "--corpus", tmp_path / "corpus")
        server.shutdown()
        thread.join()
    assert "page.toml" in added.stdout
    assert f'url = "{trap}/og"' in (tmp_path / "corpus" / "page.toml").read_text()
    assert "page:" in looked.stdout + looked.stderr
    assert knocks == []


FETCHERS = {
    "urllib.request",
    "http.client",
    "requests",
    "httpx",
    "aiohttp",
    "urllib3",
    "ftplib",
    "smtplib",
    "telnetlib",
}


def test_no_module_can_open_an_address():
    for path in (ROOT / "bot").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            where = [node.module or ""] if isinstance(node, ast.ImportFrom) else names
            assert not FETCHERS & {*where, *(f"{w}.{n}" for w in where for n in names)}, path
            assert not {"fetch_url", "fetch_response", "urlopen", "create_connection"} & set(names), path
