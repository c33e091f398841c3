"""The journal: finds, counts and forgets what it should, holds no raw message, survives damage, kills and crowds."""

import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st
from speed import measured

from bot.errors import JournalError
from bot.journal import Filter, Journal
from bot.types import Answer, Hit, Quote, Review, ReviewStatus, Role, Route, Screening, Source, Span, Status, Trace
from bot.wire import trace_to_dict

START = datetime(2026, 3, 10, 12, tzinfo=UTC)
LONG_AGO = date(2000, 1, 1)
WORDS = ("knee", "kneecap", "healing", "heal", "swelling", "side", "effects", "long", "cost", "café")


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self):
        self.at = START

    def __call__(self):
        return self.at

    def move(self, **by):
        self.at += timedelta(**by)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "private" / "journal.db"


@pytest.fixture
def journal(path, clock):
    opened = Journal(path, now=clock)
    yield opened
    opened.close()


def make(code, question="how long does it last", status=Status.ANSWERED, routes=(), articles=(), top=None, ms=50.0):
    """A trace as an answerer would give it."""
    answer = Answer(
        question, status, tuple(routes), "", (), tuple(map(quote, articles)), "", (), "snap", "2026-01-01", code
    )
    hits = () if top is None else (Hit(1, probability=top / 2), Hit(2, probability=top))
    screening = Screening(question, tuple(routes))
    return Trace(code, question, (), "settings", screening, hits, answer, {"total": ms})


def quote(article):
    source = Source(article, "", "", "", None, None, None, None, None, None, Review(ReviewStatus.APPROVED))
    return Quote(Span(article, 3, 9), "words.", (), Role.ANSWER, 0.5, source)


def codes(entries):
    return [entry.code for entry in entries]


def bytes_of(path):
    """Every byte on disk, and what is packed in the traces."""
    raw = b"".join(file.read_bytes() for file in sorted(path.parent.iterdir()))
    with sqlite3.connect(path) as connection:
        packed = [zlib.decompress(data) for (data,) in connection.execute("SELECT data FROM traces")]
    connection.close()
    return raw + b"".join(packed)


# What is written and found again


def test_an_answer_is_found_with_everything_about_it(journal):
    trace = make("abc", routes=[Route.DOSING, Route.PERSONAL], articles=["b", "a", "b"], top=0.75, ms=12.345)
    journal.add(trace, entrance="api")
    (entry,) = journal.find(Filter())
    assert (entry.code, entry.at, entry.entrance, entry.snapshot) == ("abc", START, "api", "snap")
    assert (entry.routes, entry.articles) == (("dosing", "personal"), ("b", "a"))
    assert (entry.top, entry.ms, entry.status) == (0.75, 12.345, "answered")
    assert (entry.helpful, entry.reason, entry.reported) == (None, "", 0)
    assert journal.trace("abc") == {"trace": trace_to_dict(trace), "feedback": {}}
    assert journal.trace("abd") is None


def test_an_answer_is_written_once(journal):
    journal.add(make("abc"), entrance="chat")
    with pytest.raises(JournalError):
        journal.add(make("abc"), entrance="chat")
    assert len(journal.find(Filter())) == 1


@pytest.mark.parametrize("question", ["half \ud83d a character", "a \0 in it", "\U0001f600", ""])
def test_any_text_can_be_kept(journal, question):
    journal.add(make("abc", question), entrance="chat")
    assert codes(journal.find(Filter())) == ["abc"]
    assert journal.trace("abc")["trace"]["answer"]["question"] == question


@pytest.mark.parametrize("number", [10**30, -(10**30)])
def test_a_page_number_beyond_all_rows_is_refused_clearly(journal, number):
    with pytest.raises(JournalError):
        journal.find(Filter(), before=number)


def test_a_vote_that_there_is_not_is_refused_clearly(journal):
    with pytest.raises(JournalError, match="up, down, reported"):
        journal.find(Filter(votes="sideways"))


# Feedback


