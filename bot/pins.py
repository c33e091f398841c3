"""Passages that a person pinned to a question: they come first for it and for near wordings of it.

A pin changes the order alone: what may not be quoted is not quoted, and a claim still brings its risk.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bot.library import Library
from bot.types import Article, Hit

NEAR = 0.85  # cosine from which a question counts as another wording of a pinned one


class Pins:
    """The pins of a library, their questions encoded."""

    def __init__(self, library: Library) -> None:
        found = [(pin, article) for article in library.articles.values() for pin in article.source.pins]
        self._library = library
        self._rows = [_rows(library, article, pin.words) for pin, article in found]
        self._vectors = library.encoder.documents([pin.question for pin, _ in found])[0] if found else None

    def rows(self, question: str) -> tuple[int, ...]:
        """Return the sentences that are pinned to ``question`` or to a near wording, the nearest first."""
        if self._vectors is None:
            return ()
        nearness = self._vectors @ self._library.encoder.query(question)[0]
        order = np.argsort(-nearness, kind="stable")
        return tuple(dict.fromkeys(row for n in order if nearness[n] >= NEAR for row in self._rows[n]))


def put_first(hits: Sequence[Hit], rows: Sequence[int], *, part: int) -> tuple[Hit, ...]:
    """Return ``hits`` with the pinned ``rows`` before all others, at probability 1."""
    known = {hit.row: hit for hit in hits}
    pinned = [replace(known.get(row, Hit(row, part=part)), probability=1.0, pinned=True) for row in rows]
    return (*pinned, *(hit for hit in hits if hit.row not in rows))


def _rows(library: Library, article: Article, words: str) -> list[int]:
    """Return the sentences of ``article`` that hold some of ``words``."""
    start = article.text.find(words)
    end = start + len(words)
    spans = enumerate(row.sentence.span for row in library.rows)
    return [n for n, span in spans if span.article == article.source.id and span.start < end and start < span.end]
