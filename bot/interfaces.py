"""The seams: what an encoder and a search engine must do. Two methods each, no more."""

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]
Rows = NDArray[np.int64]


class Encoder(Protocol):
    """Turns texts into vectors. Questions and documents are separate: many models prefix them differently."""

    dim: int

    def documents(self, texts: list[str]) -> tuple[Matrix, list[Matrix]]:
        """Return unit vectors (n, dim) and, per text, unit token vectors (tokens, dim)."""
        ...

    def query(self, text: str) -> tuple[Matrix, Matrix, list[int]]:
        """Return the unit vector (dim,), the unit token vectors (tokens, dim) and the tokens' ids."""
        ...


class VectorEngine(Protocol):
    """Exact or approximate nearest neighbours by inner product of unit vectors."""

    def search(self, vector: Matrix, k: int) -> tuple[Rows, Matrix]:
        """Return at most ``k`` row numbers and their cosines, best first, ties by row number."""
        ...

    def scores(self, vector: Matrix, rows: Rows) -> Matrix:
        """Return the cosine of each of ``rows``."""
        ...

    def save(self, path: Path) -> None:
        """Write the engine to one file."""
        ...
