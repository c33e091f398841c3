"""The vectors of one article, as a file of a snapshot. The only home of safetensors: named arrays, no code in them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from bot.errors import SnapshotError
from bot.interfaces import Matrix
from bot.late import Tokens


@dataclass(frozen=True, slots=True)
class Vectors:
    """What is searched of one article.

    ``sentences`` (rows, dim) are the vectors of its searchable sentences, ``contexts`` (passages, dim) those of its
    passages, ``tokens`` those of the sentences' tokens.
    """

    sentences: Matrix
    contexts: Matrix
    tokens: Tokens


def vectors_file(vectors: Vectors) -> bytes:
    """Return the file that holds ``vectors``, byte for byte the same for the same ones."""
    tokens = vectors.tokens
    arrays = {
        "sentences": vectors.sentences,
        "contexts": vectors.contexts,
        "tokens": tokens.vectors[0 : int(tokens.offsets[-1])],
        "ids": tokens.ids,
        "offsets": tokens.offsets,
    }
    return save({name: np.ascontiguousarray(array) for name, array in arrays.items()})


def read_vectors(path: Path) -> Vectors:
    """Read what ``vectors_file`` made; the token vectors stay on disk until they are looked at.

    The file stays readable for whoever opened it, also after its snapshot was deleted.

    Raises:
        SnapshotError: the file is missing or holds something else.
    """
    try:
        held: Any = safe_open(path, framework="numpy")
        ids, offsets = held.get_tensor("ids"), held.get_tensor("offsets")
        tokens = Tokens(held.get_slice("tokens"), ids, offsets)
        return Vectors(held.get_tensor("sentences"), held.get_tensor("contexts"), tokens)
    except (OSError, SafetensorError) as error:
        raise SnapshotError(f"{path} cannot be read: {error}. Run: python -m bot index --force") from error
