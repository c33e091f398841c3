"""Follow-ups: what leans on earlier turns, and what stands alone."""

import pytest

from bot.followup import leans, resolve


@pytest.mark.parametrize(
    ("turns", "question", "searched"),
    [
        ((), "how long does it last", "how long does it last"),
        # The question says itself what it asks for: only the subject is brought back.
        (("does knee surgery hurt",), "how long does that last", "knee surgery how long does that last"),
        (("does knee surgery hurt",), "and for children?", "does knee surgery hurt and for children?"),
        (("does knee surgery hurt",), "why?", "does knee surgery hurt why?"),
        (
            ("does knee surgery hurt", "how long does that last"),
            "and for my mum?",
            "does knee surgery hurt how long does that last and for my mum?",
        ),
        (
            ("does knee surgery hurt",),
            "who should not have a nerve block for shoulder pain",
            "who should not have a nerve block for shoulder pain",
        ),
        (("does knee surgery hurt",), "new question: is it swollen?", "new question: is it swollen?"),
        # A correction and a change of topic: the last turn that stands alone counts.
        (
            ("does knee surgery hurt", "new topic: what do dental implants cost", "and how long do they last"),
            "are they safe?",
            "dental implants are they safe?",
        ),
    ],
)
def test_resolve(turns, question, searched):
    assert resolve(question, turns) == searched


def test_a_slip_of_the_thumb_does_not_hide_what_is_asked_for(answerer):
    correct = answerer.library.speller.correct
    assert resolve("is it adictive", ("does knee surgery hurt",)) == "does knee surgery hurt is it adictive"
    assert resolve("is it adictive", ("does knee surgery hurt",), correct) == "knee surgery is it adictive"
    turns = ("how long does the relief last",)
    assert answerer.answer("is it adictive", turns).query == "relief is it adictive"


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("what are the side effects of a nerve block", False),
        ("is it safe to drive a car home after surgery", False),
        ("is it safe?", True),
        ("how long?", True),
        ("so what about my back", True),
    ],
)
def test_leans(question, expected):
    assert leans(question) is expected
