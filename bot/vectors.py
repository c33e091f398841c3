"""The vector engines: exact search by numpy (the reference) and by FAISS. The only home of faiss."""

import faiss
import numpy as np

from bot.interfaces import Matrix, Rows, VectorEngine

# One thread: for a single question two threads measured slower than one.
faiss.omp_set_num_threads(1)


class Exact:
    """Brute force over all vectors: the truth that every other engine is tested against."""

    def __init__(self, vectors: Matrix) -> None:
        self._vectors = np.ascontiguousarray(vectors, dtype=np.float32)

    def search(self, vector: Matrix, k: int) -> tuple[Rows, Matrix]:
        """Return at most ``k`` row numbers and their inner products, best first, ties by row number."""
        return _ordered(np.arange(len(self._vectors)), self._vectors @ vector, k)

    def scores(self, vector: Matrix, rows: Rows) -> Matrix:
        """Return the inner product of ``vector`` with each of ``rows``."""
        return np.asarray(self._vectors[rows] @ vector, dtype=np.float32)


class Faiss:
    """FAISS ``IndexFlatIP``: exact inner product."""

    def __init__(self, vectors: Matrix) -> None:
        self._index: faiss.Index = faiss.IndexFlatIP(vectors.shape[1])
        self._index.add(np.ascontiguousarray(vectors, dtype=np.float32))

    def search(self, vector: Matrix, k: int) -> tuple[Rows, Matrix]:
        """Return at most ``k`` row numbers and their inner products, best first, ties by row number."""
        query = np.ascontiguousarray(vector, dtype=np.float32).reshape(1, -1)
        scores, rows = self._index.search(query, min(k, self._index.ntotal))
        return _ordered(rows[0], scores[0], k)

    def scores(self, vector: Matrix, rows: Rows) -> Matrix:
        """Return the inner product of ``vector`` with each of ``rows``."""
        return np.asarray(self._index.reconstruct_batch(rows) @ vector, dtype=np.float32)


ENGINES: dict[str, type[Exact] | type[Faiss]] = {"exact": Exact, "faiss": Faiss}


def make_engine(name: str, vectors: Matrix) -> VectorEngine:
    """Build the engine ``name`` of ``ENGINES`` over ``vectors`` (n, dim)."""
    return ENGINES[name](vectors)


def _ordered(rows: Rows, scores: Matrix, k: int) -> tuple[Rows, Matrix]:
    order = np.lexsort((rows, -scores))[:k]
    return rows[order].astype(np.int64), scores[order].astype(np.float32)
