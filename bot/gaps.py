"""What the library lacks: unanswered questions grouped by meaning, the most asked first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bot.embed import OnnxEncoder

ALIKE = 0.6  # cosine from which two questions ask for the same; by eye on questions of our own
SHOWN = 5  # wordings listed of one group


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing that was asked for: a typical wording, further ones, and the positions of all in the input."""

    typical: str
    wordings: tuple[str, ...]
    members: tuple[int, ...]


def group(questions: Sequence[str], encoder: OnnxEncoder) -> tuple[Gap, ...]:
    """Group ``questions``: each group is led by the question with the most neighbours left (greedy, deterministic)."""
    if not questions:
        return ()
    places: dict[str, list[int]] = {}
    for number, question in enumerate(questions):
        places.setdefault(question, []).append(number)
    texts = sorted(places)  # so that the groups do not hang on the order of the questions
    vectors = encoder.documents(texts)[0]
    near = vectors @ vectors.T >= ALIKE
    np.fill_diagonal(near, val=True)
    asked = np.array([len(places[text]) for text in texts])
    weight, left, found = near @ asked, np.ones(len(texts), dtype=bool), []
    while left.any():
        leader = int(np.argmax(np.where(left, weight, -1)))
        members = np.flatnonzero(near[leader] & left)
        left[members] = False
        weight = weight - near[:, members] @ asked[members]
        found.append(_gap(texts[leader], [texts[m] for m in members], places))
    return tuple(sorted(found, key=lambda gap: (-len(gap.members), gap.members)))


def _gap(typical: str, texts: list[str], places: Mapping[str, list[int]]) -> Gap:
    members = sorted(number for text in texts for number in places[text])
    others = sorted((text for text in texts if text != typical), key=lambda text: places[text][0])
    return Gap(typical, tuple(others[:SHOWN]), tuple(members))
