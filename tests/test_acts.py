"""Every act has a name, is written down, and can be undone byte for byte."""

import json
import logging
import stat
import threading
from datetime import date

import pytest
from conftest import write_article

from bot.acts import Acts
from bot.corpus import load_corpus
from bot.errors import CorpusError
from bot.sidecar import set_status, withhold
from bot.types import ReviewStatus

TEXT = "Rest the joint. Then move it. Größe 🙂."


@pytest.fixture
def corpus(tmp_path):
    write_article(tmp_path / "corpus", "knee", TEXT)
    return tmp_path / "corpus"


@pytest.fixture
def acts(corpus):
    return Acts(corpus.parent / "data" / "acts.jsonl", corpus)


def hold(acts, corpus, words="Rest the joint.", by="jane"):
    return acts.perform(
        by, f"withheld: {words}", ["knee.toml"], lambda: withhold(corpus, "knee", words, reason="r", by=by)
    )


def approve(acts, corpus, by="jane"):
    change = lambda: set_status(corpus, "knee", ReviewStatus.WITHDRAWN, by=by, on=date(2026, 5, 2))  # noqa: E731
    return acts.perform(by, "withdrawn", ["knee.toml"], change)


@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
def test_undo_restores_every_byte(corpus, acts, ends):
    path = corpus / "knee.toml"
    path.write_bytes(path.read_bytes().replace(b"\n", ends) + "# Ä 🙂 \u2028 end".encode())
    before = path.read_bytes()
    act = hold(acts, corpus)
    changed = path.read_bytes()
    assert changed != before
    back = acts.undo(act.number, by="joe")
    assert path.read_bytes() == before
    again = acts.undo(back.number, by="jane")
    assert path.read_bytes() == changed
    assert [(a.number, a.by, a.what) for a in acts.latest()] == [
        (3, "jane", "undid 2: undid 1: withheld: Rest the joint."),
        (2, "joe", "undid 1: withheld: Rest the joint."),
        (1, "jane", "withheld: Rest the joint."),
    ]
    assert again.number == 3
    assert [state for _, state in acts.states()] == ["yes", "no: act 3 changed it since", "yes"]
    path.write_bytes(before)
    assert acts.states()[0][1] == "no: its file was changed since"
    path.write_bytes(b"\xff")
    assert acts.states()[0][1] == "no: its file cannot be read"


def test_a_file_that_came_is_gone_and_one_that_went_is_back(corpus, acts):
    path = corpus / "questions.jsonl"
    made = acts.perform("jane", "made", [path.name], lambda: path.write_bytes(b"{}\r\n"))
    gone = acts.perform("jane", "gone", [path.name], path.unlink)
    acts.undo(gone.number, by="jane")
    assert path.read_bytes() == b"{}\r\n"
    with pytest.raises(CorpusError, match="There is no act 99"):
        acts.undo(99, by="jane")
    acts.undo(made.number, by="jane")
    assert not path.exists()


def test_undo_is_refused_when_the_file_changed_since(corpus, acts):
    act = hold(acts, corpus)
    with (corpus / "knee.toml").open("a") as stream:
        stream.write("# by hand\n")
    before = (corpus / "knee.toml").read_bytes()
    with pytest.raises(CorpusError, match=r"knee.toml was changed after act 1. Undo the later acts first"):
        acts.undo(act.number, by="jane")
    assert (corpus / "knee.toml").read_bytes() == before
    assert len(acts.latest()) == 1


def test_undo_that_would_break_the_corpus_is_refused(corpus, acts):
    act = hold(acts, corpus)
    before = (corpus / "knee.toml").read_bytes()
    (corpus / "knee.txt").write_text("Other words.")
    with pytest.raises(CorpusError, match=r"knee.txt is not the article"):
        acts.undo(act.number, by="jane")
    assert (corpus / "knee.toml").read_bytes() == before
    assert len(acts.latest()) == 1


@pytest.mark.parametrize("by", ["", "  "])
def test_no_act_without_a_name(corpus, acts, by):
    before = (corpus / "knee.toml").read_bytes()
    with pytest.raises(CorpusError, match="needs the name"):
        acts.perform(by, "x", ["knee.toml"], lambda: withhold(corpus, "knee", "Then move it.", reason="r", by="b"))
    assert (corpus / "knee.toml").read_bytes() == before


def test_a_change_that_fails_is_not_written_down(corpus, acts):
    before = (corpus / "knee.toml").read_bytes()
    with pytest.raises(CorpusError, match="occur 0 times"):
        hold(acts, corpus, "Never said.")

    def half():
        (corpus / "knee.toml").write_text("half")
        raise CorpusError("in the middle")

    with pytest.raises(CorpusError, match="in the middle"):
        acts.perform("jane", "half", ["knee.toml"], half)
    assert (corpus / "knee.toml").read_bytes() == before
    assert acts.latest() == []


