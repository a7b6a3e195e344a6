"""How a sequence of values goes: rising, falling, by a constant stride, in no order; with the chance of each.

Only the first occurrence of each value counts: a probe sent again does not spoil the order.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log, log10, sqrt
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from craftmark.marks.chance import at_least, sorted_within

if TYPE_CHECKING:
    from numpy.typing import NDArray

Progress = Literal["rising", "falling", "stride", "shuffled"]

#: Distinct values below which no order is told.
FEWEST: Final = 4
#: Chance of a random order from which an imperfect order is called rising, falling or a stride.
_TOLD_AT: Final = -5.0
#: Share of inverted pairs up to which a sequence still rises.
_INVERTED: Final = 0.1
#: Distinct values from which "no order" is told, and standard deviations within which it is.
_SHUFFLED_FROM: Final = 20
_WITHIN: Final = 4.0
#: Share of the steps that must be the stride or the stride around the end.
_STRIDES: Final = 0.9
#: Share of the steps that must go around the end: fewer are breaks in a rising order.
_AROUND: Final = 0.03


@dataclass(frozen=True, slots=True)
class Progression:
    """How one sequence goes: ``step`` is the usual step, 0 if there is none; ``held`` of ``seen`` steps go that way."""

    name: Progress
    step: int
    is_even: bool
    modulus: int
    held: int
    seen: int
    low: int
    high: int
    count: int
    log10_chance: float


def first_occurrences(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return each value once, in the order in which they first stand there."""
    first = np.unique(values, return_index=True)[1]
    return values[np.sort(first)]


def inversions(values: NDArray[np.int64]) -> int:
    """Count the pairs of distinct values that stand in falling order.

    Ranks are sorted bit by bit from the highest: each step parts blocks of ranks in two, and every one that stands
    before a zero of its block is a pair.
    """
    if (np.diff(values) > 0).all():
        return 0
    place = np.arange(len(values))
    ranks, total = np.empty_like(place), 0
    ranks[np.argsort(values)] = place
    for bit in range(len(values).bit_length() - 1, -1, -1):
        upper = ranks >> bit & 1
        start = ranks >> (bit + 1) << (bit + 1)
        before = np.cumsum(upper) - upper
        before -= before[start]
        total += int(before[upper == 0].sum())
        parted = np.empty_like(ranks)
        parted[np.where(upper == 1, start + (1 << bit) + before, place - before)] = ranks
        ranks = parted
    return total


def progression(values: NDArray[np.int64]) -> Progression | None:
    """Tell how a sequence goes, None for too few values or an order that is none of the four."""
    path = first_occurrences(values)
    if len(path) < FEWEST:
        return None
    turned = inversions(path)
    pairs = len(path) * (len(path) - 1) // 2
    return (
        _monotone(path, turned, "rising")
        or _monotone(path, pairs - turned, "falling")
        or _stride(path)
        or _shuffled(path, turned)
    )


def _monotone(path: NDArray[np.int64], turned: int, name: Progress) -> Progression | None:
    steps = np.diff(path) if name == "rising" else -np.diff(path)
    is_even = bool((steps == steps[0]).all())
    chance = sorted_within(len(path), turned)
    pairs = len(path) * (len(path) - 1) / 2
    if turned > _INVERTED * pairs or (chance > _TOLD_AT and (turned or not is_even)):
        return None
    sizes, counts = np.unique(steps, return_counts=True)
    usual = int(sizes[counts.argmax()]) if counts.max() >= 0.5 * len(steps) else 0
    return _found(path, name, step=usual, is_even=is_even, held=int((steps > 0).sum()), chance=chance)


def _stride(path: NDArray[np.int64]) -> Progression | None:
    """Find a constant step modulo a constant: nearly all steps are s or s - n."""
    steps = np.diff(path)
    sizes, counts = np.unique(steps, return_counts=True)
    if len(sizes) < 2:
        return None
    first, second = np.argsort(-counts, kind="stable")[:2]
    one, other = int(sizes[first]), int(sizes[second])
    held = int(counts[first] + counts[second])
    around = int(counts[second])
    if one * other >= 0 or held < _STRIDES * len(steps) or around < max(3, _AROUND * len(steps)):
        return None
    chance = at_least(len(steps), held, min(1.0, 2 / len(steps))) + 4 * log10(len(path))
    if chance > _TOLD_AT:
        return None
    step = max(one, other)
    return _found(path, "stride", step=step, is_even=False, held=held, chance=chance, modulus=abs(one - other))


def _shuffled(path: NDArray[np.int64], turned: int) -> Progression | None:
    k = len(path)
    if k < _SHUFFLED_FROM:
        return None
    pairs = k * (k - 1) / 4
    trend = abs(turned - pairs) / sqrt(k * (k - 1) * (2 * k + 5) / 72)
    up = np.diff(path) > 0
    turns = int((up[1:] != up[:-1]).sum())
    wave = abs(turns - 2 * (k - 2) / 3) / sqrt((16 * k - 29) / 90)
    if trend > _WITHIN or wave > _WITHIN:
        return None
    return _found(path, "shuffled", step=0, is_even=False, held=k - 1, chance=0.0)


def _found(  # noqa: PLR0913 - what a progression consists of
    path: NDArray[np.int64],
    name: Progress,
    *,
    step: int,
    is_even: bool,
    held: int,
    chance: float,
    modulus: int = 0,
) -> Progression:
    return Progression(
        name=name,
        step=step,
        is_even=is_even,
        modulus=modulus,
        held=held,
        seen=len(path) - 1,
        low=int(path.min()),
        high=int(path.max()),
        count=len(path),
        log10_chance=chance,
    )


def each_once(count: int, size: int) -> float:
    """Return the chance that so many uniform draws from ``size`` values are all different."""
    if count > size:
        return 0.0
    return float(np.log1p(-np.arange(count) / size).sum()) / log(10)
