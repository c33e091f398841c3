"""The evidence model: a small cross-encoder that reads question and sentence together.

It says one thing: does this sentence, in its context, answer this question? How it was made: weights/MODEL_CARD.md.
"""

from pathlib import Path

import numpy as np

from bot.interfaces import Matrix
from bot.network import WEIGHTS, Network


class Reranker:
    """One cross-encoder, held open.

    Raises:
        ModelError: a file is missing, damaged or not the one that ``reranker.json`` names.
    """

    def __init__(self, folder: Path = WEIGHTS, *, threads: int = 2) -> None:
        self._network = Network(folder, "reranker", instead="BOT_RERANK=false", threads=threads)
        self.digest = self._network.digest

    def scores(self, question: str, sentences: list[str]) -> Matrix:
        """Return the logit of each sentence answering ``question``: (len(sentences),)."""
        if not sentences:
            return np.zeros(0, dtype=np.float32)
        return self._network.run([(question, sentence) for sentence in sentences])
