"""Does a confidence of 0.9 mean nine in ten? Reliability by bins, calibration error with its interval, log loss.

Resampling is by capture: samples of one capture are not independent of each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lab.accuracy.trials import Trial

EDGES = (0.0, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.98, 1.0001)
RESAMPLES = 1000
#: No prediction is surer than this when its loss is counted.
SUREST = 0.999


@dataclass(frozen=True, slots=True)
class Bin:
    """Trials whose probability lies in one interval."""

    low: float
    high: float
    count: int
    said: float
    right: float


def belief(log10_chance: float) -> float:
    """Return how likely the likeliest tool is the maker though nobody is named, from the chance of another maker.

    Fitted on samples of the captures kept here; never above 0.6, since what keeps a tool from being named near the
    bound is mostly another tool that explains the packets as well.
    """
    return 0.6 / (1.0 + 10.0 ** (0.85 * (log10_chance + 3.1)))


def probabilities(trials: Sequence[Trial]) -> NDArray[np.float64]:
    """Return for each trial how sure craftmark is that the likeliest tool made the sample."""
    return np.array([t.confidence if t.named else belief(t.chance) for t in trials])


def bins(said: NDArray[np.float64], right: NDArray[np.float64]) -> list[Bin]:
    """Return the reliability table."""
    found = []
    for low, high in pairwise(EDGES):
        inside = (said >= low) & (said < high)
        if inside.any():
            found.append(
                Bin(low, min(high, 1.0), int(inside.sum()), float(said[inside].mean()), float(right[inside].mean()))
            )
    return found


def calibration_error(said: NDArray[np.float64], right: NDArray[np.float64]) -> float:
    """Return the expected calibration error: the mean gap between said and right, over bins by their size."""
    return sum(one.count * abs(one.said - one.right) for one in bins(said, right)) / len(said)


def interval(trials: Sequence[Trial], said: NDArray[np.float64], right: NDArray[np.float64]) -> tuple[float, float]:
    """Return the 95 % interval of the calibration error over resampled captures."""
    names = sorted({t.capture for t in trials})
    rows = {name: np.flatnonzero([t.capture == name for t in trials]) for name in names}
    rng = np.random.default_rng(2000)
    errors = []
    for _ in range(RESAMPLES):
        chosen = np.concatenate([rows[names[place]] for place in rng.integers(0, len(names), len(names))])
        errors.append(calibration_error(said[chosen], right[chosen]))
    low, high = np.quantile(errors, (0.025, 0.975))
    return float(low), float(high)


def log_loss(said: NDArray[np.float64], right: NDArray[np.float64]) -> float:
    """Return the mean log loss in nats."""
    sure = np.clip(said, 1 - SUREST, SUREST)
    return float(-np.mean(np.where(right > 0, np.log(sure), np.log(1 - sure))))
