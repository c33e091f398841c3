"""Unanswered questions in groups: each in one, near wordings together, different ones apart."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from speed import measured

from bot.embed import OnnxEncoder
from bot.gaps import SHOWN, group

TOPICS = [
    ["do you take my insurance", "does my insurance pay for it", "will insurance cover the cost"],
    ["where can i park", "where do i park my car", "where should i park"],
    ["can i bring my dog", "may my dog come with me"],
    ["what should i eat before surgery", "what can i eat before the operation"],
    ["how do i get a copy of my records"],
    ["who won the football match"],
]
QUESTIONS = [question for topic in TOPICS for question in topic]


@pytest.fixture(scope="module")
def encoder(built):
    return OnnxEncoder(next(built.index.glob("*/encoder")), threads=2)


def test_near_wordings_are_together_and_others_apart(encoder):
    found = [{QUESTIONS[m] for m in gap.members} for gap in group(QUESTIONS, encoder)]
    assert sorted(map(sorted, found)) == sorted(map(sorted, TOPICS))


def test_the_most_asked_comes_first_with_its_wordings(encoder):
    asked = [*QUESTIONS, *["where can i park"] * 3]
    first = group(asked, encoder)[0]
    assert first.typical in TOPICS[1]
    assert {first.typical, *first.wordings} == set(TOPICS[1])
    assert [len(gap.members) for gap in group(asked, encoder)] == [6, 3, 2, 2, 1, 1]


def test_the_order_of_the_questions_decides_nothing(encoder):
    def sets(questions):
        return {frozenset(questions[m] for m in gap.members): gap.typical for gap in group(questions, encoder)}

    mixed = random.Random(1).sample(QUESTIONS, len(QUESTIONS))
    assert group(QUESTIONS, encoder) == group(QUESTIONS, encoder)
    assert sets(mixed) == sets(QUESTIONS)


@settings(max_examples=20)
@given(
    questions=st.lists(st.sampled_from([*QUESTIONS, "", " ", "?", "🙂", "a\nb"]) | st.text(max_size=20), max_size=20)
)
def test_every_question_is_in_exactly_one_group(encoder, questions):
    found = group(questions, encoder)
    assert sorted(m for gap in found for m in gap.members) == list(range(len(questions)))
    for gap in found:
        wordings = {questions[m] for m in gap.members}
        assert gap.typical in wordings
        assert set(gap.wordings) <= wordings - {gap.typical}
        assert len(gap.wordings) == min(SHOWN, len(wordings) - 1)
    assert [len(gap.members) for gap in found] == sorted((len(gap.members) for gap in found), reverse=True)


def test_a_thousand_questions_in_ten_seconds(encoder):
    chance = random.Random(7)
    words = (
        "pain knee diet sleep work drive swim cost park visit child night tablet scan nurse bill travel scar".split()
    )
    asked = [f"can i {' '.join(chance.sample(words, 4))} number {n}" for n in range(1000)]
    with measured() as took:
        found = group(asked, encoder)
    assert sum(len(gap.members) for gap in found) == 1000
    assert took.seconds < 10
