"""From the scores of one sentence to its rank and its calibrated probability of answering.

The numbers live in ``calibration.toml``, one section for each evidence model and one for none; ``tests/calibrate.py``
fits them on questions over other articles (docs/CALIBRATION.md). A section is bound to the models it was fitted with.
"""

import math
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.errors import RulesError
from bot.types import Hit

CALIBRATION = "calibration.toml"


class Calibration(BaseModel):
    """One section of ``calibration.toml``. Weights are per unit of the field of ``Hit`` that they name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    encoder: str  # the embedding model that the numbers were fitted with
    reranker: str  # sha256 of the evidence model; "" for none
    large: str = ""  # sha256 of what the large evidence model learnt; "" for none
    depth: int = Field(ge=0)  # how many sentences the evidence model, or the large one, reads at most
    reach: float = Field(default=math.inf, gt=0)  # how far below the best first-stage score it still reads
    doubt: tuple[float, float] = (0.0, 1.0)  # the large one reads when the best probability so far lies between
    order: dict[str, float]  # weights of the final order
    intercept: float
    weights: dict[str, float]  # weights of the probability
    answer_threshold: float = Field(ge=0, le=1)  # least probability of a first quote
    extra_threshold: float = Field(ge=0, le=1)  # least probability of each further quote
    sure_threshold: float = Field(ge=0, le=1)  # a first quote that is less likely comes with a word of doubt


@dataclass(frozen=True, slots=True)
class Scoring:
    """Ranks and weighs hits by the numbers of one calibration; ``second`` is that of the large evidence model."""

    calibration: Calibration
    second: Calibration | None = None

    @property
    def depth(self) -> int:
        """How many sentences the evidence model reads at most."""
        return self.calibration.depth

    @property
    def decision(self) -> Calibration:
        """The calibration whose thresholds hold: that of the last model that reads."""
        return self.second or self.calibration

    def fuse(self, hit: Hit) -> float:
        """Return the first-stage score: late interaction leads, the others break its ties."""
        return hit.late + 0.2 * hit.dense + 0.1 * hit.context + 0.01 * hit.lexical + 0.03 * hit.kind

    def order(self, hit: Hit) -> float:
        """Return what orders the hits that are fully scored: higher is better, without a scale."""
        return _weighted(self.calibration.order, hit)

    def probability(self, hit: Hit) -> float:
        """Return the calibrated probability that the sentence answers the question, 0..1."""
        return 1 / (1 + math.exp(-self.calibration.intercept - _weighted(self.calibration.weights, hit)))


def _weighted(weights: dict[str, float], hit: Hit) -> float:
    return sum(weight * (getattr(hit, name) or 0.0) for name, weight in weights.items())


@lru_cache(maxsize=1)
def calibrations() -> dict[str, Calibration]:
    """Return the sections of ``calibration.toml``: "none", "reranker" and "large".

    Raises:
        RulesError: the file is missing or wrong.
    """
    try:
        body = tomllib.loads(files("bot").joinpath(CALIBRATION).read_text(encoding="utf-8"))
        return {name: Calibration.model_validate(section) for name, section in body.items()}
    except (OSError, tomllib.TOMLDecodeError, ValidationError) as error:
        raise RulesError(f"bot/{CALIBRATION} cannot be used: {error}. Restore it from version control.") from error


def scoring_for(reranker: str | None, large: str | None = None) -> Scoring:
    """Return the scoring for the evidence models with these digests; None for none.

    Raises:
        RulesError: no section was fitted with them.
    """
    first = _section(reranker or "", "")
    return Scoring(first, _section(reranker or "", large) if large else None)


def _section(reranker: str, large: str) -> Calibration:
    for section in calibrations().values():
        if (section.reranker, section.large) == (reranker, large):
            return section
    raise RulesError(
        f"bot/{CALIBRATION} has no section for the evidence model {large or reranker}. Fit one: python "
        "tests/calibrate.py --write"
    )
