"""The evidence models: cross-encoders that read question and sentence together, a small one and a large one.

They say one thing: does this sentence, in its context, answer this question? How they were made: weights/MODEL_CARD.md.
"""

import json
import logging
from pathlib import Path

import numpy as np

from bot.interfaces import Matrix
from bot.network import LARGE, LEARNT, RESTORE, WEIGHTS, Network, proven

log = logging.getLogger(__name__)


class Reranker:
    """One cross-encoder, held open. ``digest`` tells what it learnt: calibrations are bound to it.

    Raises:
        ModelError: a file is missing, damaged or not the one that the JSON file beside it names.
    """

    def __init__(
        self,
        folder: Path = WEIGHTS,
        name: str = "reranker",
        *,
        instead: str = "BOT_RERANK=false",
        restore: str = RESTORE,
        threads: int = 2,
    ) -> None:
        self._network = Network(folder, name, instead=instead, restore=restore, threads=threads)
        # Made on another machine, the large one differs in its last digits, but not in what it learnt.
        self.digest: str = self._network.about.get("learnt", self._network.digest)

    def scores(self, question: str, sentences: list[str]) -> Matrix:
        """Return the logit of each sentence answering ``question``: (len(sentences),)."""
        if not sentences:
            return np.zeros(0, dtype=np.float32)
        return self._network.run([(question, sentence) for sentence in sentences])


def open_large(*, threads: int = 2, folder: Path | None = None) -> Reranker | None:
    """Return the large model, or None where it was not made, or was made from other weights than those of this version.

    Raises:
        ModelError: what was made is damaged.
    """
    folder = folder or LARGE
    if not folder.exists():
        return None
    large = Reranker(folder, "large", instead="BOT_LARGE=false", restore="Run: python -m bot large", threads=threads)
    if large.digest != learnt():
        log.warning("the large evidence model is of another version and is not used. Make it: python -m bot large")
        return None
    return large


def is_made(folder: Path = LARGE) -> bool:
    """Return True when the large model is there, whole, and of this version; nothing is opened."""
    try:
        return bool(proven(folder, "large.onnx")["learnt"] == learnt())
    except (OSError, ValueError, KeyError):
        return False


def learnt() -> str:
    """Return the digest of what the large model of this version learnt."""
    about: dict[str, str] = json.loads((WEIGHTS / LEARNT).with_suffix(".json").read_text(encoding="utf-8"))
    return about["sha256"]
