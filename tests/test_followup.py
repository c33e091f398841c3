"""Follow-ups: what leans on earlier turns, and what stands alone."""

import pytest

from bot.followup import leans, resolve


@pytest.mark.parametrize(
    ("turns", "question", "searched"),
    [
        ((), "how long does it last", "how long does it last"),
        # The question says itself what it asks for: only the subject is brought back.
        (("does knee surgery hurt",), "how long does that last", "knee surgery how long does that last"),
        (
            ("what are the side effects of knee surgery",),
            "how long do those last",
            "side effects knee surgery how long do those last",
        ),
        (("what are the risks of knee surgery",), "how long does that last", "knee surgery how long does that last"),
        (
            ("how long does one dental implant last",),
            "will they fit a child",
            "does one dental implant last will they fit a child",
        ),
        (
            ("what helps with long covid",),
            "will that hurt my heart",
            "helps long covid will that hurt my heart",
        ),
        (("how much do crutches cost",), "is that normal", "how much do crutches cost is that normal"),
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


TITLES = frozenset(["knee", "surgeri", "dental", "implant"])


@pytest.mark.parametrize(
    ("turns", "question", "searched"),
    [
        # A whole question: of what came before only the treatment, not what was asked of it.
        (("is knee surgery risky",), "does it affect the bladder", "knee surgery does it affect the bladder"),
        (("can you get addicted",), "does it affect the bladder", "does it affect the bladder"),
        (
            ("is knee surgery risky",),
            "and will insurance pay for it?",
            "knee surgery and will insurance pay for it?",
        ),
        (("do dental implants hurt",), "why not just take ibuprofen", "dental implants why not just take ibuprofen"),
        # These point at what was named, or say nothing of their own.
        (("knee surgery swelling",), "do those go down at night", "knee surgery swelling do those go down at night"),
        (("knee surgery swelling",), "does it go away", "knee surgery swelling does it go away"),
        (("does knee surgery hurt",), "and swelling?", "does knee surgery hurt and swelling?"),
        (("does knee surgery hurt",), "what about my left hip", "does knee surgery hurt what about my left hip"),
    ],
)
def test_a_question_with_words_of_its_own_leaves_behind_what_was_asked_before(turns, question, searched):
    assert resolve(question, turns, topics=TITLES) == searched


def test_the_words_of_titles_say_which_treatment_is_meant(answerer):
    assert {"ketamin", "infus"} <= answerer.library.topics
    turns = ("can you get addicted to ketamine",)
    assert answerer.answer("does it harm the bladder", turns).query == "ketamine does it harm the bladder"


def test_a_slip_of_the_thumb_does_not_hide_what_is_asked_for(answerer):
    correct = answerer.library.speller.correct
    assert resolve("also adictive?", ("do knee braces hurt",)) == "do knee braces hurt also adictive?"
    assert resolve("also adictive?", ("do knee braces hurt",), correct) == "knee braces also adictive?"
    turns = ("what are the boosters",)
    assert answerer.answer("are they adictive", turns).query == "boosters are they adictive"


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
