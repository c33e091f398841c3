"""Sidecars are changed like a careful person would: only the lines that are meant, proven before they are written."""

import difflib
import hashlib
import subprocess
import sys
import threading
import tomllib
from contextlib import suppress
from datetime import date
from itertools import permutations

import pytest
from conftest import ROOT, write_article
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.corpus import load_corpus
from bot.errors import CorpusError
from bot.sidecar import _changed, describe, pin, release, set_status, tag, withhold
from bot.types import Kind, ReviewStatus, Tag

TEXT = 'Rest the joint. Then move it. It helps. It helps. Größe 🙂 “gut” — naïve \\ "quoted" [x].\nNext line.\n'
TODAY = date(2026, 5, 2)
COMMENTED = """# what a person wrote above
title = "Knee"   # the title
sha256 = "{sha}"

# Let in by its owner.
[review]
status = "review"   # since May

# about resting
[[override]]
words = "Rest the joint."
kind = "withheld"   # really
reason = "too short"
by = "me"

# about moving
[[override]]
words = "Then move it."
tags = []
reason = "no claim"
by = "me"
# the end
"""


@pytest.fixture
def corpus(tmp_path):
    write_article(tmp_path, "knee", TEXT)
    sha = hashlib.sha256(TEXT.encode()).hexdigest()
    (tmp_path / "knee.toml").write_text(COMMENTED.replace("{sha}", sha), encoding="utf-8")
    return tmp_path


def lines_changed(corpus, change):
    """Do ``change`` and return the lines it took away and those it put in."""
    path = corpus / "knee.toml"
    before = path.read_bytes().decode().split("\n")
    change()
    load_corpus(corpus)
    diff = list(difflib.ndiff(before, path.read_bytes().decode().split("\n")))
    return [row[2:] for row in diff if row[0] == "-"], [row[2:] for row in diff if row[0] == "+"]


def withheld(words):
    return ["[[override]]", f'words = "{words}"', 'kind = "withheld"', 'reason = "why"', 'by = "J"']


def test_a_status_changes_its_own_lines(corpus):
    gone, come = lines_changed(corpus, lambda: set_status(corpus, "knee", ReviewStatus.APPROVED, by="J. Doe", on=TODAY))
    assert gone == ['status = "review"   # since May']
    assert come == ['status = "approved"   # since May', 'approved_by = "J. Doe"', "approved_on = 2026-05-02"]
    gone, come = lines_changed(corpus, lambda: set_status(corpus, "knee", ReviewStatus.REVIEW, by="x", on=TODAY))
    assert gone == ['status = "approved"   # since May', 'approved_by = "J. Doe"', "approved_on = 2026-05-02"]
    assert come == ['status = "review"   # since May']


def test_a_new_decision_is_five_lines_at_the_end(corpus):
    gone, come = lines_changed(corpus, lambda: withhold(corpus, "knee", "Next line.", reason="why", by="J"))
    assert gone == []
    assert come == ["", *withheld("Next line.")]
    assert (corpus / "knee.toml").read_text().endswith("# the end\n")


def test_the_first_decision_is_parted_by_one_empty_line(corpus):
    path = corpus / "knee.toml"
    path.write_text(path.read_text().split("\n# about resting")[0].rstrip("\n"), encoding="utf-8")
    before = path.read_text()
    withhold(corpus, "knee", "Next line.", reason="why", by="J")
    assert path.read_text() == before + "\n\n" + "\n".join(withheld("Next line.")) + "\n"


def test_a_second_decision_on_words_changes_the_first(corpus):
    gone, come = lines_changed(
        corpus, lambda: tag(corpus, "knee", "Then move it.", (Tag.BENEFIT, Tag.RISK), reason="no claim", by="J")
    )
    assert gone == ["tags = []", 'by = "me"']
    assert come == ['tags = ["benefit", "risk"]', 'by = "J"']


@pytest.mark.parametrize("words", ["Rest the joint.", "Then move it."])
def test_taking_a_decision_back_leaves_every_comment(corpus, words):
    gone, come = lines_changed(corpus, lambda: release(corpus, "knee", words))
    assert come == []
    assert not any(row.startswith("#") for row in gone)
    assert f'words = "{words}"' in gone
    assert len(gone) in (5, 6)


