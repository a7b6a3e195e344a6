"""Fields that each packet's own process filled from a C library's random(), seeded with second xor microsecond.

A one-shot sender (nemesis in a shell's loop) seeds its generator in the moment it starts, milliseconds before its one
packet leaves; so every packet tells its sender's clock to the microsecond. The seed is fitted on one draw; the others,
at fixed places in the stream, were not fitted on and are counted.

A recipe of kind ``libc-rand-each`` says ``draws`` (all outputs from the first on, see marks/draws.py; fields that the
user set show no draw), ``protocol`` and ``libc``. Cost of one scan: at most some 0.1 s, where the sender's clock is off
0.5 s, 5 ms where the fields' top bits are not clear.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log10
from typing import TYPE_CHECKING, Final

import numpy as np

from craftmark.kernels.prng import GENERATORS, at
from craftmark.marks import seeds
from craftmark.marks.base import Recovered, Toolmark
from craftmark.marks.chance import FREE, LOG10_2, STATED_AT
from craftmark.marks.draws import clear_bits, drawn, draws_of, is_about, showing, words_of
from craftmark.marks.sequences import shown
from craftmark.marks.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from craftmark.evidence.dossier import Dossier
    from craftmark.marks.base import Recipe
    from craftmark.marks.draws import Draw
    from craftmark.packets.batch import PacketBatch

#: Packets whose seeds are looked for: what they tell together does not get clearer with more.
PACKETS_FITTED: Final = 8
#: Microseconds before a packet at which its process may have started, by the sender's clock.
JUST_BEFORE_US: Final = 30_000
#: Clear top bits from which a clock that is off by days is looked for.
_CLEAR_BITS: Final = 16


@dataclass(frozen=True, slots=True)
class Places:
    """Where the fields' draws stand in each packet's stream."""

    library: str
    draws: tuple[Draw, ...]
    positions: tuple[int, ...]

    @property
    def bits(self) -> float:
        """Bits of one packet's fields that a seed must explain."""
        return sum(draw.bits(GENERATORS[self.library].bits) for draw in self.draws)


def solve(dossier: Dossier, recipe: Recipe) -> list[Toolmark]:
    """Return the mark of processes that each sent one packet, if their seeds are found."""
    every = draws_of(recipe, "draws")
    draws = tuple(draw for draw in drawn(every, dossier) if draw.field in FREE)
    packets = showing(dossier.consecutive, draws)
    if not is_about(recipe, dossier) or not dossier.has_time or not draws or not len(packets):
        return []
    packets = packets.take(slice(0, PACKETS_FITTED))
    positions = tuple(every.index(draw) for draw in draws)
    for library in words_of(recipe, "libc", ("glibc",)):
        places = Places(library, draws, positions)
        clear = clear_bits(draws, packets, GENERATORS[library].bits)
        if clear is not None:
            found, tried = _seeds(places, packets, is_far=clear >= _CLEAR_BITS)
            chance = _chance(places, len(found), len(packets), tried)
            if chance <= STATED_AT:
                return [_mark(dossier, recipe, places, packets, found, chance)]
    return []


def _seeds(places: Places, packets: PacketBatch, *, is_far: bool) -> tuple[dict[int, int], int]:
    """Return the seed of each packet that has one, by row, and how many seeds were tried for one packet."""
    found: dict[int, int] = {}
    for row in range(len(packets)):
        near = seeds.microseconds(int(packets.ts_ns[row]), JUST_BEFORE_US, 1).seeds
        _match(places, packets, [row], near, found)
    if 2 * len(found) >= len(packets) or not is_far:
        return found, JUST_BEFORE_US
    every = seeds.block(int(packets.ts_ns[0]), 1).seeds
    _match(places, packets, range(len(packets)), every, found)
    return found, len(every)


def _match(
    places: Places, packets: PacketBatch, rows: Iterable[int], tried: NDArray[np.int64], found: dict[int, int]
) -> None:
    """Note for each of some packets the first of the seeds tried that explains it."""
    written = [
        draw.of(output) for draw, output in zip(places.draws, at(places.library, tried, places.positions), strict=True)
    ]
    for row in rows:
        good = np.ones(len(tried), np.bool_)
        for draw, values in zip(places.draws, written, strict=True):
            good &= values == int(packets.column(draw.field)[row])
        hits = np.flatnonzero(good)
        if len(hits):
            found[row] = int(tried[hits[0]])


def _chance(places: Places, found: int, packets: int, tried: int) -> float:
    """Bound log10 of the chance that random values have so many seeds among those tried."""
    one = min(0.0, log10(tried) - places.bits * LOG10_2)
    return min(0.0, found * (one + log10(packets))) if found else 0.0


def _agree(found: dict[int, int], packets: PacketBatch) -> bool:
    """Tell whether the clocks agree: then each seed is of a moment just before its packet."""
    near = 0
    for row, seed in found.items():
        sent_us = int(packets.ts_ns[row]) // seeds.MICROSECOND_NS
        second = seeds.second_of(seed, int(packets.ts_ns[row]))
        near += sent_us - (second * 1_000_000 + (seed ^ second)) <= JUST_BEFORE_US
    return near == len(found)


def _others(every: Sequence[Draw], places: Places, packets: PacketBatch, found: dict[int, int]) -> list[Draw]:
    """Return the draws that nothing was fitted on, addresses and ports that users set, where all packets show them."""
    numbers = np.array([found[row] for row in sorted(found)])
    outputs = at(places.library, numbers, range(len(every)))
    shown_by = packets.take(np.array(sorted(found)))
    return [
        draw
        for draw, output in zip(every, outputs, strict=True)
        if draw not in places.draws and (draw.of(output) == shown_by.column(draw.field)).all()
    ]


def _mark(
    dossier: Dossier, recipe: Recipe, places: Places, packets: PacketBatch, found: dict[int, int], chance: float
) -> Toolmark:
    rows = sorted(found)
    others = _others(draws_of(recipe, "draws"), places, packets, found)
    names = tuple(draw.field for draw in (*places.draws, *others))
    library = f"random() of {GENERATORS[places.library].says}"
    checked = len(rows) * (len(places.draws) - 1 + len(others))
    first_ns = int(packets.ts_ns[rows[0]])
    start = seeds.second_of(found[rows[0]], first_ns)
    told = (Recovered("start_s", start, 0.99, checked),) if _agree(found, packets) else ()
    return Toolmark(
        kind="generator",
        statement=f"{listed(names)}: {library}, seeded anew for each packet with second xor microsecond",
        fields=names,
        held=len(rows),
        seen=len(packets),
        log10_chance=chance,
        level="individual",
        name=f"{recipe.tool}/{recipe.id}",
        values=tuple(found[row] for row in rows),
        sampled=len(packets) < dossier.probes,
        packets=shown(packets.take(np.array(rows))),
        recovered=(*told, Recovered("generator", library, 0.95, checked)),
    )
