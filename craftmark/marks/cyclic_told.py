"""Says what a walk over targets tells of the run: its generator, pace, parts, seed, what got lost, what comes next."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import gcd
from typing import TYPE_CHECKING, Final

import numpy as np

from craftmark.kernels.residues import group
from craftmark.marks.base import Recovered, Toolmark
from craftmark.marks.cyclic_seeds import seed_of
from craftmark.marks.sequences import column, shown, sources_at_one_walk
from craftmark.marks.walks import agreement, follow
from craftmark.marks.wording import duration_text, value_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from craftmark.evidence.dossier import Dossier
    from craftmark.marks.cyclic_seeds import Seed
    from craftmark.marks.target_lists import Numbering
    from craftmark.marks.walks import Followed, Track, Walk
    from craftmark.packets.batch import PacketBatch

    Numbers = NDArray[np.int64]

#: How many times smaller than the walk found a generator's own steps may be.
FINER: Final = 8
#: Blocks of targets up to this size are looked up whole; larger ones take too long.
_LOOKED_UP: Final = 4096
#: Coming targets told.
_COMING: Final = 3
#: Share of the packets that an arc must have to count.
_ARC_SHARE: Final = 0.02


@dataclass(frozen=True)
class Found:
    """A walk with the targets it was found among, each once, in the order seen."""

    walk: Walk
    numbering: Numbering
    track: Track
    packets: PacketBatch
    dossier: Dossier
    generator_below: int
    seeds: int

    @cached_property
    def order(self) -> int:
        """The group's order."""
        return self.numbering.prime - 1

    @cached_property
    def arc(self) -> int:
        """Steps of one arc of the walk."""
        return self.walk.arc(self.order)

    @cached_property
    def followed(self) -> Followed:
        """The walk followed over all packets."""
        return follow(self.walk, self.track)

    @cached_property
    def on_walk(self) -> Numbers:
        """Rows of the packets on the walk."""
        return np.flatnonzero(self.followed.held)

    @cached_property
    def checked(self) -> int:
        """How many packets are on the walk that it was not fitted to."""
        rest = (self.on_walk < self.walk.start) | (self.on_walk >= self.walk.end)
        fitted = len(self.on_walk) - int(rest.sum())
        return int(rest.sum()) + max(0, fitted - 3)

    @cached_property
    def log10_chance(self) -> float:
        """Chance of the fit, and of all other packets being on the walk."""
        rest = np.ones(len(self.track.logs), np.bool_)
        rest[self.walk.start : self.walk.end] = False
        if not rest.any():
            return self.walk.log10_chance
        return self.walk.log10_chance + agreement(self.followed.held[rest], self.followed.shares[rest])

    @cached_property
    def steps(self) -> int:
        """Steps of one arc between the first packet and the last."""
        return int(self.followed.places[self.on_walk[-1]] - self.followed.places[self.on_walk[0]])

    @cached_property
    def pace(self) -> float | None:
        """Steps a second in one arc, None without a clock."""
        first, last = self.on_walk[0], self.on_walk[-1]
        seconds = float(self.packets.ts_ns[last] - self.packets.ts_ns[first]) / 1e9
        return self.steps / seconds if self.dossier.has_time and seconds > 0 and self.steps > 0 else None

    @cached_property
    def arcs_seen(self) -> list[int]:
        """Numbers of the arcs that packets are in, from the anchor's."""
        arcs, count = np.unique(self.arcs_of(self.track.logs[self.on_walk]), return_counts=True)
        return [int(arc) for arc in arcs[count >= _ARC_SHARE * count.sum()]]

    def arcs_of(self, logs: Numbers) -> Numbers:
        """Return the number of the arc that each element is in; arc 0 begins just before the first packet."""
        length = self.order // gcd(self.walk.step, self.order)
        away = self.walk.places(logs, self.order) - self.start + self.arc // 16
        return np.asarray(away % length // self.arc)

    @cached_property
    def start(self) -> int:
        """Place of the first packet, counted from the walk's anchor."""
        return int(self.walk.places(self.track.logs[self.on_walk[:1]], self.order)[0])

    @cached_property
    def seed(self) -> Seed | None:
        """The seed, where it is small."""
        if not self.seeds:
            return None
        first = int(self.track.logs[self.on_walk[0]])
        steps = tuple(finer_steps(self.walk.step, self.order, 1))
        return seed_of(self.walk.step, steps, first, self.numbering, self.generator_below, self.seeds)


def finer_steps(step: int, order: int, arcs: int) -> Iterator[int]:
    """Yield steps that walk through the same places in smaller steps, or by other arcs: the same on the clock.

    A place n is then place u * n, where u is a small number, or near a multiple of an arc.
    """
    for turn in range(arcs):
        for finer in sorted(range(-FINER if turn else 1, FINER + 1), key=abs):
            scale = (turn * order // arcs + finer) % order
            if gcd(scale, order) == 1:
                yield step * pow(scale, -1, order) % order


def likeliest(step: int, numbering: Numbering, arcs: int, below: int) -> int:
    """Return the step whose generator is below the bound of the newer versions, the walk's own if none is."""
    own = finer_steps(step, numbering.prime - 1, arcs)
    return next((one for one in own if pow(numbering.root, one, numbering.prime) < below), step)


def tell(found: Found, name: str) -> Toolmark:
    """Return the mark of a walk over targets, called by the recipe that led to it."""
    held, seen = len(found.on_walk), len(found.packets)
    return Toolmark(
        kind="order",
        statement=_statement(found),
        fields=("ip_dst",),
        held=held,
        seen=seen,
        log10_chance=min(0.0, found.log10_chance),
        level="individual",
        name=name,
        values=(found.numbering.prime, pow(found.numbering.root, found.walk.step, found.numbering.prime)),
        sampled=seen < found.dossier.probes,
        packets=shown(found.packets),
        recovered=tuple(_recovered(found)),
        one_stream=_sources_at_once(found),
    )


def _sources_at_once(found: Found) -> int:
    """Return how many sources one thread sent for, whose walk goes on from one to the other."""
    if found.walk.arcs > 1:
        return 1
    places = found.walk.places(found.track.logs[found.on_walk], found.order)
    length = found.order // gcd(found.walk.step, found.order)
    return sources_at_one_walk(found.packets.take(found.on_walk), (places - places[0]) % length)


def _statement(found: Found) -> str:
    prime = found.numbering.prime
    generator = pow(found.numbering.root, found.walk.step, prime)
    words = [f"targets follow x -> {generator} * x modulo {prime} over {found.numbering.targets.text}"]
    if found.numbering.ports:
        words[0] += f" and {len(found.numbering.ports)} ports"
    if found.walk.arcs > 1:
        words.append(f"in {len(found.arcs_seen)} of {found.walk.arcs} arcs at once")
    coming, missing = _coming(found)
    if missing:
        words.append(missing)
    if coming:
        words.append("next: " + ", ".join(_due(found, *one) for one in coming))
    return "; ".join(words)


def _due(found: Found, steps: int, target: int) -> str:
    """Name a target that is so many steps ahead of the last probe, and when its turn comes."""
    address = value_text("ip_dst", target)
    return address if found.pace is None else f"{address} in {duration_text(round(1e9 * steps / found.pace))}"


def _recovered(found: Found) -> Iterator[Recovered]:
    prime, order, checked = found.numbering.prime, found.order, found.checked
    sure = 1.0 - min(0.5, 10.0**found.log10_chance)
    yield Recovered("prime", prime, sure, checked)
    yield Recovered("target_count", found.numbering.size, 0.9 * sure, checked)
    yield Recovered("generator", pow(found.numbering.root, found.walk.step, prime), 0.9 * sure, checked)
    first = int(found.track.logs[found.on_walk[0]])
    if gcd(found.walk.step, order) == 1:
        yield Recovered("position", first * pow(found.walk.step, -1, order) % order, 0.9 * sure, checked)
    if found.pace is not None:
        rate = found.pace / found.numbering.sparse * len(found.arcs_seen)
        yield Recovered("rate_pps", round(rate, 1), 0.8 * sure, 0)
        yield Recovered("duration_s", round(found.arc / found.pace, 1), 0.7 * sure, 0)
    yield Recovered("coverage", float(f"{found.steps / found.arc:.3g}"), 0.9 * sure, checked)
    yield from _parts(found, checked)


def _parts(found: Found, checked: int) -> Iterator[Recovered]:
    """Yield the threads, the shards and the seed where they show."""
    if found.walk.arcs > 1:
        yield Recovered("threads", len(found.arcs_seen), 0.8, checked)
        if found.walk.arcs > len(found.arcs_seen):
            yield Recovered("shards", found.walk.arcs // len(found.arcs_seen), 0.7, checked)
    seed = found.seed
    if seed is None:
        return
    yield Recovered("seed", seed.value, 1.0 - seed.false, checked)
    if seed.parts > 1 and found.walk.arcs == 1:
        yield Recovered("shards", seed.parts, 0.9, checked)
        if seed.part >= 0:
            yield Recovered("shard", seed.part, 0.9, checked)


def _coming(found: Found) -> tuple[list[tuple[int, int]], str]:
    """Return the next targets in the block of addresses seen, and what is missing between the first and the last.

    Each with the steps that it is ahead of the last.
    """
    ahead = _visits(found)
    if ahead is None:
        return [], ""
    places, targets = ahead
    seen = found.followed.places[found.on_walk]
    low, high = int(seen.min()), int(seen.max())
    order = np.argsort(places)
    ahead_of = zip((places[order] - high).tolist(), targets[order].tolist(), strict=True)
    coming = [(steps, target) for steps, target in ahead_of if steps > 0]
    between = int(((places >= low) & (places <= high)).sum())
    if found.dossier.sampled or between < len(seen):
        return coming[:_COMING], ""
    lost = between - len(seen)
    return coming[:_COMING], f"{lost:,} of {between:,} targets in the block missing on the way"


def _visits(found: Found) -> tuple[Numbers, Numbers] | None:
    """Return places and targets of all of the walk in the block of addresses seen, None where that is too much."""
    targets = column(found.packets, "ip_dst")[found.on_walk]
    low, high = int(targets.min()), int(targets.max())
    size = 1 << (low ^ high).bit_length()
    if size > _LOOKED_UP or found.numbering.ports:
        return None
    block = np.arange(low - low % size, low - low % size + size)
    elements = found.numbering.elements(block, np.zeros_like(block))
    block, elements = block[elements > 0], elements[elements > 0]
    logs = group(found.numbering.prime, found.numbering.root).logarithms(elements)
    in_arcs = np.isin(found.arcs_of(logs), found.arcs_seen)
    places = found.walk.places(logs, found.order)
    first = int(found.followed.places[found.on_walk[0]])
    return ((places - found.start) % found.arc + first)[in_arcs & (places >= 0)], block[in_arcs & (places >= 0)]
