"""The command line as a user runs it: real processes, exit codes, JSON, batches, one-line errors."""

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys

import pytest
from conftest import ROOT, write_article

from bot.network import LARGE


def bot(*args, timeout=120, **options):
    call = [sys.executable, "-m", "bot", *map(str, args)]
    return subprocess.run(call, capture_output=True, text=True, cwd=ROOT, timeout=timeout, **options)


@pytest.fixture(scope="module")
def at(built):
    return ("--index", built.index)


def test_ask_prints_quotes_with_source_and_disclaimer(at):
    done = bot("ask", "what are the side effects", *at)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # no library reports what it does
    assert "[1] “" in done.stdout
    assert "date not given" in done.stdout
    assert "consult your physician" in done.stdout


def test_ask_json_is_the_answer_format(at):
    answer = json.loads(bot("ask", "what are the side effects", "--json", *at).stdout)
    assert answer["status"] == "answered"
    quote = answer["quotes"][0]
    assert {"text", "article", "start", "end", "page", "highlights", "role", "source", "score"} == set(quote)
    assert {"title", "publisher", "author", "published", "url", "sells_treatment"} == set(quote["source"])


def test_a_question_nothing_answers_exits_with_1(at):
    done = bot("ask", "who won the chess world cup in 1987", *at)
    assert done.returncode == 1
    assert "consult your physician" in done.stdout


def test_follow_up_by_turn(at):
    trace = json.loads(bot("ask", "how long do they last", "--turn", "side effects?", "--json", "--trace", *at).stdout)
    assert "side effects" in trace["query"]


def test_search_shows_scores_and_reasons(at):
    done = bot("search", "side effects", "--limit", "40", *at)
    assert done.returncode == 0, done.stderr
    assert all(word in done.stdout for word in ("bm25", "late", "screening" if False else "searched for"))
    trace = json.loads(bot("search", "side effects", "--json", *at).stdout)
    assert trace["hits"][0]["fused"] >= trace["hits"][-1]["fused"]


def test_search_retrieves_nothing_for_an_urgent_message(at):
    done = bot("search", "my chest hurts and i cant breathe", *at)
    assert "searched for: (nothing)" in done.stdout


def test_batch_answers_every_line(at, tmp_path):
    lines = [{"id": "a", "question": "what are the side effects"}, {"id": "b", "message": "I cant breathe"}]
    lines.append({"id": "c", "question": "how long do they last\u2028", "turns": ["what are the side effects"]})
    (tmp_path / "in.jsonl").write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines) + "\n\n")
    done = bot("ask", "--batch", tmp_path / "in.jsonl", "--out", tmp_path / "out.jsonl", *at)
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().split("\n") if line]
    assert [a["id"] for a in answers] == ["a", "b", "c"]
    assert [a["status"] for a in answers][:2] == ["answered", "urgent"]


@pytest.mark.parametrize(
    ("text", "where"), [('{"id": "a"}', ":1:"), ('{"id": "a", "question": "x"}\nnot json', ":2:"), ("[]", ":1:")]
)
def test_a_broken_batch_names_its_line_and_writes_nothing(at, tmp_path, text, where):
    (tmp_path / "in.jsonl").write_text(text)
    done = bot("ask", "--batch", tmp_path / "in.jsonl", "--out", tmp_path / "out.jsonl", *at)
    assert done.returncode == 2
    assert where in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.parametrize(
    "call", [["ask"], ["ask", "x", "--batch", "y"], ["ask", "--batch", "x"], ["ask", "--nonsense"], ["x"]]
)
def test_a_wrong_call_exits_with_2(call):
    done = bot(*call)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_missing_index_and_wrong_setting_are_one_line(tmp_path):
    done = bot("ask", "x", "--index", tmp_path / "none")
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1
    assert "Run: python -m bot index" in done.stderr


def test_missing_corpus_is_one_line(tmp_path):
    done = bot("index", "--corpus", tmp_path / "none", "--index", tmp_path / "index")
    assert done.returncode == 3
    assert "none" in done.stderr
    assert "Traceback" not in done.stderr


def test_check_says_sound_or_what_to_run(at, built, tmp_path):
    done = bot("check", "--corpus", built.corpus, *at)
    assert (done.returncode, "Sound:" in done.stdout) == (0, True), done.stderr
    write_article(tmp_path / "corpus", "other", "Rest the joint for two days.")
    done = bot("check", "--corpus", tmp_path / "corpus", *at)
    assert done.returncode == 3
    assert "python -m bot index" in done.stderr


def test_check_verbose_lists_every_decision(at, built):
    done = bot("check", "--verbose", "--corpus", built.corpus, *at)
    assert "promotion (" in done.stdout
    assert "withheld (override)" in done.stdout