def test_the_last_vote_wins_and_a_report_leaves_it(journal):
    journal.add(make("abc", articles=["a"]), entrance="chat")
    assert journal.feedback("abc", helpful=True, reason="good")
    assert journal.feedback("abc", helpful=False)
    assert journal.feedback("abc", helpful=None, passage=("a", 3, 9))
    (entry,) = journal.find(Filter())
    assert (entry.helpful, entry.reason, entry.reported) == (False, "good", 1)
    (day,) = journal.days(since=LONG_AGO)
    assert (day.up, day.down) == (0, 1)
    said = journal.trace("abc")["feedback"]
    assert (said["helpful"], said["reason"], said["passages"]) == (False, "good", [("a", 3, 9)])


def test_five_passages_are_kept_and_each_once(journal):
    journal.add(make("abc", articles=["a"]), entrance="chat")
    for end in (4, 4, 5, 6, 7, 8, 9):
        assert journal.feedback("abc", helpful=None, passage=("a", 3, end))
    assert [end for _, _, end in journal.trace("abc")["feedback"]["passages"]] == [4, 5, 6, 7, 8]


@pytest.mark.parametrize("passage", [None, ("other", 3, 9), ("a", 9, 3), ("a", -1, 3)])
def test_feedback_on_nothing_is_refused(journal, passage):
    journal.add(make("abc", articles=["a"]), entrance="chat")
    assert not journal.feedback("abc" if passage else "abd", helpful=True, passage=passage)
    assert journal.find(Filter(votes="up")) == []


def test_a_reason_is_redacted_and_cut(journal, path):
    journal.add(make("abc"), entrance="chat")
    journal.feedback("abc", helpful=False, reason="mail qxzvaler@wobblecorp.example " + "x" * 1000)
    (entry,) = journal.find(Filter())
    assert entry.reason.startswith("mail [email] xxx")
    assert len(entry.reason) == 500
    assert b"wobblecorp" not in bytes_of(path)


# Privacy


SECRETS = rb"obblecor|qxzvale|xzentr|867-?5309|(?<![\d.])5309(?!\d)"  # not the digits of a score


def test_no_raw_message_is_on_disk(journal, path, answerer):
    """The second question leans on the first, so that earlier words come into its trace."""
    turn = "I am Valerie Qxzentry, my mail is qxzvaler@wobblecorp.example, how does ketamine treatment help depression"
    then = "how long does that last? (555-867-5309)"
    asked = ((turn, ()), (then, (turn,)), (f"I have chest pain right now. {then}", ()))
    traces = [answerer.answer(question, turns) for question, turns in asked]
    assert "depression" in traces[1].query
    assert traces[2].answer.status == "urgent"
    for trace, (question, _) in zip(traces, asked, strict=True):
        assert re.search(SECRETS, question.lower().encode())
        journal.add(trace, entrance="chat")
        journal.feedback(trace.id, helpful=False, reason=question)
    found = bytes_of(path).lower()
    assert b"depression" in found  # what is looked for can be found at all
    assert re.search(SECRETS, found) is None


def test_ids_only_leaves_no_words(path, clock, answerer):
    journal = Journal(path, ids_only=True, now=clock)
    trace = answerer.answer("is ketamine treatment safe for depression")
    journal.add(trace, entrance="chat")
    assert trace.answer.quotes
    article = trace.answer.quotes[0].span.article
    assert journal.feedback(trace.id, helpful=False, reason="treatment was beside it", passage=(article, 1, 2))
    (entry,) = journal.find(Filter(code=trace.id))
    assert (entry.question, entry.top, entry.reason, entry.status) == ("", None, "", "answered")
    assert article in entry.articles
    assert journal.trace(trace.id)["trace"] == {}
    assert journal.find(Filter(text="depression")) == []
    found = bytes_of(path)
    assert article.encode() in found
    for word in (b"depression", b"safe", b"treatment", b"beside"):
        assert word not in found.replace(article.encode(), b"")
    journal.close()


def test_file_and_folder_are_made_private(path, clock):
    path.parent.mkdir(mode=0o755)
    path.touch(mode=0o644)
    path.chmod(0o644)
    journal = Journal(path, now=clock)
    journal.add(make("abc"), entrance="chat")
    journal.find(Filter())
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {
        "journal.db": 0o600,
        "journal.db-wal": 0o600,
        "journal.db-shm": 0o600,
    }
    journal.close()