def test_all_decisions_taken_back_and_made_again(corpus):
    for words in ("Rest the joint.", "Then move it."):
        release(corpus, "knee", words)
    text = (corpus / "knee.toml").read_text()
    assert [row for row in COMMENTED.split("\n") if row.startswith("#")] == [
        row for row in text.split("\n") if row.startswith("#")
    ]
    assert load_corpus(corpus)[0].source.overrides == ()
    withhold(corpus, "knee", "Rest the joint.", reason="why", by="J")
    assert load_corpus(corpus)[0].source.overrides[0].kind is Kind.WITHHELD


def test_windows_line_ends_stay(corpus):
    path = corpus / "knee.toml"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    for change in (
        lambda: withhold(corpus, "knee", "Next line.", reason="why", by="J"),
        lambda: set_status(corpus, "knee", ReviewStatus.APPROVED, by="J", on=TODAY),
        lambda: release(corpus, "knee", "Rest the joint."),
    ):
        change()
        data = path.read_bytes()
        assert data.count(b"\r\n") == data.count(b"\n") > 10
        assert b"\r\r" not in data


def test_words_of_any_alphabet(corpus):
    words = TEXT[TEXT.index("Größe") : TEXT.index("\nNext")]
    withhold(corpus, "knee", words, reason="“öäü” 🙂", by="Zoë")
    found = load_corpus(corpus)[0].source.overrides[-1]
    assert (found.words, found.reason, found.by) == (words, "“öäü” 🙂", "Zoë")
    both = TEXT[TEXT.index("[x]") :]
    withhold(corpus, "knee", both, reason="over a line end", by="Zoë")
    release(corpus, "knee", words)
    assert [o.words for o in load_corpus(corpus)[0].source.overrides][-1] == both


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: withhold(c, "knee", "It helps.", reason="r", by="b"), r"occur 2 times.*Use more of the sentence"),
        (lambda c: withhold(c, "knee", "Never said.", reason="r", by="b"), r"occur 0 times.*Copy the words"),
        (lambda c: withhold(c, "knee", "", reason="r", by="b"), "override"),
        (lambda c: withhold(c, "knee", "Next line.", reason="", by="b"), "reason"),
        (lambda c: withhold(c, "knee", "Next line.", reason="a\x1bb", by="b"), "invisible"),
        (lambda c: withhold(c, "knee", "Next line.", reason="r", by="\ud800"), "cannot be changed|by"),
        (lambda c: tag(c, "knee", "Never said.", (Tag.RISK,), reason="r", by="b"), "occur 0 times"),
        (lambda c: pin(c, "knee", "It helps.", question="q", by="b"), "occur 2 times"),
        (lambda c: release(c, "knee", "Next line."), "holds no decision on 'Next line.'"),
        (lambda c: set_status(c, "knee", ReviewStatus.APPROVED, by="", on=TODAY), "approved_by"),
        (lambda c: set_status(c, "knee", ReviewStatus.APPROVED, by="x" * 501, on=TODAY), "approved_by"),
    ],
)
def test_a_change_that_cannot_be_leaves_every_byte(corpus, change, message):
    before = {path.name: path.read_bytes() for path in corpus.iterdir()}
    with pytest.raises(CorpusError, match=message):
        change(corpus)
    assert {path.name: path.read_bytes() for path in corpus.iterdir()} == before


@pytest.mark.parametrize(
    "name", ["library", "none", "", ".", "..", "../knee", "/etc/passwd", "knee.toml", "x" * 5000, "a\0b", "Knee", "*"]
)
def test_only_articles_of_the_folder_are_changed(corpus, name):
    (corpus / "inner").mkdir()
    before = {path: path.read_bytes() for path in corpus.rglob("*.t*")}
    for change in (
        lambda: withhold(corpus, name, "Next line.", reason="r", by="b"),
        lambda: release(corpus / "inner", name, "Next line."),
        lambda: set_status(corpus, name, ReviewStatus.WITHDRAWN, by="b", on=TODAY),
    ):
        with pytest.raises(CorpusError, match="There is no article"):
            change()
    assert {path: path.read_bytes() for path in corpus.rglob("*.t*")} == before


