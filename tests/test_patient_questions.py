"""The data set of patients' questions is sound: numbers in range, parts kept apart, refusals without an answer."""

import json

import pytest
from conftest import ROOT

FOLDER = ROOT / "tests/data/patient_questions"


def load(name):
    return [json.loads(line) for line in (FOLDER / name).read_text("utf-8").splitlines()]


ARTICLES = {item["article"]: item for item in load("articles.jsonl")}


@pytest.mark.parametrize(("part", "count"), [("fit", 144), ("held_out", 294)])
def test_questions_point_at_sentences_of_their_own_part(part, count):
    questions = load(f"{part}.jsonl")
    assert len({q["id"] for q in questions}) == len(questions) == count
    for question in questions:
        article = ARTICLES[question["article"]]
        assert article["part"] == part
        assert question["answerable"] == bool(question["answers"])
        numbers = [n for key in ("answers", "partial", "near") for n in question[key]]
        assert all(0 <= n < len(article["sentences"]) for n in numbers)


def test_no_question_is_in_both_parts():
    assert not {q["question"] for q in load("fit.jsonl")} & {q["question"] for q in load("held_out.jsonl")}