def test_a_folder_for_everybody_is_left_as_it_is(tmp_path):
    tmp_path.chmod(0o1777)
    with pytest.raises(JournalError, match="folder of its own"):
        Journal(tmp_path / "journal.db")
    assert tmp_path.stat().st_mode & 0o7777 == 0o1777
    assert not list(tmp_path.iterdir())


# Retention


def test_what_is_too_old_leaves_no_trace(path, clock):
    journal = Journal(path, keep_days=3, now=clock)
    journal.add(make("old", "zanzibarish question", articles=["gone"], top=0.5), entrance="chat")
    journal.feedback("old", helpful=True, reason="wonderfulness", passage=("gone", 1, 2))
    clock.move(days=2)
    journal.add(make("new", "another zeugmatic question", articles=["kept"]), entrance="chat")
    assert b"zanzibar" in bytes_of(path)
    clock.move(days=1)
    assert journal.purge() == 1
    assert codes(journal.find(Filter())) == ["new"]
    assert not journal.find(Filter(text="zanzibarish"))
    assert codes(journal.find(Filter(text="zeugma"))) == ["new"]
    assert journal.trace("old") is None
    assert journal.articles(since=LONG_AGO) == {"kept": 1}
    assert [day.day for day in journal.days(since=LONG_AGO)] == [date(2026, 3, 12)]
    found = bytes_of(path)
    for gone in (b"anziba", b"onderful", b"gone"):
        assert gone not in found
    assert b"eugmati" in found
    journal.close()


def test_adding_looks_once_an_hour_and_opening_always(path, clock):
    journal = Journal(path, keep_days=1, now=clock)
    journal.add(make("one"), entrance="chat")
    clock.move(hours=11, minutes=59)
    journal.add(make("two"), entrance="chat")
    clock.move(minutes=2)
    journal.add(make("three"), entrance="chat")
    assert len(journal.find(Filter())) == 3
    clock.move(hours=1)
    journal.add(make("four"), entrance="chat")
    assert codes(journal.find(Filter())) == ["four", "three"]
    journal.close()
    clock.move(days=1)
    journal = Journal(path, keep_days=1, now=clock)
    assert journal.find(Filter()) == []
    assert journal.days(since=LONG_AGO) == []
    journal.close()


def test_the_file_shrinks(path, clock):
    journal = Journal(path, now=clock)
    for number in range(600):
        journal.add(make(f"c{number}", f"question {random.Random(number).random()}"), entrance="chat")
    journal.purge()
    full = path.stat().st_size
    clock.move(days=30)
    assert journal.purge() == 600
    assert path.stat().st_size < full / 3
    journal.close()


def test_nothing_can_be_kept_for_no_day(path):
    with pytest.raises(JournalError, match="1 or more"):
        Journal(path, keep_days=0)


# Finding, against the same done by hand

QUESTIONS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join)
ANSWERS = st.fixed_dictionaries(
    {
        "question": QUESTIONS,
        "status": st.sampled_from(Status),
        "routes": st.lists(st.sampled_from([Route.DOSING, Route.CRISIS, Route.PRIVACY]), unique=True),
        "articles": st.lists(st.sampled_from(["a", "b", "c"]), max_size=3),
        "top": st.none() | st.sampled_from([0.0, 0.25, 0.5, 1.0]),
        "ms": st.sampled_from([0.1, 1.0, 7.77]),
    }
)
LATER = st.sampled_from([-30, 0, 1, 5, 24, 30])  # hours; a clock may be set back
SAID = st.none() | st.tuples(st.sampled_from([None, True, False]), st.booleans())
FILTERS = st.builds(
    Filter,
    text=st.sampled_from(["", "", "", " ", "knee", "hea", "effects side", "CAFE", "z", "l c", "kneecap ?!"]),
    status=st.none() | st.sampled_from(Status),
    route=st.none() | st.sampled_from(["dosing", "crisis", "abuse"]),
    article=st.none() | st.sampled_from(["a", "b", "z"]),
    since=st.none() | st.dates(date(2026, 3, 8), date(2026, 3, 14)),
    until=st.none() | st.dates(date(2026, 3, 8), date(2026, 3, 14)),
    below=st.none() | st.sampled_from([0.0, 0.3, 0.5, 2.0]),
    votes=st.none() | st.sampled_from(["up", "down", "reported"]),
    code=st.sampled_from(["", "", "", "c1", "nobody"]),
)


