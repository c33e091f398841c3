"""The one door out: every answer of every entrance is made here, with its quotes proven and its disclaimer added."""

import secrets
from collections.abc import Mapping
from typing import Any

from bot.errors import QuoteError
from bot.types import (
    Answer,
    Article,
    Notice,
    Quote,
    Review,
    ReviewStatus,
    Role,
    Route,
    Screening,
    Source,
    Span,
    Status,
    Topic,
)
from bot.words import Words, check_words

# No letters or digits that are read wrongly over the telephone.
CODE_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


class Composer:
    """Holds the fixed words and the articles that quotes are proven against.

    Raises:
        WordsError: a disclaimer is blank or lacks its required words: the program then refuses to start.
    """

    def __init__(self, words: Words, articles: Mapping[str, Article], *, snapshot: str, built_at: str) -> None:
        self.words = check_words(words)
        self._articles = articles
        self._snapshot, self._built_at = snapshot, built_at

    def compose(
        self,
        screening: Screening,
        status: Status,
        message: str,
        *,
        quotes: tuple[Quote, ...] = (),
        notices: tuple[Notice, ...] = (),
        suggestions: tuple[str, ...] = (),
        topics: tuple[Topic, ...] = (),
    ) -> Answer:
        """Return the answer, its disclaimer added and every quote and topic compared with its article.

        Raises:
            QuoteError: one is not the slice of its article that it claims to be; nothing may be shown.
        """
        for quote in quotes:
            prove(quote, self._articles)
        for topic in topics:
            _prove_words(topic.span, topic.text, self._articles)
        if status is Status.URGENT and quotes:
            raise QuoteError("An urgent card must stand alone, but quotes came with it.")
        words = self.words
        return Answer(
            question=screening.redacted,
            status=status,
            routes=screening.routes,
            message=message,
            notices=(*screening.notices, *notices),
            quotes=quotes,
            disclaimer=words.disclaimer if quotes else words.disclaimer_no_quotes,
            suggestions=suggestions,
            snapshot=self._snapshot,
            built_at=self._built_at,
            trace_id="".join(secrets.choice(CODE_LETTERS) for _ in range(10)),
            topics=topics,
        )


def prove(quote: Quote, articles: Mapping[str, Article]) -> None:
    """Compare ``quote`` with its article, character by character.

    Raises:
        QuoteError: the article is unknown, the offsets are outside it, or the words differ.
    """
    span = quote.span
    _prove_words(span, quote.text, articles)
    if not all(span.start <= start < end <= span.end for start, end in quote.highlights):
        raise QuoteError(f"A highlight of '{span.article}' lies outside its quote {span.start}..{span.end}.")


def _prove_words(span: Span, text: str, articles: Mapping[str, Article]) -> None:
    article = articles.get(span.article)
    if article is None:
        raise QuoteError(f"A quote names the article '{span.article}', which is not in the index.")
    if not 0 <= span.start < span.end <= len(article.text):
        raise QuoteError(f"A quote of '{span.article}' has offsets {span.start}..{span.end} outside the article.")
    if article.slice(span) != text:
        raise QuoteError(f"A quote of '{span.article}' at {span.start}..{span.end} differs from the article.")


def restored(data: Mapping[str, Any], articles: Mapping[str, Article] | None) -> Answer:
    """Return the answer that ``bot.wire.answer_to_dict`` wrote, to be shown to staff as it was given.

    Its quotes were proven then, and are proven again with the ``articles`` of its snapshot; None: that one is gone.

    Raises:
        QuoteError: a quote is not what its article says.
        KeyError, ValueError: it is not what ``answer_to_dict`` writes.
    """
    quotes = tuple(_quote_from(one) for one in data["quotes"])
    for quote in quotes if articles is not None else ():
        prove(quote, articles or {})
    named = data.get("topics", ())  # answers of earlier versions have none
    topics = tuple(Topic(Span(one["article"], one["start"], one["end"]), one["text"]) for one in named)
    for topic in topics if articles is not None else ():
        _prove_words(topic.span, topic.text, articles or {})
    return Answer(
        question=data["question"],
        status=Status(data["status"]),
        routes=tuple(Route(name) for name in data["routes"]),
        message=data["message"],
        notices=tuple(Notice(one["rule"], one["text"]) for one in data["notices"]),
        quotes=quotes,
        disclaimer=data["disclaimer"],
        suggestions=tuple(data["suggestions"]),
        snapshot=data["index"]["snapshot"],
        built_at=data["index"]["built_at"],
        trace_id=data["trace_id"],
        topics=topics,
    )


def _quote_from(data: Mapping[str, Any]) -> Quote:
    about = dict(data["source"])
    review = Review(ReviewStatus.APPROVED)  # nothing else is ever quoted
    source = Source(id=data["article"], file=data["article"], sha256="", licence=None, review=review, **about)
    return Quote(
        span=Span(data["article"], data["start"], data["end"]),
        text=data["text"],
        highlights=tuple((start, end) for start, end in data["highlights"]),
        role=Role(data["role"]),
        score=data["score"],
        source=source,
        page=data["page"],
    )
