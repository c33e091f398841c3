"""Paragraphs whose heading says what is asked: the author's own word for what answers the question.

"What are the risks" is too short for the evidence models, which read sentence by sentence; the heading "Risks" is not.
Such a sentence comes first, as one that is as likely right as wrong: what may not be quoted is not quoted, and a claim
still brings its risk.
"""

from collections.abc import Sequence
from dataclasses import replace

from bot.lexical import terms
from bot.library import Library
from bot.types import Hit

LIKELY = 0.5  # least probability; of the few held-out questions that are a heading, the paragraph answered each
# Said around anything that is asked for.
AROUND = frozenset(terms("tell know explain say information please"))


class Headings:
    """The paragraphs of a library by the content words of the heading right above them."""

    def __init__(self, library: Library) -> None:
        self._subject = library.subject
        self._rows: dict[frozenset[str], list[tuple[int, ...]]] = {}
        below: dict[int, list[int]] = {}
        for row, found in enumerate(library.rows):
            if library.passages[found.passage].heading and not library.unquotable(row):
                below.setdefault(found.passage, []).append(row)
        known = set()
        for number, rows in below.items():
            heading = library.passages[number].heading
            if heading and heading not in known:
                known.add(heading)
                words = self._words(library.articles[heading.article].slice(heading))
                self._rows.setdefault(words, []).append(tuple(rows))

    def rows(self, question: str) -> tuple[tuple[int, ...], ...]:
        """Return the sentences of each paragraph under a heading with the content words of ``question``."""
        words = self._words(question)
        return tuple(self._rows.get(words, ())) if words else ()

    def _words(self, text: str) -> frozenset[str]:
        words = frozenset(terms(text)) - AROUND
        return words - self._subject or words


def lead(hits: Sequence[Hit], paragraphs: Sequence[Sequence[int]], *, part: int) -> tuple[Hit, ...]:
    """Return ``hits`` with the sentences of ``paragraphs`` (rows) before all others, marked ``headed``.

    The best sentence of each paragraph comes first, then the others in the order of ``hits``.
    """
    rank = {hit.row: place for place, hit in enumerate(hits)}
    known = {hit.row: hit for hit in hits}

    def order(row: int) -> tuple[int, int]:
        return rank.get(row, len(rank)), row

    best = sorted((min(rows, key=order) for rows in paragraphs), key=order)
    rest = sorted((row for rows in paragraphs for row in rows if row not in best), key=order)
    headed = [known.get(row, Hit(row, part=part)) for row in (*best, *rest)]
    headed = [replace(hit, headed=True, probability=max(hit.probability, LIKELY)) for hit in headed]
    return (*headed, *(hit for hit in hits if hit.row not in {*best, *rest}))
