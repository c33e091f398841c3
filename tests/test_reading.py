"""What the classifier reads of a message: the whole, and each part with its neighbours."""

from bot.safety.normalise import sentences
from bot.safety.reading import LONGEST, MOST, parts, readings


def test_a_single_sentence_is_read_once():
    assert readings("does it hurt a lot?") == ["does it hurt a lot?"]


def test_one_or_two_words_are_left_to_the_rules():
    assert readings("hello there") == []
    assert readings("hi. help") == []


def test_each_sentence_is_read_beside_its_neighbours():
    text = "we moved in may. the dog is with my sister. we are away for a week. what does it cost?"
    assert readings(text) == [
        text,
        ("we moved in may", "we moved in may. the dog is with my sister"),
        ("the dog is with my sister", "we moved in may. the dog is with my sister. we are away for a week"),
        ("we are away for a week", "the dog is with my sister. we are away for a week. what does it cost"),
        ("what does it cost", "we are away for a week. what does it cost"),
    ]


def test_a_sentence_without_end_is_read_in_parts_that_overlap_and_none_of_it_is_lost():
    words = [f"word{number}" for number in range(100)]
    found = [text.split() for text, _ in readings(" ".join(words))[1:]]
    assert max(map(len, found)) == LONGEST
    assert set(sum(found, [])) == set(words)
    for place in range(99):  # any two neighbours stand together in one of them
        assert any(words[place : place + 2] == part[n : n + 2] for part in found for n in range(len(part)))


def test_the_parts_are_the_sentences_that_the_rules_see():
    text = "i took 0.5 mg at 9.30 today!! then i slept; no\nwhat now is right? ok"
    longer = [one for one in sentences(text) if len(one.split()) > 2]
    assert [text[start:end] for start, end in parts(text)] == longer


def test_an_endless_message_is_read_in_bounded_time():
    assert len(readings("we have two cats and a dog. " * 500)) == MOST + 1
