"""The second layer of the screening: a small trained classifier reads the whole message and each of its sentences.

A network and an n-gram model, weighed together: each is sure where the other doubts. It is there for what no list of
words foresees ("i've left the dog with my sister and paid the bills"). It was trained on messages of our own, never on
evaluation items: weights/MODEL_CARD.md.
"""

from pathlib import Path

import numpy as np

from bot.interfaces import Matrix
from bot.network import WEIGHTS, Network
from bot.safety.ngrams import NgramModel
from bot.safety.normalise import fold
from bot.safety.reading import Reading, own_text, readings
from bot.types import HARD_ROUTES

CHARS = 2000  # of a long message; the rule layer reads all of it
# A life told in several sentences, each of them calm, looks as a whole like somebody who puts things in order.
CALM, CERTAIN = 0.03, 0.9
SMALLEST = 1e-6  # a share that is taken for none, or 1 less that for all


class Classifier:
    """One classifier, held open.

    Raises:
        ModelError: a file is missing, damaged or not the one that ``screener.json`` or ``ngrams.json`` names.
    """

    def __init__(self, folder: Path = WEIGHTS, *, threads: int = 2) -> None:
        self._network = Network(folder, "screener", instead="BOT_SCREEN_MODEL=false", threads=threads)
        self._ngrams = NgramModel(folder)
        self.classes: tuple[str, ...] = tuple(self._network.about["classes"])
        self.hard: float = self._network.about["hard_threshold"]
        self.soft: float = self._network.about["soft_threshold"]
        self._urgent = [number for number, name in enumerate(self.classes) if name in HARD_ROUTES]

    def verdicts(self, message: str) -> tuple[tuple[str, bool, float], ...]:
        """Return (class, whether it is sure enough for a card or a refusal, probability) of what ``message`` needs.

        Urgent classes are weighed together: whether somebody is in danger matters more than by what. The likeliest
        of them speaks, with every other that may be meant too (one card then holds all their numbers); of the other
        classes those that alone are sure enough.
        """
        shares = self.shares(message)
        if not len(shares):
            return ()
        together = shares[:, self._urgent].sum(axis=1)
        if len(together) > 1 and together[1:].max() < CALM and together[0] < CERTAIN:
            together = np.minimum(together, self.hard - 0.01)  # no part speaks of danger: a line of help at most
        unit = int(together.argmax())
        first = self.classes[self._urgent[int(shares[unit, self._urgent].argmax())]]
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
        return self._weighed(shares / shares.sum(axis=1, keepdims=True), read)

    def _weighed(self, shares: Matrix, read: list[Reading]) -> Matrix:
        """Return ``shares`` of the network, moved in the logit by what the n-gram model says; they need not sum to 1.

        The urgent classes move together: which of them it is, the network alone says.
        """
        logits = self._ngrams.logits([own_text(one) for one in read])
        weighed = shares.copy()
        for column, name in enumerate(self._ngrams.outputs):
            classes = self._urgent if name == "urgent" else [self.classes.index(name)]
            before = np.clip(shares[:, classes].sum(axis=1), SMALLEST, 1 - SMALLEST)
            after = weigh(before, logits[:, column], self._ngrams.share)
            weighed[:, classes] *= (after / before)[:, np.newaxis]
        return np.asarray(weighed, dtype=np.float32)


def weigh(shares: Matrix, logits: Matrix, share: float) -> Matrix:
    """Return the probabilities ``shares`` after ``logits`` of another model had a ``share`` beside them: (readings,)."""
    together = (np.log(shares / (1 - shares)) + share * logits) / (1 + share)
    return np.asarray(1 / (1 + np.exp(-together)), dtype=np.float32)
