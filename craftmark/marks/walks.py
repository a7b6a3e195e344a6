"""Walks x -> g * x modulo a prime: where elements are in them, and which of those seen in time order are on one.

Let d be the logarithms of the elements. On the walk d = step * n + c modulo the group's order, n counting steps.

A walk may be cut into arcs that are walked at the same time (threads, shards): places are compared modulo an arc then.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from math import gcd, inf
from typing import TYPE_CHECKING, Final

import numpy as np

from craftmark.kernels.residues import multiply
from craftmark.marks.chance import at_least

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Numbers = NDArray[np.int64]
    Reals = NDArray[np.float64]

#: Seconds by which a packet may be early or late: bursts, queues and clocks.
JITTER: Final = 0.05
#: Packets just before and after that one's place in the walk is compared with.
_NEIGHBOURS: Final = 16
#: How far beyond its neighbours an element may be, in spans of the middle ones.
_REACH: Final = 1.5


@dataclass(frozen=True, eq=False)
class Track:
    """Elements in the order seen: logarithms, seconds, the group's order, and group elements per target of the list.

    jitter: seconds by which an element may be early or late; where the clock is no use, ``seconds`` are ranks and
    jitter has no limit.
    """

    logs: Numbers
    seconds: Reals
    order: int
    sparse: float
    jitter: float = JITTER

    @cached_property
    def common(self) -> int:
        """The greatest common factor of all differences and the order: above 1 where only one class is walked."""
        return gcd(self.order, *(int(one) for one in np.unique(self.logs - self.logs[0])))

    @cached_property
    def late(self) -> float:
        """By how much packets may be late: in a short capture no more than a quarter of it."""
        return min(self.jitter, float(self.seconds.max() - self.seconds.min()) / 4)

    def part(self, start: int, end: int) -> Track:
        """Return some consecutive elements."""
        return Track(self.logs[start:end], self.seconds[start:end], self.order, self.sparse, self.jitter)

    def by_rank(self) -> Track:
        """Return the same elements without their clock."""
        return Track(self.logs, np.arange(len(self.logs), dtype=np.float64), self.order, self.sparse, inf)


@dataclass(frozen=True, slots=True)
class Walk:
    """A fitted walk: logarithm of its step, number of arcs, logarithm of the anchor, and how it was fitted.

    start, end: the elements of the track that it was fitted to. log10_chance: chance that random elements fit so well
    in any of the hypotheses that were looked at.
    """

    step: int
    arcs: int
    anchor: int
    start: int
    end: int
    log10_chance: float

    def arc(self, order: int) -> int:
        """Return the number of steps of an arc."""
        return order // gcd(self.step, order) // self.arcs

    def places(self, logs: Numbers, order: int) -> Numbers:
        """Return steps from the anchor, 0 to the walk's length; -1 for elements that it never comes to."""
        common = gcd(self.step, order)
        length = order // common
        away = (logs - self.anchor) % order
        inverse = pow(self.step // common, -1, length)
        places = multiply(away // common % length, inverse, length)
        return np.where(away % common == 0, places, -1)


@dataclass(frozen=True, eq=False)
class Followed:
    """A walk followed over the whole track: each element's place from the first, which are on it, and windows' shares.

    An element is on the walk where its place is among those of the elements seen just before and after it: order
    alone, so pauses and changes of pace do not matter.
    """

    places: Numbers
    held: NDArray[np.bool_]
    shares: Reals


def follow(walk: Walk, track: Track) -> Followed:
    """Return where all elements of the track are in the walk."""
    arc = walk.arc(track.order)
    places = walk.places(track.logs, track.order)
    is_visited = places >= 0
    fitted = np.sort(centred(places[walk.start : walk.end], arc))
    places = np.where(is_visited, (places - fitted[len(fitted) // 8]) % arc, 0)
    count = len(places)
    is_early = np.arange(count) < (count if walk.start else count // 2)
    places = np.where(is_early & (places >= arc - arc // (2 if walk.start else 16)), places - arc, places)
    size = min(_NEIGHBOURS, count - 1)
    begin = np.clip(np.arange(count) - size // 2, 0, count - size - 1)
    window = begin[:, None] + np.arange(size + 1)
    others = places[window][window != np.arange(count)[:, None]].reshape(count, size)
    low, high = np.percentile(others, (20, 80), axis=1)
    wide = _REACH * (high - low) + spread(high - low, track.sparse)
    held = is_visited & (places >= low - wide) & (places <= high + wide)
    return Followed(places, held, np.minimum(1.0, (high - low + 2 * wide + 1) / arc))


def in_arcs(walk: Walk, track: Track, arcs: Iterable[int]) -> Walk:
    """Return the walk cut into as many arcs as explain the whole track best: bursts of one hide the others."""

    def chance(cut: Walk) -> float:
        found = follow(cut, track)
        return agreement(found.held, found.shares)

    return min((replace(walk, arcs=one) for one in dict.fromkeys((walk.arcs, *arcs))), key=chance)


def agreement(hits: NDArray[np.bool_], shares: Reals) -> float:
    """Return log10 of the chance that so many elements hit windows of these shares of the walk."""
    if hits.all():
        return float(np.log10(shares).sum())
    return at_least(len(hits), int(hits.sum()), float(shares.mean()))


def spread(steps: Reals, sparse: float) -> Reals:
    """Return how far so many steps may be from their number of targets, as elements outside the list are skipped."""
    return np.asarray(2 + 4 * np.sqrt(np.abs(steps) * max(0.0, sparse - 1)))


def centred(places: Numbers, arc: int) -> Numbers:
    """Return places of a closed arc as numbers around 0."""
    half = arc // 2
    return np.asarray((places + half) % arc - half)
