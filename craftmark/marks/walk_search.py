"""Searches for a walk x -> g * x modulo a prime on which elements seen at known times are, g and pace unknown.

One pair of elements with a guessed gap of k steps gives the step, and with it the place of every other element in the
walk: n = k * d / d(pair). So k is counted up from 1, and the first k that puts the others where the clock wants them
is the answer; no table of generators is needed, and a lattice lists the k that the clock lets be. A generator's powers
and roots walk the same elements in larger or smaller steps; the walk with the fewest steps is found.
"""

from __future__ import annotations

from math import ceil, gcd, inf, log10
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

import numpy as np

from craftmark.kernels.near_multiples import Box, near_multiples
from craftmark.kernels.residues import multiply
from craftmark.marks.chance import STATED_AT, at_least
from craftmark.marks.walks import JITTER, Track, Walk, centred, spread

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Numbers = NDArray[np.int64]
    Reals = NDArray[np.float64]

#: Packets that a walk is fitted to; the others check it.
FITTED: Final = 16
#: Packets below which nothing can be fitted: a pair, one for the pace, two to check.
FEWEST: Final = 5
#: Share of the fitted packets that must be on the walk.
_ON_WALK: Final = 0.8
#: Decades of tries that any search makes.
_LEAST_TRIES: Final = 2.0
#: Halvings that find the greatest pace worth a look.
_HALVINGS: Final = 24
#: Gaps looked at together; where few of them can be paced, so many of those few.
_CHUNK: Final = 1 << 16
#: Gaps looked at under one hypothesis, at most: none may use up what the others need.
_EACH: Final = 1 << 23
#: Share of the gaps up to which those that can be paced are listed, not sought one by one.
_FEW: Final = 1 / 16
#: Times that the greatest pace of a chunk is made tighter.
_TIGHTER: Final = 4
#: Pairs tried in a window of packets.
_PAIRS: Final = 2


class Rare(Protocol):
    """Steps that a program can have drawn, a small share of all."""

    log10_share: float

    def has(self, step: int) -> bool:
        """Tell whether a step, or the same walk in smaller steps, is one of them."""


class Search:
    """Looks for walks under one hypothesis after the other; counts what it looked at, up to a ceiling.

    A thorough search fits in two windows of packets, and by two pairs in each: one may hold a stray packet.
    """

    def __init__(self, ceiling: int, *, is_thorough: bool = True) -> None:
        self.ceiling = ceiling
        self.is_thorough = is_thorough
        self.tries = 0
        self._stop = ceiling

    def fit(self, track: Track, arcs: int, fastest: float, rare: Rare | None = None) -> Walk | None:
        """Return the walk with the fewest steps that fits, None if none does at up to ``fastest`` targets a second."""
        self._stop = min(self.ceiling, self.tries + _EACH)
        for start in list(_windows(len(track.logs)))[: None if self.is_thorough else 1]:
            end = min(start + FITTED, len(track.logs))
            part = track.part(start, end)
            for first, second in _pairs(part)[: _PAIRS if self.is_thorough else 1]:
                frame = _Frame(part, first, second, arcs)
                found = self._count_up(frame, fastest, rare)
                if found is not None:
                    step, chance = found
                    return Walk(step, arcs, int(part.logs[first]), start, end, chance)
        return None

    def _count_up(self, frame: _Frame, fastest: float, rare: Rare | None) -> tuple[int, float] | None:
        credit = rare.log10_share if rare else 0.0
        start, length = 1, 1
        while start <= length and self.tries < self._stop:
            top = frame.top_pace(fastest, STATED_AT - max(_LEAST_TRIES, log10(self.tries + 1)) - credit)
            length = frame.steps_at(top)
            end = min(frame.chunk_end(start, top), length + 1, start + max(_CHUNK, self._stop - self.tries))
            for jump in range(frame.arcs):
                if self.tries >= self._stop:
                    return None
                self.tries += end - start
                gaps = frame.paced(frame.candidates(start, end, jump, top), jump * frame.arc, top)
                found = frame.best(gaps, log10(self.tries), rare) if len(gaps) else None
                if found is not None:
                    return found
            start = end
        return None


