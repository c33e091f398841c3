"""Late interaction: each word of the question meets its best word of the sentence (MaxSim), rare words count more.

The score of a sentence is the mean over the question's tokens, weighted by inverse document frequency, of the
highest cosine with a token of the sentence: -1..1. After Khattab & Zaharia, ColBERT (SIGIR 2020).
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bot.interfaces import Matrix, Rows


class TokenStore:
    """The token vectors of every sentence, half precision, and how rare each token is."""

    def __init__(self, vectors: NDArray[np.float16], ids: NDArray[np.int32], offsets: NDArray[np.int64]) -> None:
        self._vectors, self._ids, self._offsets = vectors, ids, offsets
        self._rows = len(offsets) - 1
        self._frequency = _document_frequency(ids, offsets)

    @classmethod
    def build(cls, matrices: list[Matrix], ids: list[list[int]]) -> "TokenStore":
        """Pack the matrices (tokens, dim) and token ids of all sentences."""
        lengths = [len(matrix) for matrix in matrices]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        flat = np.array([i for sentence in ids for i in sentence], dtype=np.int32)
        return cls(np.concatenate(matrices).astype(np.float16), flat, offsets)

    def scores(self, query: Matrix, query_ids: list[int], rows: Rows) -> Matrix:
        """Return the score of each of ``rows`` for a question's token vectors (tokens, dim): (len(rows),)."""
        if not len(query):
            return np.zeros(len(rows), dtype=np.float32)
        weights = self._weights(query_ids)
        found = np.zeros(len(rows), dtype=np.float32)
        for place, row in enumerate(rows):
            start, end = self._offsets[row], self._offsets[row + 1]
            if end > start:
                cosines = query @ self._vectors[start:end].astype(np.float32).T
                found[place] = float(cosines.max(axis=1) @ weights)
        return found

    def _weights(self, query_ids: list[int]) -> Matrix:
        counts = np.array([self._frequency.get(i, 0) for i in query_ids], dtype=np.float32)
        weights = np.log(1.0 + (self._rows - counts + 0.5) / (counts + 0.5))
        return np.asarray(weights / weights.sum(), dtype=np.float32)

    def save(self, folder: Path) -> None:
        """Write the store into ``folder``."""
        for name, array in (("vectors", self._vectors), ("ids", self._ids), ("offsets", self._offsets)):
            np.save(folder / f"token_{name}.npy", array, allow_pickle=False)

    @classmethod
    def load(cls, folder: Path) -> "TokenStore":
        """Read what ``save`` wrote; the vectors stay on disk until they are looked at."""
        vectors = np.load(folder / "token_vectors.npy", mmap_mode="r", allow_pickle=False)
        ids, offsets = (np.load(folder / f"token_{name}.npy", allow_pickle=False) for name in ("ids", "offsets"))
        return cls(vectors, ids, offsets)


def _document_frequency(ids: NDArray[np.int32], offsets: NDArray[np.int64]) -> dict[int, int]:
    rows = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    pairs = np.unique(np.stack([ids.astype(np.int64), rows]), axis=1)
    found, counts = np.unique(pairs[0], return_counts=True)
    return dict(zip(found.tolist(), counts.tolist(), strict=True))