def passes(entry, wanted):
    """The meaning of a filter, in plain words."""
    words = entry.question.replace("é", "e").split()
    wishes = re.findall(r"\w+", wanted.text.lower())
    day = entry.at.date()
    votes = {"up": entry.helpful is True, "down": entry.helpful is False, "reported": entry.reported > 0}
    return all(
        (
            all(any(word.startswith(wish) for word in words) for wish in wishes),
            wanted.status in (None, entry.status),
            wanted.route is None or wanted.route in entry.routes,
            wanted.article is None or wanted.article in entry.articles,
            wanted.since is None or day >= wanted.since,
            wanted.until is None or day <= wanted.until,
            wanted.below is None or (entry.top is not None and entry.top < wanted.below),
            wanted.votes is None or votes[wanted.votes],
            wanted.code in ("", entry.code),
        )
    )


def fill(journal, clock, answers):
    for number, (answer, hours, said) in enumerate(answers):
        clock.move(hours=hours)
        journal.add(make(f"c{number}", **answer), entrance="chat")
        if said is not None:
            helpful, reports = said
            passage = (answer["articles"][0], 1, 2) if reports and answer["articles"] else None
            journal.feedback(f"c{number}", helpful=helpful, passage=passage)


def pages(journal, wanted, limit):
    found, before = [], None
    while page := journal.find(wanted, before=before, limit=limit):
        assert len(page) <= limit
        found += page
        before = page[-1].row
    return found


@settings(max_examples=40)
@given(
    st.lists(st.tuples(ANSWERS, LATER, SAID), max_size=12),
    st.lists(FILTERS, min_size=15, max_size=15),
    st.integers(1, 5),
)
def test_each_filter_is_right_and_its_pages_are_complete(answers, filters, limit):
    with tempfile.TemporaryDirectory() as folder:
        clock = Clock()
        journal = Journal(Path(folder, "j", "journal.db"), now=clock)
        fill(journal, clock, answers)
        everything = journal.find(Filter(), limit=100)
        assert codes(everything) == [f"c{number}" for number in reversed(range(len(answers)))]
        for name in Filter.__dataclass_fields__:
            filters += [Filter(**{name: getattr(wanted, name)}) for wanted in filters[:5]]
        for wanted in filters:
            expected = [entry for entry in everything if passes(entry, wanted)]
            assert pages(journal, wanted, limit) == expected, wanted
            assert list(journal.export(wanted)) == expected
        journal.close()


@settings(max_examples=40)
@given(st.lists(st.tuples(ANSWERS, LATER, SAID), max_size=15), st.integers(0, 5))
def test_the_totals_are_those_of_the_rows_also_after_some_left(answers, days):
    with tempfile.TemporaryDirectory() as folder:
        clock = Clock()
        journal = Journal(Path(folder, "j", "journal.db"), keep_days=5, now=clock)
        fill(journal, clock, answers)
        clock.move(days=days)
        journal.purge()
        kept = journal.find(Filter(), limit=100)
        by_day = {day: [e for e in kept if e.at.date() == day] for day in sorted({e.at.date() for e in kept})}
        found = journal.days(since=LONG_AGO)
        assert [day.day for day in found] == list(by_day)
        for day, entries in zip(found, by_day.values(), strict=True):
            assert day.counts == Counter(e.status for e in entries)
            assert (day.answers, day.urgent) == (len(entries), sum(e.status == "urgent" for e in entries))
            assert day.mean_ms == pytest.approx(sum(e.ms for e in entries) / len(entries))
            assert (day.up, day.down) == (
                sum(e.helpful is True for e in entries),
                sum(e.helpful is False for e in entries),
            )
        assert journal.articles(since=LONG_AGO) == Counter(a for e in kept for a in e.articles)
        journal.close()


@settings(max_examples=300)
@given(st.text() | st.text("\"*^():{}+-_ANDORNOTEAR knee'\0"))
def test_no_text_is_a_syntax_error(text):
    journal = test_no_text_is_a_syntax_error.journal
    for entry in journal.find(Filter(text=text)):
        assert entry.question == "healing of the knee"


