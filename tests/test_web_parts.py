"""The HTML pieces: nothing of an article, a question or a sidecar ever becomes markup."""

import html
from datetime import date, timedelta
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.journal import Day
from bot.types import (
    Answer,
    Article,
    Kind,
    Notice,
    Quote,
    Review,
    ReviewStatus,
    Role,
    Sentence,
    Source,
    Span,
    Status,
    Tag,
)
from bot.web.overview import _bars, _mean_ms, _step
from bot.web.parts import answer_html, context_url, esc, linked, marked, question_html, source_html, web_url
from bot.web.views import quotable_view
from bot.web.wiring import today
from bot.words import words_for

WORDS = words_for("US")
NASTY = "<script>alert(1)</script><img src=x onerror=alert(1)>${alert(1)}{{alert(1)}}$$x$$\t]]>\"'&amp;\r\n"


class Text(HTMLParser):
    """Collects the text and the tags that a browser would see."""

    def __init__(self, source):
        super().__init__(convert_charrefs=True)
        self.text, self.tags = "", []
        self.feed(source)

    def handle_data(self, data):
        self.text += data

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


def source(**changes):
    known = {"title": NASTY, "publisher": NASTY, "author": NASTY, "published": NASTY, "url": None}
    known |= {"sells_treatment": True, "licence": None, "review": Review(ReviewStatus.APPROVED)} | changes
    return Source("a", "a.txt", "", **known)


def answer(**changes):
    quote = Quote(Span("a", 5, 5 + len(NASTY)), NASTY, ((7, 12),), Role.BALANCE, 0.5, source(), frozenset({Tag.DOSE}))
    values = {
        "question": NASTY, "status": Status.ANSWERED, "routes": (), "message": NASTY,
        "notices": (Notice("x", NASTY),), "quotes": (quote,), "disclaimer": WORDS.disclaimer,
        "suggestions": (NASTY,), "snapshot": "s", "built_at": "2026-01-01", "trace_id": "abc",
    } | changes  # fmt: skip
    return Answer(**values)


@given(st.text(max_size=200))
def test_escaped_text_reads_back_exactly(text):
    text = text.replace("\0", "")
    parsed = html.unescape(esc(text))
    assert parsed == text
    assert "<" not in esc(text)


@given(st.text(max_size=60), st.lists(st.tuples(st.integers(-5, 70), st.integers(-5, 70)), max_size=3))
def test_marking_changes_no_character(text, ranges):
    assert html.unescape(marked(text, ranges).replace("<mark>", "").replace("</mark>", "")) == text


def test_a_hostile_answer_makes_no_tag_of_its_own():
    seen = Text(answer_html(answer(), WORDS) + question_html(NASTY, WORDS))
    allowed = {"article", "p", "figure", "blockquote", "mark", "figcaption", "cite", "span", "a", "strong", "button"}
    assert {tag for tag, _ in seen.tags} <= allowed | {"code", "div", "h2"}
    assert not any(name.startswith("on") for _, attrs in seen.tags for name in attrs)
    assert seen.text.count("<script>alert(1)</script>") >= 5


def test_an_article_to_be_approved_shows_what_may_be_quoted():
    text = f"Rest the joint. {NASTY} Call us now!"
    article = Article(source(), text)
    sentences = [
        Sentence(Span("a", 0, 15), Kind.BODY, ""),
        Sentence(Span("a", 16 + len(NASTY) + 1, len(text)), Kind.PROMOTION, "asks-to-call"),
    ]
    seen = quotable_view(article, sentences)
    assert '<mark class="may" title="may be quoted">Rest the joint.</mark>' in seen
    assert 'not quoted: asks-to-call (promotion)">Call us now!</mark>' in seen
    assert "<script>" not in seen
    endless = quotable_view(Article(source(), "a" * 2000), [Sentence(Span("a", 0, 2000), Kind.BODY, "running text")])
    assert 'title="not quoted: too long (body)"' in endless
    assert text.replace("\r\n", "\n") in Text(seen).text.replace("\r\n", "\n")


def test_unknown_facts_are_named_as_such():
    shown = Text(source_html(source(publisher=None, author=None, published=None, sells_treatment=None), WORDS)).text
    assert "not given" in shown
    assert WORDS.label_sells not in shown
    assert WORDS.label_sells in Text(source_html(source(), WORDS)).text


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", " https://a", "ftp://a", None, "https://a b"]
)
def test_only_web_addresses_become_links(url):
    assert web_url(url) is None


def test_numbers_of_the_fixed_texts_become_links_and_numbers_of_articles_do_not():
    assert 'href="tel:911"' in linked(WORDS.emergency)
    assert 'href="sms:988"' in answer_html(answer(status=Status.URGENT, quotes=(), message=WORDS.crisis), WORDS)
    quote = Quote(Span("a", 0, 11), "call 911 ok", (), Role.ANSWER, 1, source())
    assert "tel:" not in answer_html(answer(quotes=(quote,), message="m", notices=(), disclaimer="d"), WORDS)


def test_an_urgent_card_is_an_alert_with_the_number_first():
    shown = answer_html(answer(status=Status.URGENT, quotes=(), message=WORDS.emergency), WORDS)
    assert 'role="alert"' in shown
    assert Text(shown).text.index("911") < 80


def test_nobody_in_danger_is_asked_how_helpful_that_was():
    asked = WORDS.label_helpful
    assert asked in Text(answer_html(answer(), WORDS, feedback=True)).text
    urgent = answer(status=Status.URGENT, quotes=(), message=WORDS.crisis)
    assert asked not in Text(answer_html(urgent, WORDS, feedback=True)).text


def test_every_message_holds_the_disclaimer():
    assert WORDS.disclaimer in Text(answer_html(answer(), WORDS)).text


def test_a_context_link_names_article_and_offsets():
    assert context_url(answer().quotes[0].span) == f"article/a?s=5&e={5 + len(NASTY)}#hit"


@pytest.mark.parametrize(
    ("back", "bars", "step"), [((0,), 1, 1), ((30, 4), 31, 1), ((31,), 5, 7), ((200, 3), 29, 7), ((364, 0), 14, 28)]
)
def test_every_day_is_in_one_bar_and_days_without_questions_too(back, bars, step):
    days = [Day(today() - timedelta(number), {"answered": 2}, 10.0, 1, 0) for number in back]
    found = _bars(days)
    assert (len(found), _step(days)) == (bars, step)
    assert [day for _, own in found for day in own] == days
    starts = [date.fromisoformat(start) for start, _ in found]
    assert {(later - start).days for start, later in pairwise(starts)} <= {step}
    assert starts[0] == days[0].day


def test_the_mean_of_a_bar_weighs_its_days_by_their_answers():
    days = [Day(today(), {"answered": 3}, 10.0, 0, 0), Day(today(), {"answered": 1}, 50.0, 0, 0)]
    assert _mean_ms(days) == 20.0
    assert _mean_ms([]) == 0.0
    assert _bars([]) == []


def test_a_clock_that_was_set_back_breaks_no_chart():
    assert len(_bars([Day(today() + timedelta(2), {"answered": 1}, 1.0, 0, 0)])) == 1
