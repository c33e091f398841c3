"""Late interaction: each word of the question meets its best word of the sentence (MaxSim), rare words count more.

The score of a sentence is the mean over the question's tokens, weighted by inverse document frequency, of the
highest cosine with a token of the sentence: -1..1. After Khattab & Zaharia, ColBERT (SIGIR 2020).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bot.interfaces import Matrix, Rows


class Sliced(Protocol):
    """A matrix (tokens, dim) in half precision, in memory or on disk, that gives some of its rows."""

    def __getitem__(self, rows: slice, /) -> NDArray[np.float16]:
        """Return ``rows``."""
        ...


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of some sentences.

    ``vectors`` (tokens, dim) and ``ids`` (tokens,) of all sentences one after the other; sentence ``n`` has those
    from ``offsets[n]`` to ``offsets[n + 1]``.
    """

    vectors: Sliced
    ids: NDArray[np.int32]
    offsets: NDArray[np.int64]

    @property
    def rows(self) -> int:
        """Return how many sentences these are."""
        return len(self.offsets) - 1


class TokenStore:
    """The token vectors of every sentence, article by article, and how rare each token is."""

    def __init__(self, parts: Sequence[Tokens]) -> None:
        self._parts = tuple(parts)
        self._starts = np.concatenate([[0], np.cumsum([part.rows for part in parts])]).astype(np.int64)
        self._rows = int(self._starts[-1])
        self._frequency = _document_frequency(self._parts)

    def scores(self, query: Matrix, query_ids: list[int], rows: Rows) -> Matrix:
        """Return the score of each of ``rows`` for a question's token vectors (tokens, dim): (len(rows),)."""
        if not len(query):
            return np.zeros(len(rows), dtype=np.float32)
        weights = self._weights(query_ids)
        found = np.zeros(len(rows), dtype=np.float32)
        for place, row in enumerate(rows.tolist()):
            part, start, end = self._place(row)
            if end > start:
                cosines = query @ part.vectors[start:end].astype(np.float32).T
                found[place] = float(cosines.max(axis=1) @ weights)
        return found

    def _place(self, row: int) -> tuple[Tokens, int, int]:
        """Return where the tokens of ``row`` are: their article's, the first one, the one after the last."""
        number = int(np.searchsorted(self._starts, row, side="right")) - 1
        part, own = self._parts[number], row - self._starts[number]
        return part, int(part.offsets[own]), int(part.offsets[own + 1])

    def _weights(self, query_ids: list[int]) -> Matrix:
        counts = np.array([self._frequency.get(i, 0) for i in query_ids], dtype=np.float32)
        weights = np.log(1.0 + (self._rows - counts + 0.5) / (counts + 0.5))
        return np.asarray(weights / weights.sum(), dtype=np.float32)


def _document_frequency(parts: Sequence[Tokens]) -> dict[int, int]:
    """Return in how many rows each token occurs."""
    # Part by part: sorting many short lists is ten times faster than one list of millions.
    each = [np.zeros(0, dtype=np.int64)]
    for part in parts:
        rows = np.repeat(np.arange(part.rows), np.diff(part.offsets))
        each.append(np.unique(part.ids.astype(np.int64) * part.rows + rows) // max(1, part.rows))
    found, counts = np.unique(np.concatenate(each), return_counts=True)
    return dict(zip(found.tolist(), counts.tolist(), strict=True))