@pytest.mark.parametrize(
    ("sidecar", "message"),
    [
        (b"title = ", "cannot be changed"),
        (b"\xff\xfe", "cannot be changed"),
        (b'title = "x"\n', "cannot be changed"),
        (b'title = "x"\noverride = []\n', "written as one list"),
        (b'title="x"\n[[override]]\nwords="a"\n[review]\nstatus="review"\n[[override]]\nwords="b"\n', "stand apart"),
    ],
)
def test_a_sidecar_that_cannot_be_changed_safely_is_left(corpus, sidecar, message):
    (corpus / "knee.toml").write_bytes(sidecar)
    with pytest.raises(CorpusError, match=message):
        set_status(corpus, "knee", ReviewStatus.APPROVED, by="b", on=TODAY) if b"override" not in sidecar else withhold(
            corpus, "knee", "Next line.", reason="r", by="b"
        )
    assert (corpus / "knee.toml").read_bytes() == sidecar


def test_a_fault_of_another_article_does_not_stop_a_decision(corpus):
    write_article(corpus, "hip", "The hip.")
    (corpus / "hip.toml").write_text("broken")
    withhold(corpus, "knee", "Next line.", reason="urgent", by="J")
    assert "urgent" in (corpus / "knee.toml").read_text()


BLOCKS = {
    "review": '# note on the review\n[review]\nstatus = "review" # s\n\n',
    "a": '# about A\n[[override]]\nwords = "A" # w\nkind = "withheld"\nreason = "r"\nby = "x"\n\n',
    "b": '[[override]]\nwords = \'B\'\ntags = [ \'risk\', ] # t\nreason = """r"""\nby = "x"\n# below B\n',
    "pin": '# about the pin\n[[pin]]\nquestion = "q" # q\nwords = "A"\nby = "x"\n',
}
LAYOUTS = [
    order
    for size in (2, 3, 4)
    for order in permutations(BLOCKS, size)
    if "review" in order and ("b" not in order or "a" not in order or abs(order.index("a") - order.index("b")) == 1)
]


@settings(max_examples=200)
@given(st.sampled_from(LAYOUTS), st.lists(st.sampled_from("wWtarRBp"), max_size=6))
def test_any_order_of_changes_over_any_layout_means_what_it_says(order, steps):
    """tomllib, which knows nothing of the layout, reads what a plain dictionary says; every comment stays."""
    text = '# top\ntitle = "T"\n\n' + "".join(BLOCKS[name] for name in order)
    comments = [row for row in text.split("\n") if row.startswith("#")]
    means = tomllib.loads(text)
    decisions, pins = {o["words"]: o for o in means.get("override", [])}, means.get("pin", [])
    for step in steps:
        with suppress(CorpusError):  # nothing to take back
            text = _changed(text, CHANGES[step])
        MEANINGS[step](means["review"], decisions, pins)
    found = tomllib.loads(text)
    assert found["review"] == means["review"]
    assert {o["words"]: o for o in found.get("override", [])} == decisions
    assert found.get("pin", []) == pins
    assert sorted(row for row in text.split("\n") if row.startswith("#")) == sorted(comments)
    assert "\n\n\n\n" not in text


def test_a_comment_above_what_stays_is_not_moved():
    kept = _changed(BLOCKS["review"] + BLOCKS["b"] + "\n" + BLOCKS["pin"], CHANGES["B"])
    assert kept == BLOCKS["review"] + "# below B\n\n" + BLOCKS["pin"]


def _recorded(call):
    """Return the change of the document that a public function asks for."""
    import bot.sidecar

    kept, real = [], bot.sidecar._change
    bot.sidecar._change = lambda corpus, article, change: kept.append(change)
    try:
        call()
    finally:
        bot.sidecar._change = real
    return kept[0]


CHANGES = {
    "w": _recorded(lambda: withhold(ROOT, "x", "A", reason="n", by="y")),
    "W": _recorded(lambda: withhold(ROOT, "x", "C", reason="n", by="y")),
    "t": _recorded(lambda: tag(ROOT, "x", "B", (), reason="n", by="y")),
    "r": _recorded(lambda: set_status(ROOT, "x", ReviewStatus.REVIEW, by="y", on=TODAY)),
    "a": _recorded(lambda: set_status(ROOT, "x", ReviewStatus.APPROVED, by="y", on=TODAY)),
    "R": _recorded(lambda: release(ROOT, "x", "A")),
    "B": _recorded(lambda: release(ROOT, "x", "B")),
    "p": _recorded(lambda: pin(ROOT, "x", "B", question="why", by="y")),
}
DECIDED = {"reason": "n", "by": "y"}


