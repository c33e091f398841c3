"""The data set of patients' questions is sound: numbers in range, parts kept apart, refusals without an answer."""

import json
from itertools import combinations

import pytest
from conftest import ROOT

FOLDER = ROOT / "tests/data/patient_questions"
PARTS = {
    "fit": 5920,
    "fit_further": 1826,
    "calibrate": 698,
    "held_out": 604,
    "held_out_libraries": 576,
    "held_out_named": 288,
}


def load(name):
    return [json.loads(line) for line in (FOLDER / name).read_text("utf-8").splitlines()]


ARTICLES = {item["article"]: item for item in load("articles.jsonl")}


@pytest.mark.parametrize("part", PARTS)
def test_questions_point_at_sentences_of_their_article(part):
    questions = load(f"{part}.jsonl")
    assert len({q["id"] for q in questions}) == len(questions) == PARTS[part]
    for question in questions:
        sentences = ARTICLES[question["article"]]["sentences"]
        assert question["answerable"] == bool(question["answers"])
        numbers = [n for key in ("answers", "partial", "near") for n in question[key]]
        assert all(0 <= n < len(sentences) for n in numbers)
        assert not set(question["answers"]) & {*question["near"], *question["partial"]}


@pytest.mark.parametrize(("one", "other"), list(combinations(PARTS, 2)))
def test_parts_share_no_article(one, other):
    # Questions may be the same by chance ("can i drive after"): what they are asked of is not.
    assert not {q["article"] for q in load(f"{one}.jsonl")} & {q["article"] for q in load(f"{other}.jsonl")}
