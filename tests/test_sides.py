"""Where articles do not agree: amounts apart, safe against harm; both sides over a library of another subject."""

import pytest

from bot.sides import amounts, disagree
from bot.types import Quote, Review, ReviewStatus, Role, Source, Span, Tag

DAY = 86400.0


def quote(text, article, *tags):
    review = Review(ReviewStatus.APPROVED)
    source = Source(article, article, "", article, None, None, None, None, None, None, review)
    return Quote(Span(article, 0, len(text)), text, ((0, len(text)),), Role.ANSWER, 0.5, source, frozenset(tags))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Relief lasts 3 to 4 days.", [("time", 3 * DAY, 4 * DAY)]),
        ("It takes an hour.", [("time", 3600, 3600)]),
        ("About 60% feel better.", [("percent", 60, 60)]),
        ("It costs $1,200 to $400.", [("money", 400, 1200)]),
        ("Most people need six sessions.", [("session", 6, 6)]),
        ("One person left.", []),
        ("It affects about 1 in 20 patients.", [("percent", 5, 5)]),
        ("Two out of ten need it for 3 days.", [("percent", 20, 20), ("time", 3 * DAY, 3 * DAY)]),
        ("Version 2.0.1", []),
    ],
)
def test_amounts(text, found):
    assert [(a.unit, a.low, a.high) for a in amounts(text)] == found


@pytest.mark.parametrize(
    ("one", "other", "kinds", "apart"),
    [
        ("It lasts 2 days.", "Relief lasts three months.", {"duration"}, True),
        ("It lasts 2 days.", "Relief lasts three months.", {"cost"}, False),
        ("It lasts 2 to 5 days.", "Relief lasts 4 days.", {"duration"}, False),
        ("It lasts 2 days.", "It costs $400.", {"duration", "cost"}, False),
        ("Plan 3 sessions.", "Plan ten sessions.", {"number"}, True),
        ("A session takes 45 minutes.", "Relief lasts six months.", {"duration"}, False),
        ("Relief lasts 6 hours.", "Relief lasts six weeks.", {"duration"}, True),
    ],
)
def test_amounts_that_lie_apart_disagree(one, other, kinds, apart):
    assert disagree(quote(one, "a"), quote(other, "b"), frozenset(kinds)) is apart


def test_an_article_never_disagrees_with_itself():
    assert not disagree(quote("It lasts 2 days.", "a"), quote("It lasts 9 weeks.", "a"), frozenset({"duration"}))


def test_safe_against_harm_disagrees_when_harm_is_asked():
    safe, harm = quote("It is safe.", "a", Tag.SAFETY), quote("Bleeding can follow.", "b", Tag.HARM)
    both = quote("It is safe, but bleeding can follow.", "b", Tag.SAFETY, Tag.HARM)
    assert disagree(safe, harm, frozenset({"harm"}))
    assert disagree(harm, safe, frozenset({"harm"}))
    assert not disagree(safe, harm, frozenset({"duration"}))
    assert not disagree(safe, both, frozenset({"harm"}))
