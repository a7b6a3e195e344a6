"""Lists the numbers k whose multiple k * ratio modulo an order is near a line, without looking at every k.

Pairs (k, k * ratio - j * order + offset) are a shifted lattice in the plane, and those near a line are its points in a
narrow box; a reduced basis (Gauss 1801; Cohen, A Course in Computational Algebraic Number Theory, 1993, section 1.3)
lists them in a time that goes with their number.
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Numbers = NDArray[np.int64]
    Vector = tuple[int, int]
    Scaled = Callable[[Vector], tuple[float, float]]


class Box(NamedTuple):
    """Where multiples are wanted: |k - slope * multiple| <= wide, and the multiple from ``low`` to ``high``."""

    slope: float
    wide: float
    low: float
    high: float

    def expected(self, order: int) -> float:
        """Return how many numbers k random multiples would put here."""
        return 2 * self.wide * max(0.0, self.high - self.low) / order


def near_multiples(ratio: int, order: int, offset: int, box: Box) -> Numbers:
    """Return, ascending, every k with a value of k * ratio + offset modulo ``order`` in the box; a few others besides.

    All multiples that are equal modulo the order count, so the box may be anywhere.
    """
    half = max((box.high - box.low) / 2, 0.5)
    wide = max(box.wide, 0.5)

    def scaled(vector: Vector) -> tuple[float, float]:
        return (vector[0] - box.slope * vector[1]) / wide, vector[1] / half

    short, long = _reduced((1, ratio % order), (0, order), scaled)
    (a, b), (c, d) = scaled(short), scaled(long)
    size = sqrt(a * a + b * b)
    height = (a * d - b * c) / size
    middle = (box.low + box.high) / 2 - offset
    x, y = box.slope * offset / wide, middle / half
    across, along = (a * y - b * x) / size, (a * x + b * y) / size
    ends = sorted(((across - 1.5) / height, (across + 1.5) / height))
    rows = np.arange(int(np.floor(ends[0])), int(np.ceil(ends[1])) + 1)
    first = np.floor((along - 1.5 - rows * (a * c + b * d) / size) / size).astype(np.int64)
    columns = first[:, None] + np.arange(int(np.ceil(3 / size)) + 2)
    return np.unique(columns * short[0] + rows[:, None] * long[0])


def _reduced(first: Vector, second: Vector, scaled: Scaled) -> tuple[Vector, Vector]:
    """Return the shortest basis of the lattice of two vectors, the shorter one first."""
    while True:
        (a, b), (c, d) = scaled(first), scaled(second)
        if a * a + b * b > c * c + d * d:
            first, second = second, first
            continue
        times = round((a * c + b * d) / (a * a + b * b))
        if times == 0:
            return first, second
        second = (second[0] - times * first[0], second[1] - times * first[1])