def test_what_cannot_be_written_down_is_not_done(corpus, tmp_path):
    before = (corpus / "knee.toml").read_bytes()
    (tmp_path / "file").write_text("x")
    open_to_all = tmp_path / "tmp"
    open_to_all.mkdir()
    open_to_all.chmod(0o1777)
    (tmp_path / "folder" / "acts.jsonl").mkdir(parents=True)
    for home in ("file", "tmp", "folder"):
        with pytest.raises(CorpusError, match=r"Nothing was done|cannot be read"):
            hold(Acts(tmp_path / home / "acts.jsonl", corpus), corpus)
        assert (corpus / "knee.toml").read_bytes() == before


def test_the_record_is_private(corpus, acts):
    hold(acts, corpus)
    record = corpus.parent / "data" / "acts.jsonl"
    assert stat.S_IMODE(record.stat().st_mode) == 0o600
    assert stat.S_IMODE(record.parent.stat().st_mode) == 0o700


DAMAGE = [
    b"not json",
    b"{}",
    b"[]",
    b"\xff\xfe\x00",
    b'{"number": 1, "at": "x", "by": "y", "what": "z", "files": {"knee.toml": ["only one"]}}',
    b'{"number": "many", "at": "x", "by": "y", "what": "z", "files": {}}',
    b'{"number": 5, "at": "x", "by"',
    b"[" * 100_000,
]


@pytest.mark.parametrize("damage", DAMAGE, ids=range(len(DAMAGE)))
@pytest.mark.parametrize("ended", [b"\n", b""], ids=["whole line", "cut short"])
def test_a_damaged_line_costs_that_line_only(corpus, acts, caplog, damage, ended):
    before = (corpus / "knee.toml").read_bytes()
    first = hold(acts, corpus)
    with (corpus.parent / "data" / "acts.jsonl").open("ab") as stream:
        stream.write(damage + ended)
    with caplog.at_level(logging.WARNING):
        second = approve(acts, corpus)
    assert "acts.jsonl:2 is damaged" in caplog.text
    assert [act.number for act in acts.latest()] == [second.number, first.number]
    acts.undo(second.number, by="jane")
    acts.undo(first.number, by="jane")
    assert (corpus / "knee.toml").read_bytes() == before
    assert len(caplog.text.splitlines()) == 1


@pytest.mark.parametrize("name", ["../outside", "/etc/hostname", "a/b", "", ".", "..", "x" * 300, "a\0", ".hidden"])
def test_a_name_in_the_record_leads_nowhere_else(corpus, acts, name):
    (corpus.parent / "outside").write_text("mine")
    with pytest.raises(CorpusError, match="is no name of a file of the corpus"):
        acts.perform("jane", "x", [name], lambda: None)
    line = {
        "number": 1,
        "at": "x",
        "by": "y",
        "what": "z",
        "files": {"knee.toml": [None, None], name: ["evil", "mine"]},
    }
    (corpus.parent / "data").mkdir(exist_ok=True)
    (corpus.parent / "data" / "acts.jsonl").write_text(json.dumps(line) + "\n")
    with pytest.raises(CorpusError, match="is no name of a file|was changed"):
        acts.undo(1, by="jane")
    assert (corpus.parent / "outside").read_text() == "mine"
    assert (corpus / "knee.toml").exists()


def test_a_sidecar_that_is_no_text_is_named(corpus, acts):
    (corpus / "knee.toml").write_bytes(b"\xff")
    with pytest.raises(CorpusError, match=r"knee.toml cannot be read.*UTF-8"):
        approve(acts, corpus)


def test_threads_and_two_records_lose_no_act(tmp_path):
    sentences = [f"Sentence number {n} stands here." for n in range(16)]
    corpus = tmp_path / "corpus"
    write_article(corpus, "knee", " ".join(sentences))
    before = (corpus / "knee.toml").read_bytes()
    homes = [Acts(tmp_path / "data" / "acts.jsonl", corpus) for _ in range(2)]  # as two web apps over one folder

    def work(number):
        for words in sentences[number::4]:
            hold(homes[number % 2], corpus, words, by=f"worker {number}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = homes[0].latest(100)
    assert [act.number for act in found] == list(range(16, 0, -1))
    assert {o.words for o in load_corpus(corpus)[0].source.overrides} == set(sentences)
    for act in found:
        homes[1].undo(act.number, by="jane")
    assert (corpus / "knee.toml").read_bytes() == before
