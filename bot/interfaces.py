"""The seam of the vector engines, and the shapes that the engines share."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]
Rows = NDArray[np.int64]


class VectorEngine(Protocol):
    """Exact or approximate nearest neighbours by inner product of unit vectors."""

    def search(self, vector: Matrix, k: int) -> tuple[Rows, Matrix]:
        """Return at most ``k`` row numbers and their cosines, best first, ties by row number."""
        ...

    def scores(self, vector: Matrix, rows: Rows) -> Matrix:
        """Return the cosine of each of ``rows``."""
        ...
