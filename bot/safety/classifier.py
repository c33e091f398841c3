"""The second layer of the screening: a small trained classifier reads the whole message and each of its sentences.

It is there for what no list of words foresees ("i've left the dog with my sister and paid the bills"). It was trained on
messages of our own, never on evaluation items: weights/MODEL_CARD.md.
"""

from pathlib import Path

import numpy as np

from bot.interfaces import Matrix
from bot.network import WEIGHTS, Network
from bot.safety.normalise import fold
from bot.safety.reading import readings
from bot.types import HARD_ROUTES

CHARS = 2000  # of a long message; the rule layer reads all of it
# A life told in several sentences, each of them calm, looks as a whole like somebody who puts things in order.
CALM, CERTAIN = 0.03, 0.9


class Classifier:
    """One classifier, held open.

    Raises:
        ModelError: a file is missing, damaged or not the one that ``screener.json`` names.
    """

    def __init__(self, folder: Path = WEIGHTS, *, threads: int = 2) -> None:
        self._network = Network(folder, "screener", instead="BOT_SCREEN_MODEL=false", threads=threads)
        self.classes: tuple[str, ...] = tuple(self._network.about["classes"])
        self.hard: float = self._network.about["hard_threshold"]
        self.soft: float = self._network.about["soft_threshold"]

    def verdicts(self, message: str) -> tuple[tuple[str, bool, float], ...]:
        """Return (class, whether it is sure enough for a card or a refusal, probability) of what ``message`` needs.

        Urgent classes are weighed together: whether somebody is in danger matters more than by what. The likeliest
        of them speaks, with every other that may be meant too (one card then holds all their numbers); of the other
        classes those that alone are sure enough.
        """
        shares = self.shares(message)
        if not len(shares):
            return ()
        urgent = [number for number, name in enumerate(self.classes) if name in HARD_ROUTES]
        together = shares[:, urgent].sum(axis=1)
        if len(together) > 1 and together[1:].max() < CALM and together[0] < CERTAIN:
            together = np.minimum(together, self.hard - 0.01)  # no part speaks of danger: a line of help at most
        unit = int(together.argmax())
        first = self.classes[urgent[int(shares[unit, urgent].argmax())]]
        highest = dict(zip(self.classes, shares.max(axis=0).tolist(), strict=True))
        sure = bool(together[unit] >= self.hard)
        found = [(first, sure, float(together[unit]))] if together[unit] >= self.soft else []
        for name, score in highest.items():
            least = self.soft if name in HARD_ROUTES else self.hard
            if name not in {"none", first} and score >= least and (sure or name not in HARD_ROUTES):
                found.append((name, True, score))
        return tuple(found)

    def shares(self, message: str) -> Matrix:
        """Return the probability of each class for each reading of ``message``: (readings, classes)."""
        read = readings(fold(message[:CHARS]))
        if not read:
            return np.zeros((0, len(self.classes)), dtype=np.float32)
        logits = self._network.run(read)
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(shares / shares.sum(axis=1, keepdims=True), dtype=np.float32)