def test_sources_lists_every_article(at, answerer):
    done = bot("sources", *at)
    assert all(a.source.title in done.stdout for a in answerer.library.articles.values())
    assert "not given" in done.stdout
    listed = json.loads(bot("sources", "--json", *at).stdout)
    assert {s["id"] for s in listed} == set(answerer.library.articles)


def test_help_teaches_every_command():
    text = bot("--help").stdout
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for command in ("ask", "search", "index", "check", "sources", "serve"):
        assert command in text
        assert f"python -m bot {command}" in readme
        assert len(bot(command, "--help").stdout) > 150


def test_a_closed_pipe_is_no_fault(at):
    call = f"{sys.executable} -m bot search 'side effects' --limit 1000 --index {at[1]} | head -1"
    done = subprocess.run(["bash", "-c", call], capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert "Traceback" not in done.stderr


# ---- the commands that keep the library, each as a newcomer would run it

COMMANDS = [
    ["ask"], ["search"], ["index"], ["check"], ["add"], ["lint"], ["sources"], ["serve"],
    *(["snapshots", name] for name in ("list", "show", "diff", "rollback", "prune", "log")),
    *(["staff", name] for name in ("add", "remove", "list")),
]  # fmt: skip


def copied(built, home):
    shutil.copytree(ROOT / "corpus", home / "corpus")
    shutil.copytree(built.index, home / "index", copy_function=os.link)
    return home


@pytest.fixture(scope="module")
def kept(built, tmp_path_factory):
    """Options that name a corpus and an index of our own; the index begins as a copy of the built one."""
    return copied(built, tmp_path_factory.mktemp("kept"))


@pytest.fixture
def mine(built, tmp_path):
    """The same for a test that leaves something wrong behind."""
    return copied(built, tmp_path)


def test_a_large_model_that_is_there_is_not_made_again():
    if not LARGE.exists():
        pytest.skip("the large evidence model was not made: python -m bot large")
    before = (LARGE / "large.onnx").stat().st_mtime_ns
    assert "is there" in bot("large").stdout
    assert (LARGE / "large.onnx").stat().st_mtime_ns == before


def test_every_help_says_what_it_does_and_how():
    from typer.testing import CliRunner

    from bot.cli import cli

    for command in COMMANDS:
        shown = CliRunner().invoke(cli, [*command, "--help"])
        assert shown.exit_code == 0
        assert len(shown.output) > 150, command
        assert ("Example" in shown.output) or command[-1] in {"search", "sources", "serve", "list", "log"}, command
    for group in ("snapshots", "staff"):
        assert all(c[1] in CliRunner().invoke(cli, [group]).output for c in COMMANDS if c[0] == group)


def test_a_file_goes_all_the_way_to_an_answer_and_back(kept, tmp_path):
    """add, lint, index --dry-run, index, check, snapshots list/show/diff/rollback/log/prune: one story."""
    corpus, index = ("--corpus", kept / "corpus"), ("--index", kept / "index")
    first = (kept / "index" / "current").read_text().strip()
    leaflet = tmp_path / "Parking.txt"
    leaflet.write_text(
        "Parking at the clinic.\n\nParking for patients costs four dollars in the garage behind the clinic."
    )
    done = bot("add", leaflet, *corpus)
    assert (done.returncode, "added" in done.stdout) == (0, True), done.stderr
    assert "Next: " in done.stderr
    done = bot("add", leaflet, *corpus)
    assert (done.returncode, "same text as the article 'parking'" in done.stdout) == (3, True)
    looked = bot("lint", "parking", *corpus)
    assert "parking:" in looked.stdout
    assert all(row.split()[1].startswith("parking:") for row in looked.stdout.splitlines() if row[0] != " ")
    assert {f["article"] for f in json.loads(bot("lint", "parking", "--json", *corpus).stdout)} == {"parking"}
    dry = bot("index", "--dry-run", *corpus, *index)
    assert (dry.returncode, "added: parking" in dry.stdout, "dry run" in dry.stdout) == (0, True, True), dry.stderr
    assert (kept / "index" / "current").read_text().strip() == first
    assert bot("check", *corpus, *index).returncode == 3
    done = bot("index", "--by", "Jane", "--why", "a leaflet", *corpus, *index)
    assert (done.returncode, "Built: snapshot" in done.stdout) == (0, True), done.stdout + done.stderr
    second = (kept / "index" / "current").read_text().strip()
    assert "Sound:" in bot("check", *corpus, *index).stdout
    listed = bot("snapshots", "list", *index).stdout
    assert f"* {second}" in listed
    assert "No snapshots in 'nowhere' yet" in bot("snapshots", "list", "--index", "nowhere").stderr
    assert "Jane  a leaflet" in listed
    assert first in {one["id"] for one in json.loads(bot("snapshots", "list", "--json", *index).stdout)}
    assert json.loads(bot("snapshots", "show", second[:6], *index).stdout)["why"] == "a leaflet"
    assert "added: parking" in bot("snapshots", "diff", first, second, *index).stdout
    done = bot("snapshots", "rollback", "--by", "Joe", "--why", "too soon", *index)
    assert (done.returncode, first in done.stdout) == (0, True), done.stderr
    told = bot("snapshots", "log", *index).stdout.splitlines()
    assert ("rolled back" in told[0], "Joe  too soon" in told[0], "published" in told[1]) == (True, True, True)
    done = bot("snapshots", "prune", "--keep", "1", *index)
    assert (done.returncode, second in done.stdout) == (0, True), done.stderr
    assert f"* {first}" in bot("snapshots", "list", *index).stdout
    done = bot("snapshots", "rollback", *index)
    assert (done.returncode, f"{second}, was pruned" in done.stderr) == (3, True)


def test_a_dry_run_that_would_be_blocked_says_so_with_its_exit_code(mine):
    write_article(mine / "corpus", "claim", "This treatment has no side effects and cures arthritis.", title="Claim")
    done = bot("index", "--dry-run", "--corpus", mine / "corpus", "--index", mine / "index")
    assert (done.returncode, "Stands in the way: claim" in done.stdout) == (3, True), done.stderr
    assert "would not be published" in done.stderr


def test_check_names_questions_about_words_that_are_gone(mine):
    article = next((mine / "corpus").glob("*.txt")).stem
    lost = [("a", article, "words that nobody wrote"), ("b", "nobody", "Rest")]
    lines = [
        json.dumps({"id": name, "question": "how long", "must_not": [{"article": about, "words": words}]})
        for name, about, words in lost
    ]
    (mine / "corpus" / "questions.jsonl").write_text("\n".join(lines))
    told = bot("check", "--corpus", mine / "corpus", "--index", mine / "index").stdout
    assert f"'a': {article} does not hold 'words that nobody wrote'" in told
    assert "'b': there is no article 'nobody'" in told
    plan = bot("index", "--dry-run", "--force", "--corpus", mine / "corpus", "--index", mine / "index").stdout
    assert "Look at question 'a'" in plan
    (mine / "corpus" / "questions.jsonl").write_text("{")
    done = bot("check", "--corpus", mine / "corpus", "--index", mine / "index")
    assert (done.returncode, "questions.jsonl:1" in done.stderr) == (3, True)


def test_an_interrupted_index_says_what_is_kept(mine):
    words = " ".join(f"Walk {n} steps on day {n} after the operation." for n in range(3000))
    write_article(mine / "corpus", "steps", words, title="Steps")
    order = [sys.executable, "-m", "bot", "index", "--corpus", mine / "corpus", "--index", mine / "index"]
    with subprocess.Popen(order, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        while not (mine / "index" / ".lock-holder").exists():
            assert run.poll() is None
        run.send_signal(signal.SIGINT)
        told = "".join(run.communicate(timeout=60))
    assert (run.returncode, "Stopped. What was encoded is kept" in told, "Traceback" in told) == (130, True, False), (
        told
    )


def test_a_command_interrupted_while_it_starts_ends_in_one_word(mine):
    order = [sys.executable, "-X", "importtime", "-m", "bot", "index", "--corpus", mine / "corpus"]
    with subprocess.Popen(order, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as run:
        for line in run.stderr:
            if "pydantic" in line:  # its own libraries are being imported
                run.send_signal(signal.SIGINT)
                break
        told = [line for line in run.stderr if not line.startswith("import time:")]
    assert (run.returncode, told) == (130, ["Stopped.\n"])


def test_staff_accounts_by_pipe(tmp_path):
    data = ("--data", tmp_path / "data")
    assert "python -m bot staff add" in bot("staff", "list", *data).stderr
    assert "Added jane" in bot("staff", "add", "Jane", *data, input="a long enough one\n").stdout
    assert "New password for jane" in bot("staff", "add", "jane", *data, input="another long enough one").stdout
    assert bot("staff", "list", *data).stdout == "jane\n"
    assert "Removed jane" in bot("staff", "remove", "jane", *data).stdout
    done = bot("staff", "remove", "jane", *data)
    assert (done.returncode, "There is no account 'jane'" in done.stderr) == (3, True)


@pytest.mark.parametrize(
    "password", [b"", b"short\n", b"\xff\xfe not text at all\n", b"a long enough one\r\n", b"a\0b" * 9]
)
def test_a_password_that_cannot_be_is_one_line(tmp_path, password):
    call = [sys.executable, "-m", "bot", "staff", "add", "jane", "--data", tmp_path / "data"]
    done = subprocess.run(call, input=password, capture_output=True, cwd=ROOT, timeout=60)
    assert done.returncode == 3
    assert b"A password " in done.stderr
    assert b"Traceback" not in done.stderr


BAD_CALLS = [
    (["add"], 2, "Missing argument"),
    (["add", "none.txt"], 3, "No such file"),
    (["add", "x" * 300], 3, "File name too long"),
    (["add", "README.md", "--corpus", "{file}"], 3, "cannot be made"),
    (["add", "README.md", "--corpus", "{file}/inner"], 3, "cannot be made"),
    (["lint", "--corpus", "{none}"], 3, "cannot be read"),
    (["lint", "\udcff"], 3, "There is no article"),
    (["lint", "../corpus"], 3, "There is no article"),
    (["index", "--accept", "because"], 2, "--by NAME"),
    (["index", "--accept", " ", "--by", " "], 2, "--by NAME"),
    (["index", "--watch", "--dry-run"], 2, "--watch"),
    (["index", "--watch", "--corpus", "{none}"], 3, "There is no corpus folder"),
    (["index", "--wait", "-1"], 2, "--wait"),
    (["index", "--dry-run", "--corpus", "{none}", "--index", "{index}"], 3, "cannot be read"),
    (["snapshots", "show", "none", "--index", "{none}"], 3, "There is no snapshot 'none'"),
    (["snapshots", "show", "../..", "--index", "{none}"], 3, "There is no snapshot"),
    (["snapshots", "show", "", "--index", "{none}"], 3, "There is no snapshot"),
    (["snapshots", "diff", "one", "other", "--index", "{none}"], 3, "There is no snapshot 'one'"),
    (["snapshots", "diff", "one"], 2, "'other'"),
    (["snapshots", "rollback", "--index", "{index}"], 3, "python -m bot snapshots list"),
    (["snapshots", "prune", "--keep", "0"], 2, "--keep"),
    (["snapshots", "prune", "--index", "{file}"], 3, "cannot be made"),
    (["snapshots", "list", "--index", "{none}"], 0, "Run: python -m bot index"),
    (["snapshots", "log", "--index", "{none}"], 0, "Run: python -m bot index"),
    (["staff", "add", "../x"], 3, "cannot be a name"),
    (["staff", "add"], 2, "Missing argument"),
    (["staff", "remove", "nobody", "--data", "{file}"], 3, "Check BOT_DATA|cannot be|can be read"),
    (["check", "--index", "{none}"], 3, "python -m bot index"),
    (["ask", "\udcff\udcfe", "--index", "{none}"], 3, "python -m bot index"),
    (["ask", "--batch", "{none}", "--out", "{file}", "--index", "{none}"], 3, "python -m bot index"),
]


@pytest.mark.parametrize(("call", "code", "says"), BAD_CALLS, ids=range(len(BAD_CALLS)))
def test_no_mistake_ends_in_a_traceback(tmp_path, monkeypatch, capsys, call, code, says):
    """In this process, as there are many: an error that ``main`` does not know would be raised here."""
    from bot.cli import main

    (tmp_path / "file").write_text("x")
    places = {name: str(tmp_path / name) for name in ("file", "none", "index")}
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "argv", ["bot", *(part.format(**places) for part in call)])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a long enough one")))
    with pytest.raises(SystemExit) as end:
        main()
    told = "".join(capsys.readouterr())
    assert end.value.code == code, told
    assert re.search(says, told), told


def test_words_are_printed_as_they_are(capsys):
    from bot.cli.shell import line, note

    words = "[b]Take :pill:\twith [/] water[0]\\[x] {x} 5\u00a0mg 🙂\r\nthen \x1b[2J\x07 rest."
    line(words)
    note("[red]:pill: \x1b]0;x\x07")
    shown = capsys.readouterr()
    assert shown.out == words.replace("\x1b", "\\x1b").replace("\x07", "\\x07") + "\n"
    assert shown.err == "[red]:pill: \\x1b]0;x\\x07\n"


def test_watch_indexes_at_once_and_after_a_change(kept):
    call = [sys.executable, "-m", "bot", "index", "--watch", "--corpus", kept / "corpus", "--index", kept / "index"]
    with subprocess.Popen(call, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watcher:
        try:
            first = watcher.stdout.readline()
            while "snapshot" not in first:
                first = watcher.stdout.readline()
            write_article(kept / "corpus", "stairs", "Take the stairs one step at a time after knee surgery.")
            second = watcher.stdout.readline()
            while "snapshot" not in second:
                second += watcher.stdout.readline()
        finally:
            watcher.send_signal(signal.SIGINT)
            rest = watcher.communicate(timeout=30)
    assert "added: stairs" in second
    assert "Traceback" not in "".join(rest)