@pytest.fixture(autouse=True)
def _journal_for_any_text(request, tmp_path_factory):
    """One journal for all examples of that test: hypothesis wants no fixture that changes under it."""
    if request.function.__name__ != "test_no_text_is_a_syntax_error":
        yield
        return
    journal = Journal(tmp_path_factory.mktemp("any") / "j" / "journal.db")
    journal.add(make("abc", "healing of the knee"), entrance="chat")
    test_no_text_is_a_syntax_error.journal = journal
    yield
    journal.close()


@pytest.mark.parametrize(
    ("text", "found"),
    [("kne", True), ("knee heal", True), ('"knee" -heal*', True), ("ankle", False), ("?!", False), ('"', False)],
)
def test_beginnings_of_words_find_a_question(journal, text, found):
    journal.add(make("abc", "healing of the knee"), entrance="chat")
    assert bool(journal.find(Filter(text=text))) is found


def test_days_and_figures_begin_where_asked(journal, clock):
    for number in range(4):
        status = Status.NO_EVIDENCE if number % 2 else Status.ANSWERED
        journal.add(make(f"c{number}", status=status, articles=["a"], ms=number), entrance="chat")
        clock.move(days=1)
    since = date(2026, 3, 12)
    assert [day.day for day in journal.days(since=since)] == [since, date(2026, 3, 13)]
    assert journal.articles(since=since) == {"a": 2}
    assert codes(journal.unanswered(since=since)) == ["c3"]
    assert codes(journal.unanswered(since=LONG_AGO, limit=1)) == ["c3"]
    assert codes(journal.unanswered(since=LONG_AGO)) == ["c3", "c1"]
    assert journal.latency(since=since) == (2.0, 3.0)
    assert journal.latency(since=date(2026, 3, 14)) is None


def test_latency_is_the_nearest_rank_of_the_newest(journal, path):
    with sqlite3.connect(path) as connection:
        connection.execute(FILL, {"count": 2100, "end": int(START.timestamp())})
    connection.close()
    newest = sorted(entry.ms for entry in journal.find(Filter(), limit=2000))
    assert journal.latency(since=LONG_AGO) == (newest[999], newest[1899])


def test_an_export_that_is_left_half_way_holds_nothing_open(journal, path):
    for number in range(300):
        journal.add(make(f"c{number}"), entrance="chat")
    export = journal.export(Filter())
    assert next(export).code == "c299"
    journal.purge()
    log = path.with_name("journal.db-wal")
    assert log.stat().st_size
    export.close()
    journal.purge()
    assert log.stat().st_size == 0


# Many at once, kills, damage


def test_threads_write_and_read_together(journal):
    errors = []

    def work(number):
        try:
            for count in range(50):
                journal.add(make(f"c{number}-{count}", articles=["a"]), entrance="chat")
                assert journal.trace(f"c{number}-{count}")
                journal.feedback(f"c{number}-{count}", helpful=True)
                rows = [entry.row for entry in journal.find(Filter(article="a"))]
                assert all(newer > older for newer, older in pairwise(rows))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    (day,) = journal.days(since=LONG_AGO)
    assert (day.answers, day.up) == (200, 200)


ADDING = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from bot.journal import Filter, Journal
from test_journal import Clock, make
name, count = sys.argv[2], int(sys.argv[3])
journal = Journal(Path(sys.argv[1]), now=Clock())
for number in range(count):
    journal.add(make(f"{name}-{number}", articles=["a"], top=0.5), entrance="chat")
    print(number, flush=True)
