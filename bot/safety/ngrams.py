"""A linear model over n-grams: counts what a message says word by word, where the network reads what it means.

The two are wrong about different messages; the classifier weighs them together. The file is a table with a row for
each bucket of n-grams (hashed, so there is no list of words to ship): its inverse document frequency, then a weight
for each output.
"""

import re
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from bot.interfaces import Matrix, Rows
from bot.network import WEIGHTS, opening, proven

BUCKETS = 1 << 18
WORDS, LETTERS = 3, range(2, 6)  # n-grams of up to three words; of two to five letters of a word and its ends
WORD = re.compile(r"\w+")


class NgramModel:
    """``ngrams.npy`` (buckets, 1 + outputs) with ``ngrams.json``: its digest, outputs, biases and share in the logit.

    Raises:
        ModelError: a file is missing, damaged or not the one that the digest names.
    """

    def __init__(self, folder: Path = WEIGHTS) -> None:
        with opening(folder, "ngrams", instead="BOT_SCREEN_MODEL=false"):
            about = proven(folder, "ngrams.npy")
            self._table: Matrix = np.load(folder / "ngrams.npy", allow_pickle=False)
            self.outputs: tuple[str, ...] = tuple(about["outputs"])
            self.share: float = about["share"]
            self._bias = np.array(about["bias"], dtype=np.float32)

    def logits(self, texts: Sequence[str]) -> Matrix:
        """Return the logit of each output for each folded text: (len(texts), outputs)."""
        return np.array([self._logits(buckets(text)) for text in texts], dtype=np.float32)

    def _logits(self, found: Rows) -> Matrix:
        rows = self._table[found].astype(np.float32)
        rare = rows[:, 0] / max(1e-6, float(np.linalg.norm(rows[:, 0])))
        return np.asarray(rare @ rows[:, 1:] + self._bias, dtype=np.float32)


def buckets(folded: str) -> Rows:
    """Return the numbers of the buckets that the n-grams of ``folded`` fall into, ascending, each once."""
    return np.array(sorted({bucket(gram) for gram in ngrams(folded)}), dtype=np.int64)


def ngrams(folded: str) -> Iterator[str]:
    """Yield the n-grams of words, and, marked with a NUL, those of letters."""
    words = WORD.findall(folded)
    for count in range(1, WORDS + 1):
        for start in range(len(words) - count + 1):
            yield " ".join(words[start : start + count])
    for word in set(words):
        bounded = f"<{word}>"
        for count in LETTERS:
            for start in range(len(bounded) - count + 1):
                yield "\0" + bounded[start : start + count]


def bucket(gram: str) -> int:
    """Return the number of the bucket of ``gram``; CRC-32, which is the same on every machine."""
    return zlib.crc32(gram.encode()) % BUCKETS
