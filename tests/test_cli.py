"""The command line as a user runs it: real processes, exit codes, JSON, batches, one-line errors."""

import json
import subprocess
import sys

import pytest
from conftest import ROOT


def bot(*args, timeout=120, **options):
    call = [sys.executable, "-m", "bot", *map(str, args)]
    return subprocess.run(call, capture_output=True, text=True, cwd=ROOT, timeout=timeout, **options)


@pytest.fixture(scope="module")
def at(built):
    return ("--index", built.index)


def test_ask_prints_quotes_with_source_and_disclaimer(at):
    done = bot("ask", "what are the side effects", *at)
    assert done.returncode == 0, done.stderr
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
    from conftest import write_article

    write_article(tmp_path / "corpus", "other", "Rest the joint for two days.")
    done = bot("check", "--corpus", tmp_path / "corpus", *at)
    assert done.returncode == 3
    assert "python -m bot index" in done.stderr


def test_check_verbose_lists_every_decision(at, built):
    done = bot("check", "--verbose", "--corpus", built.corpus, *at)
    assert "promotion by" in done.stdout
    assert "withheld by override" in done.stdout


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