"""


def adding(path, name, count):
    """A process that adds answers and says how far it is."""
    return subprocess.Popen(
        [sys.executable, "-c", ADDING, str(path), name, str(count)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"},
    )


def test_processes_make_and_fill_one_file_together(path, clock):
    processes = [adding(path, name, 40) for name in "abc"]
    assert [len(process.communicate(timeout=60)[0].split()) for process in processes] == [40, 40, 40]
    assert [process.returncode for process in processes] == [0, 0, 0]
    journal = Journal(path, now=clock)
    assert len(journal.find(Filter(), limit=200)) == 120
    journal.close()


def test_a_killed_process_leaves_a_sound_file(path, clock):
    process = adding(path, "a", 100000)
    while int(process.stdout.readline()) < 150:
        pass
    process.send_signal(signal.SIGKILL)
    said = 150 + len(process.communicate(timeout=30)[0].split("\n")[:-1])  # whole lines: the last may be torn
    assert process.returncode == -signal.SIGKILL
    journal = Journal(path, now=clock)
    found = journal.find(Filter(text="long"), limit=100000)
    assert len(found) > said
    assert len(found) == journal.articles(since=LONG_AGO)["a"] == journal.days(since=LONG_AGO)[0].answers
    assert all(journal.trace(entry.code)["trace"]["id"] == entry.code for entry in found)
    journal.close()
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        connection.execute("INSERT INTO questions (questions, rank) VALUES ('integrity-check', 1)")
    connection.close()


def test_a_locked_file_is_reported_and_nothing_is_half_written(journal, path):
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    start = time.monotonic()
    with pytest.raises(JournalError, match="locked by another program"):
        journal.add(make("abc"), entrance="chat")
    assert 4 < time.monotonic() - start < 8
    assert journal.find(Filter()) == []
    other.execute("ROLLBACK")
    other.close()
    journal.add(make("abc"), entrance="chat")
    assert codes(journal.find(Filter())) == ["abc"]


FULL = """
import resource, sys
from pathlib import Path
from bot.errors import JournalError
from bot.journal import Filter, Journal
from test_journal import make
journal = Journal(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
added = 0
try:
    while added < 10000:
        journal.add(make(f"c{added}", f"question {added} " + "word " * 50), entrance="chat")
        added += 1
except JournalError as error:
    print(error)
assert len(journal.find(Filter(), limit=20000)) == added > 0
"""


def test_a_full_disk_is_reported_and_what_was_written_can_be_read(path):
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(path)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"},
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "disk is full" in done.stdout
    assert str(path) in done.stdout


def filled(path, clock):
    journal = Journal(path, now=clock)
    for number in range(200):
        journal.add(make(f"c{number}"), entrance="chat")
    journal.close()


@pytest.mark.parametrize("damage", [b"This is a letter, not a database. " * 300, b"SQLite format 3\0" + b"\xff" * 9000])
def test_a_damaged_file_is_named_with_its_cure(path, clock, damage):
    path.parent.mkdir()
    path.write_bytes(damage)
    with pytest.raises(JournalError, match="damaged. Move it") as caught:
        Journal(path, now=clock)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == damage
    path.rename(path.with_suffix(".old"))
    Journal(path, now=clock).close()


def test_damage_inside_is_named_when_it_is_met(path, clock):
    filled(path, clock)
    data = path.read_bytes()
    path.write_bytes(data[:8192] + b"\xaa" * (len(data) - 8192))
    with pytest.raises(JournalError, match="damaged. Move it"):
        Journal(path, now=clock).find(Filter())


def test_a_damaged_trace_is_named(journal, path):
    journal.add(make("abc"), entrance="chat")
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE traces SET data = x'00'")
    connection.close()
    with pytest.raises(JournalError, match="trace of the answer abc is damaged"):
        journal.trace("abc")


def test_a_folder_in_the_place_of_the_file_is_named(path):
    path.mkdir(parents=True)
    with pytest.raises(JournalError, match="cannot be made or kept private"):
        Journal(path)


def test_a_closed_journal_says_so(path):
    journal = Journal(path)
    journal.find(Filter())
    journal.close()
    journal.close()
    for use in (lambda: journal.find(Filter()), lambda: journal.add(make("abc"), entrance="chat"), journal.purge):
        with pytest.raises(JournalError, match="was closed"):
            use()


# The form of the file


@pytest.mark.parametrize("exists", [False, True])
def test_an_empty_file_is_made_a_journal_once(path, clock, exists):
    if exists:
        path.parent.mkdir()
        path.touch()
    Journal(path, now=clock).close()
    made = sqlite3.connect(path)
    first = made.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
    assert made.execute("PRAGMA user_version").fetchone() == (len(list((ROOT / "bot" / "migrations").glob("*.sql"))),)
    assert made.execute("PRAGMA auto_vacuum").fetchone() == (2,)
    assert made.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    journal = Journal(path, now=clock)
    journal.add(make("abc"), entrance="chat")
    journal.close()
    assert made.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall() == first
    made.close()
    again = Journal(path, now=clock)
    assert codes(again.find(Filter())) == ["abc"]
    again.close()


@pytest.mark.parametrize(
    ("sql", "says"), [("PRAGMA user_version = 99", "later version"), ("CREATE TABLE t (x)", "another program")]
)
def test_a_file_of_something_else_is_refused(path, sql, says):
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.execute(sql)
    connection.close()
    with pytest.raises(JournalError, match=says):
        Journal(path)


# A million

FILL = """
WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :count)
INSERT INTO answers (code, at, entrance, question, status, routes, articles, snapshot, settings, top, micros)
SELECT
    'c' || n, :end - (:count - n) * 2500000 / :count, 'chat',
    'how long does the treatment of knee ' || (n % 5000) || ' last for treated treatments' || (n % 7)
        || CASE n % 100000 WHEN 7 THEN ' zeugma' ELSE '' END,
    CASE n % 10 WHEN 0 THEN 'no_evidence' WHEN 1 THEN 'urgent' ELSE 'answered' END,
    CASE n % 50 WHEN 0 THEN '["dosing"]' WHEN 1 THEN '["emergency"]' ELSE '[]' END,
    CASE WHEN n % 10 > 1 THEN json_array('a' || (n % 40), 'b' || (n % 7)) ELSE '[]' END,
    'snap', 'settings', n % 1000 / 1000.0, n * 7919 % 1000000