def _unapproved(review, _decisions, _pins):
    review["status"] = "review"
    review.pop("approved_by", None)
    review.pop("approved_on", None)


def _released(words):
    def forget(_review, decisions, pins):
        decisions.pop(words, None)
        pins[:] = [one for one in pins if one["words"] != words]

    return forget


MEANINGS = {
    "w": lambda _, d, __: d.setdefault("A", {}).update(words="A", kind="withheld", **DECIDED),
    "W": lambda _, d, __: d.setdefault("C", {}).update(words="C", kind="withheld", **DECIDED),
    "t": lambda _, d, __: d.setdefault("B", {}).update(words="B", tags=[], **DECIDED),
    "r": _unapproved,
    "a": lambda review, _, __: review.update(status="approved", approved_by="y", approved_on=TODAY),
    "R": _released("A"),
    "B": _released("B"),
    "p": lambda _, __, pins: pins.append({"question": "why", "words": "B", "by": "y"}),
}


def test_threads_and_processes_lose_no_decision(tmp_path):
    sentences = [f"Sentence number {n} stands here." for n in range(20)]
    write_article(tmp_path, "knee", " ".join(sentences))
    program = (
        "import sys; from pathlib import Path; from bot.sidecar import withhold\n"
        "for words in sys.argv[2:]: withhold(Path(sys.argv[1]), 'knee', words, reason='r', by='b')"
    )
    call = [sys.executable, "-c", program, str(tmp_path)]
    others = [subprocess.Popen([*call, *sentences[n : n + 5]], cwd=ROOT) for n in (0, 5)]
    threads = [
        threading.Thread(target=lambda w=words: withhold(tmp_path, "knee", w, reason="r", by="b"))
        for words in sentences[10:]
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [other.wait(timeout=60) for other in others] == [0, 0]
    assert {o.words for o in load_corpus(tmp_path)[0].source.overrides} == set(sentences)


def test_a_full_disk_leaves_the_sidecar_and_no_other_file(corpus):
    program = (
        "import resource, signal, sys; from pathlib import Path; from bot.sidecar import withhold\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "withhold(Path(sys.argv[1]), 'knee', 'Next line.', reason='r', by='b')"
    )
    before = {path.name: path.read_bytes() for path in corpus.iterdir()}
    done = subprocess.run([sys.executable, "-c", program, corpus], cwd=ROOT, capture_output=True, text=True)
    assert "CorpusError" in done.stderr
    assert "cannot be changed" in done.stderr
    assert {path.name: path.read_bytes() for path in corpus.iterdir()} == before


def test_what_is_known_of_an_article_is_written_and_left_out_again(corpus):
    day = date(2026, 1, 31)
    name = load_corpus(corpus)[0].source.id
    before = tomllib.loads((corpus / f"{name}.toml").read_text(encoding="utf-8"))
    facts = {"title": "A new title", "publisher": "A clinic", "published": "2024-05-02", "sells_treatment": False}
    describe(corpus, name, facts, reviewer="A. Roe, nurse", on=day)
    source = next(a.source for a in load_corpus(corpus) if a.source.id == name)
    assert (source.title, source.publisher, source.published) == ("A new title", "A clinic", "2024-05-02")
    assert source.sells_treatment is False
    assert (source.review.reviewer, source.review.reviewed_on) == ("A. Roe, nurse", day)
    describe(corpus, name, dict.fromkeys(facts) | {"title": before["title"]}, on=day)
    after = tomllib.loads((corpus / f"{name}.toml").read_text(encoding="utf-8"))
    assert after == {key: value for key, value in before.items() if key == "title" or key not in facts}
    written = (corpus / f"{name}.toml").read_bytes()
    with pytest.raises(CorpusError, match="url"):
        describe(corpus, name, {"title": "x", "url": "javascript:alert(1)"}, on=day)
    assert (corpus / f"{name}.toml").read_bytes() == written
