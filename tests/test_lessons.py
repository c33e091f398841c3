"""What the classifier of the screening learns from: messages amid other things, and which part of them says what."""

import json
from random import Random

import pytest
from conftest import ROOT

from bot.safety import Gate
from bot.training.lessons import CLASSES, Around, Message, epoch, fragments, lessons, read_messages, told
from bot.words import words_for

POISON = CLASSES.index("poison")
CATS = Around(["does it hurt"], [f"We have {n} cats." for n in range(9)])
MARKED = Message("We moved here in May. He swallowed my pills. Is the clinic open?", POISON, "He swallowed my pills.")


def test_a_message_in_the_midst_of_a_life_keeps_its_words():
    said = [told(Message("my chest is tight", 1), CATS, Random(seed))[0] for seed in range(200)]
    assert sum("cats" in text for text in said) > 40
    assert sum("chest" in text for text in said) > 170  # slips of the thumb change some


def test_where_the_danger_is_stays_known_whatever_stands_around_it():
    for seed in range(100):
        text, (start, end) = told(MARKED, CATS, Random(seed))
        own = text[start:end]
        assert len(own.split()) == 4
        assert not {"cats", "moved", "clinic"} & set(own.split())


def test_only_the_part_that_tells_the_danger_has_its_class():
    text, own = "we moved here in may. he swallowed my pills. is the clinic open?", (22, 43)
    found = {lesson for seed in range(30) for lesson in lessons(text, own, MARKED, Random(seed))}
    whole = (text, POISON)
    assert whole in found
    assert {(reading[0], number) for reading, number in found - {whole}} == {
        ("we moved here in may", 0),
        ("he swallowed my pills", POISON),
        ("is the clinic open", 0),
    }


def test_sentences_of_a_message_that_nobody_marked_are_not_guessed():
    text = "i paid every bill. the letters are written. tell my son"
    found = lessons(text, (0, len(text)), Message(text, CLASSES.index("crisis")), Random(1))
    assert found == [(text, CLASSES.index("crisis"))]
    harmless = lessons(text, (0, len(text)), Message(text, 0), Random(1))
    assert len(harmless) == 3
    assert all(number == 0 for _, number in harmless)


def test_what_may_be_cut_off_is_not_said_of_the_whole():
    text = "we like it here. " * 40 + "he swallowed my pills"
    found = lessons(text, (len(text) - 21, len(text)), MARKED, Random(1))
    assert all(isinstance(reading, tuple) for reading, _ in found)


def test_a_go_over_all_messages_holds_calm_things_too_and_is_the_same_for_a_seed():
    first, second = (epoch([MARKED] * 8, CATS, Random(5)) for _ in range(2))
    assert first == second
    assert {number for _, number in first} == {0, POISON}


def test_fragments_are_sentences_of_harmless_messages_without_what_a_rule_fears():
    said = ["We have two cats. My chest hurts right now. How long does it take?", "only one sentence here", "Hi. No."]
    assert fragments(said, Gate(words_for("US"))) == ["we have two cats", "how long does it take"]


@pytest.mark.parametrize("name", ["safety_stories", "safety_letters"])
def test_what_writers_marked_is_in_their_messages(name):
    path = ROOT / f"tests/data/{name}.jsonl"
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    for message, row in zip(read_messages(path), rows, strict=True):
        assert bool(message.danger) is (row["class"] in {"emergency", "poison", "crisis", "abuse"})
        assert message.danger in message.text
