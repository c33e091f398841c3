"""The one door out: quotes are proven, disclaimers are always there, and start-up fails without them."""

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.compose import Composer
from bot.errors import QuoteError, WordsError
from bot.types import Article, Quote, Review, ReviewStatus, Role, Screening, Source, Span, Status
from bot.words import US, check_words, words_for

TEXT = "First “one”.\u00a0Then two 🙂. Last three."
SOURCE = Source("a", "a.txt", "0" * 64, "Title", None, None, None, None, None, None, Review(ReviewStatus.APPROVED))
ARTICLES = {"a": Article(SOURCE, TEXT)}
COMPOSER = Composer(words_for("US"), ARTICLES, snapshot="s", built_at="now")


def quote(start, end, text=None, article="a", highlights=()):
    return Quote(
        Span(article, start, end), TEXT[start:end] if text is None else text, highlights, Role.ANSWER, 1.0, SOURCE
    )


def answer(*quotes, status=Status.ANSWERED, message="m"):
    return COMPOSER.compose(Screening("q"), status, message, quotes=quotes)


@given(st.integers(0, len(TEXT) - 1), st.integers(1, len(TEXT)))
def test_every_true_slice_passes(start, length):
    end = min(len(TEXT), start + length)
    assert answer(quote(start, end)).quotes[0].text == TEXT[start:end]


@given(st.text(min_size=1, max_size=12), st.integers(0, len(TEXT) - 12))
def test_every_other_text_is_refused(text, start):
    end = start + len(text)
    if TEXT[start:end] != text:
        with pytest.raises(QuoteError):
            answer(quote(start, end, text))


@pytest.mark.parametrize(
    "bad",
    [
        quote(0, 5, article="unknown"),
        quote(5, 5, text=""),
        quote(0, 999, text=TEXT),
        quote(0, 5, highlights=((0, 6),)),
        quote(0, 12, text='First "one".'),  # straight quotes are not the article's
    ],
    ids=["unknown article", "empty", "outside", "highlight outside", "quotes changed"],
)
def test_a_false_quote_is_refused(bad):
    with pytest.raises(QuoteError):
        answer(bad)


def test_an_urgent_card_never_has_quotes():
    with pytest.raises(QuoteError):
        answer(quote(0, 5), status=Status.URGENT)


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("quotes", [(), (quote(0, 5),)])
def test_every_answer_has_its_disclaimer(status, quotes):
    if status is Status.URGENT and quotes:
        return
    found = answer(*quotes, status=status)
    assert "consult your physician" in found.disclaimer
    assert "911" in found.disclaimer
    assert not quotes or "not advice" in found.disclaimer


@pytest.mark.parametrize("name", [f.name for f in fields(US) if f.name != "about"])
@pytest.mark.parametrize("blank", ["", "  \n"])
def test_start_up_fails_on_a_blank_text(name, blank):
    with pytest.raises(WordsError, match=name):
        Composer(replace(US, **{name: blank}), ARTICLES, snapshot="s", built_at="now")


@pytest.mark.parametrize("name", ["disclaimer", "disclaimer_no_quotes", "banner"])
@pytest.mark.parametrize("lost", ["consult your physician", "911"])
def test_start_up_fails_when_a_disclaimer_lost_its_words(name, lost):
    broken = getattr(US, name).replace(lost, "something")
    with pytest.raises(WordsError, match=lost):
        check_words(replace(US, **{name: broken}))


def test_a_region_without_reviewed_texts_is_refused():
    with pytest.raises(WordsError, match=r"Region 'FR' .* BOT_REGION .* US"):
        words_for("FR")
