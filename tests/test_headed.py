"""A question that a heading asks is answered from its paragraph; nothing is quoted there that may not be quoted."""

import pytest

from bot.answer import open_answerer
from bot.types import Status

LEAFLET = """# Night splints

A splint holds the foot while you sleep.

## What are the risks?

One in ten people have a sore heel for some days. The strap may rub the skin.

## Care

Wash the splint once a week.

## Book today

Call us today for your free consultation!
"""
BLOG = """# Our blog

## Risks

Some people sleep badly at first.
"""


@pytest.fixture(scope="module")
def splints(small_index):
    return open_answerer(small_index({"leaflet": LEAFLET, "blog": BLOG}))


@pytest.mark.parametrize(
    "question", ["what are the risks", "RISKS", "tell me about the risks", "please explain the risk"]
)
def test_the_paragraphs_of_its_heading_answer_a_question(splints, question):
    trace = splints.answer(question)
    shown = [quote.text for quote in trace.answer.quotes]
    assert trace.answer.status is Status.ANSWERED
    assert {"Some people sleep badly at first.", "The strap may rub the skin."} <= set(shown)
    headed = [hit for hit in trace.hits if hit.headed]
    assert len(headed) == 3
    assert all(hit.probability >= 0.5 for hit in headed)
    first = {splints.library.rows[hit.row].sentence.span.article for hit in trace.hits[:2]}
    assert first == {"leaflet", "blog"}  # one of each paragraph before a second one of any


@pytest.mark.parametrize("question", ["what are the risks of bananas", "who makes it", "book today"])
def test_no_other_question_is_answered_by_a_heading(splints, question):
    trace = splints.answer(question)
    assert not any(hit.headed for hit in trace.hits)
    assert not any("free consultation" in quote.text for quote in trace.answer.quotes)
