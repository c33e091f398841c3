"""Fits the n-gram model of the safety screening on the same messages as its network; five minutes on two cores."""

import sys
from pathlib import Path
from random import Random

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression

from bot.safety.ngrams import BUCKETS, buckets
from bot.safety.reading import own_text
from bot.training.crossencoder import write_about
from bot.training.lessons import CLASSES, Around, Lesson, Message, epoch
from bot.types import HARD_ROUTES

EPOCHS, STRENGTH, SEED = 4, 10.0, 5  # ways to tell each message; inverse of the L2 penalty
OUTPUTS = {
    "urgent": tuple(name for name in CLASSES if name in HARD_ROUTES),
    **{name: (name,) for name in ("dosing", "misuse", "personal")},
}
SHARE = 0.35  # of its logit beside a whole one of the network: chosen on the same messages as the thresholds


def fit(messages: list[Message], around: Around, folder: Path, *, epochs: int = EPOCHS) -> None:
    """Fit one logistic regression for each output and write ``ngrams.npy`` and ``ngrams.json`` into ``folder``."""
    rng = Random(SEED)
    lessons = [lesson for _ in range(epochs) for lesson in epoch(messages, around, rng)]
    counts = _matrix(lessons)
    weighing = TfidfTransformer().fit(counts)
    weighed, numbers = weighing.transform(counts), np.array([number for _, number in lessons])
    columns, bias = [weighing.idf_], []
    for name, classes in OUTPUTS.items():
        wanted = np.isin(numbers, [CLASSES.index(one) for one in classes])
        model = LogisticRegression(C=STRENGTH, solver="liblinear", max_iter=60).fit(weighed, wanted)
        columns.append(model.coef_[0])
        bias.append(float(model.intercept_[0]))
        sys.stderr.write(f"{name}: {int(wanted.sum())} of {len(lessons)} readings\n")
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "ngrams.npy", np.stack(columns, axis=1).astype(np.float16), allow_pickle=False)
    write_about(folder, "ngrams.npy", {"outputs": list(OUTPUTS), "bias": bias, "share": SHARE})


def _matrix(lessons: list[Lesson]) -> csr_matrix:
    """Return which buckets each reading's own text falls into: (lessons, buckets)."""
    rows = [buckets(own_text(reading)) for reading, _ in lessons]
    ends = np.cumsum([0, *map(len, rows)])
    return csr_matrix((np.ones(ends[-1], dtype=np.float32), np.concatenate(rows), ends), shape=(len(rows), BUCKETS))
