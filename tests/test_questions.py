"""The file of regression questions: every mistake is named with its line, and what is asked is what was written."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.answer import open_answerer
from bot.errors import CorpusError
from bot.questions import FAULT, Mark, Question, ask_all, ask_or_recall, read_questions, save_questions

GOOD = '{"id": "q1", "question": "how long does healing take"}'
ASKED = "how long does healing of the knee take"
HEALING = "Healing takes six weeks for most knees."


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "Invalid JSON"),
        ("[]", "object"),
        ("7", "object"),
        ('"words"', "object"),
        ('{"id": "q2"}', "question: Field required"),
        ('{"question": "what"}', "id: Field required"),
        ('{"id": "", "question": "what"}', "id: "),
        ('{"id": "../x", "question": "what"}', "id: "),
        ('{"id": "q2", "question": ""}', "question: "),
        ('{"id": "q2", "question": "   "}', "question: "),
        ('{"id": "q2", "question": 5}', "question: "),
        ('{"id": "q2", "question": "what", "mustnot": []}', "mustnot: Extra"),
        ('{"id": "q2", "question": "what", "status": "maybe"}', "status: "),
        ('{"id": "q2", "question": "what", "must": [{"article": "a"}]}', "must.0.words: Field required"),
        ('{"id": "q2", "question": "what", "must": [{"article": "a", "words": " "}]}', "must.0.words: "),
        ('{"id": "q2", "question": "what", "must_not": [{"article": "a", "words": ""}]}', "must_not.0.words: "),
        ('{"id": "q2", "question": "what", "turns": "earlier"}', "turns: "),
        (GOOD, "the id 'q1' is there already"),
        (b'{"id": "q2", "question": "\xff"}', "Invalid JSON"),
        ('{"id": "q2", "question": "\\ud800"}', "Invalid JSON"),
        ("[" * 5000, "Invalid JSON"),
    ],
)
def test_a_malformed_line_is_named_with_its_number(tmp_path, line, says):
    data = line if isinstance(line, bytes) else line.encode()
    (tmp_path / "questions.jsonl").write_bytes(GOOD.encode() + b"\n\n" + data + b"\n")
    with pytest.raises(CorpusError) as caught:
        read_questions(tmp_path)
    told = str(caught.value)
    assert told.startswith(f"{tmp_path / 'questions.jsonl'}:3: ")
    assert says in told
    assert len(told) < 600


def test_no_file_or_an_empty_one_is_no_question(tmp_path):
    assert read_questions(tmp_path) == ()
    (tmp_path / "questions.jsonl").write_bytes(b"\n \r\n")
    assert read_questions(tmp_path) == ()


def test_a_file_as_other_editors_write_it_is_read(tmp_path):
    (tmp_path / "questions.jsonl").write_bytes(b"\xef\xbb\xbf" + GOOD.encode() + b"\r\n")
    assert [question.id for question in read_questions(tmp_path)] == ["q1"]


def test_a_file_that_cannot_be_read_or_written_is_named(tmp_path):
    (tmp_path / "questions.jsonl").mkdir()
    with pytest.raises(CorpusError, match=r"questions\.jsonl cannot be read"):
        read_questions(tmp_path)
    with pytest.raises(CorpusError, match=r"questions\.jsonl cannot be written"):
        save_questions(tmp_path, ())
    assert [path.name for path in tmp_path.iterdir()] == ["questions.jsonl"]


text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40).filter(lambda t: f"a{t}b".strip(t))
words = st.builds(lambda inner: f"w{inner}", text)
marks = st.lists(st.builds(Mark, article=words, words=words), max_size=2).map(tuple)
questions = st.lists(
    st.builds(
        Question,
        id=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,20}", fullmatch=True),
        question=words,
        turns=st.lists(words, max_size=2).map(tuple),
        must=marks,
        must_not=marks,
        status=st.sampled_from([None, "answered", "no_evidence", "declined", "urgent"]),
        by=text,
    ),
    max_size=4,
    unique_by=lambda question: question.id,
)


@given(questions)
def test_what_is_saved_is_read_back(tmp_path_factory, made):
    folder = tmp_path_factory.mktemp("round")
    save_questions(folder, made)
    assert read_questions(folder) == tuple(made)
    assert len((folder / "questions.jsonl").read_bytes().split(b"\n")) == len(made) + 1
    assert all(json.loads(line) for line in (folder / "questions.jsonl").read_bytes().splitlines() if line.strip())


@pytest.fixture(scope="module")
def clinic(small_index):
    made = small_index({"knee": f"{HEALING} Swelling is a common side effect of knee surgery."})
    return open_answerer(made.model_copy(update={"answer_threshold": 0.0, "extra_threshold": 0.0}))


@pytest.mark.parametrize(
    ("checks", "problem"),
    [
        ({}, ""),
        ({"must": [Mark(article="knee", words="six weeks")]}, ""),
        ({"must": [Mark(article="knee", words="six months")]}, "does not quote knee: 'six months'"),
        ({"must": [Mark(article="hip", words="six weeks")]}, "does not quote hip: 'six weeks'"),
        ({"must_not": [Mark(article="knee", words="six months")]}, ""),
        ({"must_not": [Mark(article="knee", words="six weeks")]}, "quotes knee: 'six weeks'"),
        ({"status": "answered"}, ""),
        ({"status": "no_evidence"}, "is answered, not no_evidence"),
    ],
)
def test_each_check_holds_or_says_what_is_wrong(clinic, checks, problem):
    (result,) = ask_all(clinic, [Question(id="q", question=ASKED, **checks)])
    assert result.problems == ((problem,) if problem else ())
    assert result.status == "answered"
    assert ("knee", HEALING) in result.shown


def test_an_urgent_message_can_be_asked_for(clinic):
    (result,) = ask_all(clinic, [Question(id="q", question="I have crushing chest pain", status="urgent")])
    assert result.problems == ()
    assert result.shown == ()


def test_earlier_turns_are_part_of_the_question(clinic):
    long = "how long does it take"
    asked = [Question(id="a", question=long), Question(id="b", question=long, turns=("healing of the knee",))]
    alone, after = ask_all(clinic, asked)
    assert ("knee", HEALING) in after.shown
    assert alone.question.turns == ()


def test_a_result_is_asked_for_once(clinic, notes):
    times = []

    def opened():
        times.append(1)
        return clinic

    one, other = Question(id="a", question=ASKED), Question(id="b", question="is swelling common")
    first = ask_or_recall(opened, [one], "snapshot", notes)
    assert first == ask_all(clinic, [one])
    assert ask_or_recall(opened, [one], "snapshot", notes) == first
    assert len(times) == 1
    both = ask_or_recall(opened, [other, one], "snapshot", notes)
    assert both == ask_all(clinic, [other, one])
    assert len(times) == 2
    stricter = one.model_copy(update={"must": (Mark(article="knee", words="six months"),)})
    for questions, about in (([one], "another snapshot"), ([stricter], "snapshot")):
        assert ask_or_recall(opened, questions, about, notes) == ask_all(clinic, questions)
    assert len(times) == 4


def test_a_fault_is_told_and_not_remembered(clinic, notes):
    broken = open_answerer(clinic.settings)
    broken.library = replace(broken.library, engines=None)
    question = Question(id="a", question=ASKED)
    (result,) = ask_or_recall(lambda: broken, [question], "snapshot", notes)
    assert result.problems == (FAULT,)
    assert ask_or_recall(lambda: clinic, [question], "snapshot", notes) == ask_all(clinic, [question])