class _Frame:
    """The fitted elements as seen from a pair whose gap is guessed, with the one farthest from it in time."""

    def __init__(self, track: Track, first: int, second: int, arcs: int) -> None:
        self.track = track
        self.arcs = arcs
        self.order = track.order // track.common
        self.arc = self.order // arcs
        self.seconds = track.seconds - track.seconds[first]
        logs = (track.logs - track.logs[first]) // track.common % self.order
        self.second = int(logs[second])
        self.ratio = multiply(logs, pow(self.second, -1, self.order), self.order)
        self.between = float(self.seconds[second])
        distance = np.abs(self.seconds)
        distance[[first, second]] = -1
        self.far = int(distance.argmax())
        self.span = float(self.seconds[self.far])
        self.rest = np.array([i for i in range(len(logs)) if i not in (first, second, self.far)])

    def top_pace(self, fastest: float, bound: float) -> float:
        """Return the greatest pace worth a look: ``fastest`` targets a second at most, and told by the windows.

        At a great pace the windows that jitter needs are so wide that even a perfect fit has a chance above the bound.
        """
        low, high = 0.0, self.arc / max(self.between + self.track.late, 1e-9)
        if self.track.jitter < inf:
            high = min(high, fastest * self.track.sparse)
        for _ in range(_HALVINGS):
            pace = (low + high) / 2
            if self._perfect(pace) <= bound:
                low = pace
            else:
                high = pace
        return high

    def steps_at(self, pace: float) -> int:
        """Return the longest gap of the pair at a pace."""
        return min(self.arc - 1, int(pace * (self.between + self.track.late)) + FITTED)

    def _perfect(self, pace: float) -> float:
        """Return the chance of a fit at this pace in which every element is where it should be."""
        steps = pace * np.abs(np.append(self.seconds[self.rest], self.between))
        leeway = self.track.late * pace + spread(steps, self.track.sparse)
        return float(np.log10(np.minimum(1.0, (2 * leeway + 1) / self.arc)).sum())

    def chunk_end(self, start: int, top: float) -> int:
        """Return up to where gaps are looked at together: twice as far each time, while few can be paced."""
        size = _CHUNK
        while size < start and self.arcs * self._box(start + 2 * size, top).expected(self.order) <= _CHUNK:
            size *= 2
        return start + size

    def candidates(self, start: int, end: int, jump: int, top: float) -> Numbers:
        """Return all steps from ``start`` to before ``end`` that can be paced, and a few others."""
        box = self._box(end, top)
        if self.arcs * box.expected(self.order) > _FEW * (end - start):
            return np.arange(start, end)
        sign = 1 if self.span > 0 else -1
        ratio = sign * int(self.ratio[self.far])
        shift = ratio * jump * self.arc
        turns = range(-(-self.order // self.arc))
        offsets = [shift + (-turn if sign > 0 else turn + 1) * self.arc for turn in turns]
        found = [near_multiples(ratio, self.order, offset % self.order, box) for offset in offsets]
        steps = np.unique(np.concatenate(found))
        return steps[(steps >= start) & (steps < end)]

    def _box(self, end: int, top: float) -> Box:
        """Return where the far element can be for gaps before ``end``, up to a pace."""
        pace = top
        for _ in range(_TIGHTER if self.between > 2 * self.track.late else 0):
            leeway = float(spread(np.array(pace * self.between), self.track.sparse))
            pace = min(pace, (end + leeway) / (self.between - self.track.late))
        wide = self.track.late * pace + float(spread(np.array(pace * self.between), self.track.sparse))
        return Box(self.between / abs(self.span), wide + 1, 0, pace * abs(self.span) + 1)

    def paced(self, steps: Numbers, jump: int, top: float) -> Numbers:
        """Return the gaps (steps within the arc, plus whole arcs) that the far element's time lets be, up to a pace."""
        gaps = steps + jump
        places = self._far(gaps)
        slack = self._slack(places)
        near = np.abs(steps * abs(self.span) - places * self.between) <= slack * abs(self.span)
        return np.asarray(gaps[near & (places > 0) & (places <= top * abs(self.span))])

    def best(self, gaps: Numbers, tries: float, rare: Rare | None) -> tuple[int, float] | None:
        """Return the step of the shortest gap that fits beyond chance, and its chance."""
        fits = self._fits(gaps)
        chances = tries + fits.log10_chance()
        for row in np.flatnonzero(chances <= STATED_AT - (rare.log10_share if rare else 0.0)):
            gap, chance = int(fits.gaps[row]), float(chances[row])
            if gcd(gap, self.order) > 1:
                continue
            step = self.second * pow(gap, -1, self.order) % self.order * self.track.common
            if chance > STATED_AT and rare is not None and rare.has(step):
                chance += rare.log10_share
            if chance <= STATED_AT:
                return step, chance
        return None

    def _fits(self, gaps: Numbers) -> _Fits:
        """Return the gaps that put nearly all elements where the pace wants them."""
        places = self._far(gaps)
        pace = places / max(abs(self.span), 1e-9)
        first = np.log10(np.minimum(1.0, (2 * self._slack(places) + 1) / self.arc))
        fits = _Fits(gaps, pace, first, np.zeros(len(gaps), np.int64), np.zeros(len(gaps)), np.zeros(len(gaps)))
        allowed = len(self.rest) - ceil(_ON_WALK * len(self.rest))
        for element in self.rest:
            due = fits.pace * self.seconds[element]
            seen = multiply(fits.gaps, self.ratio[element], self.order)
            leeway = self.track.late * fits.pace + spread(due, self.track.sparse)
            is_off = np.abs(centred(seen - np.rint(due).astype(np.int64), self.arc)) > leeway
            fits = fits.after(is_off, np.minimum(1.0, (2 * leeway + 1) / self.arc))
            fits = fits.keep(fits.off <= allowed)
        return fits

    def _far(self, gaps: Numbers) -> Numbers:
        """Return how many steps the far element is from the pair, after it or before it as the clock says."""
        places = multiply(gaps, self.ratio[self.far], self.order) % self.arc
        return places if self.span > 0 else (self.arc - places) % self.arc

    def _slack(self, places: Numbers) -> Reals:
        """Return by how many steps the pair's gap may differ from the pace."""
        pace = places / max(abs(self.span), 1e-9)
        return np.asarray(self.track.late * pace + spread(pace * self.between, self.track.sparse))


class _Fits(NamedTuple):
    """Gaps with their pace, chance of the far element, misses, and sums of the windows' shares and their logarithms."""

    gaps: Numbers
    pace: Reals
    first: Reals
    off: Numbers
    shares: Reals
    logs: Reals
    seen: int = 0

    def after(self, is_off: NDArray[np.bool_], share: Reals) -> _Fits:
        """Return what is known after one more element."""
        return self._replace(
            off=self.off + is_off, shares=self.shares + share, logs=self.logs + np.log10(share), seen=self.seen + 1
        )

    def keep(self, rows: NDArray[np.bool_]) -> _Fits:
        """Return some of the gaps."""
        if rows.all():
            return self
        return _Fits(
            self.gaps[rows], self.pace[rows], self.first[rows], self.off[rows], self.shares[rows], self.logs[rows],
            self.seen,
        )  # fmt: skip

    def log10_chance(self) -> Reals:
        """Return the chance that random elements fit each gap so well."""
        found = np.where(self.off > 0, 0.0, self.first + self.logs)
        for row in np.flatnonzero((self.off > 0) & (self.shares < self.seen / 4)):
            hits = self.seen - int(self.off[row])
            found[row] = self.first[row] + at_least(self.seen, hits, float(self.shares[row]) / self.seen)
        return found


def _windows(count: int) -> Iterator[int]:
    """Yield where to start fitting: at the beginning, and in the middle of a long track."""
    if count >= FEWEST:
        yield 0
    if count >= 3 * FITTED:
        yield count // 2


def _pairs(track: Track) -> list[tuple[int, int]]:
    """Return pairs whose difference can be divided by: the nearest in time that jitter cannot have turned round."""
    order = track.order // track.common
    logs = (track.logs - track.logs[0]) // track.common
    count = len(logs)
    sure = JITTER if track.late == JITTER else 0.0
    gaps = ((float(track.seconds[j] - track.seconds[i]), i, j) for i in range(count) for j in range(i + 1, count))
    ways = sorted((gap < sure, gap, i, j) for gap, i, j in gaps)
    found: list[tuple[int, int]] = []
    for *_, i, j in ways:
        used = {one for pair in found for one in pair}
        if len(found) < _PAIRS and not used & {i, j} and gcd(int(logs[j] - logs[i]), order) == 1:
            found.append((i, j))
    return found