FROM numbers
"""
FIRST, LAST = date(2026, 2, 9), START.date()
SINGLE = {
    "none": Filter(),
    "text, all": Filter(text="treatment"),
    "text, one letter": Filter(text="t"),
    "text, all, several words": Filter(text="how long does the treatment last"),
    "text, 10 of them": Filter(text="zeugma"),
    "status": Filter(status="no_evidence"),
    "status, nothing": Filter(status="declined"),
    "route": Filter(route="dosing"),
    "article": Filter(article="b3"),
    "since the last day": Filter(since=LAST),
    "until the first day": Filter(until=FIRST),
    "until before all": Filter(until=LONG_AGO),
    "below 0.5": Filter(below=0.5),
    "below all": Filter(below=0.0),
    "up": Filter(votes="up"),
    "down": Filter(votes="down"),
    "reported": Filter(votes="reported"),
    "code": Filter(code="c77777"),
}


@pytest.fixture(scope="module")
def million(tmp_path_factory):
    """A journal of a million answers without traces, written through its own triggers."""
    path = tmp_path_factory.mktemp("million") / "private" / "journal.db"
    journal = Journal(path, now=Clock())
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute(FILL, {"count": 1_000_000, "end": int(START.timestamp())})
    connection.execute("INSERT INTO feedback SELECT row, row / 20 % 2, '', at FROM answers WHERE row % 20 = 2")
    connection.execute("INSERT INTO reports SELECT 1, row, 'b3', 1, 2 FROM answers WHERE row % 1000 = 2")
    connection.commit()
    connection.close()
    yield journal
    journal.close()
    path.unlink()


def test_every_page_of_a_million_comes_within_a_second(million):
    """Takes about 20 seconds, nearly all of it to write the rows. Only the processor's time counts."""
    figures = {}
    for name, wanted in SINGLE.items():
        for before in (None, 500_000, 300):
            with measured() as took:
                found = million.find(wanted, before=before)
            figures[name, before] = took.seconds
            assert found or before or name in {"status, nothing", "until before all", "below all"}, name
    for name in ("days", "articles", "latency", "unanswered"):
        with measured() as took:
            assert getattr(million, name)(since=LONG_AGO)
        figures[name, None] = took.seconds
    for (name, before), seconds in figures.items():
        print(f"{seconds * 1000:8.1f} ms  {name}, before {before}")
    assert {case: seconds for case, seconds in figures.items() if seconds >= 1} == {}


def test_an_export_of_a_million_streams(million):
    """The first rows come at once and memory stays: rows are not gathered or sorted."""
    import tracemalloc

    with measured() as took:
        export = million.export(Filter(article="b3"))
        next(export)
    assert took.seconds < 1
    tracemalloc.start()
    assert sum(1 for _ in zip(range(20_000), export, strict=False)) == 20_000
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()
    export.close()
