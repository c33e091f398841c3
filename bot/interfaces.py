"""The seams between layers, and the shapes that the vector engines share."""

from collections.abc import Mapping, Sequence
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


class Notes(Protocol):
    """What was noted under the digest (hexadecimal) of all that it depends on."""

    def facts(self, digests: Sequence[str]) -> Mapping[str, bytes]:
        """Return what was noted under each digest that is known."""
        ...

    def keep_facts(self, facts: Mapping[str, bytes]) -> None:
        """Note something under each digest."""
        ...
