"""Values that each seed the draw of the next: first output of srand(second ^ process * (value + 1)), modulo a size.

So every value is a function of the one before, the clock's second and the number of the sending process; the process
is found on one pair of values and predicts all others. (It is also why such values repeat: within a second they are
soon on a cycle.)

A recipe of kind ``libc-rand-chained`` says ``draws`` (in order, each with ``modulo``; those whose field the user set
are left out), ``protocol`` and ``libc``. Cost of one scan: at most some 0.1 s, 1 s where the fields' top bits are
clear.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log10
from typing import TYPE_CHECKING, Final

import numpy as np

from craftmark.kernels.prng import GENERATORS, at
from craftmark.marks.base import Recovered, Toolmark
from craftmark.marks.chance import LOG10_2, STATED_AT, at_least
from craftmark.marks.draws import clear_bits, drawn, draws_of, is_about, showing, words_of
from craftmark.marks.seeds import SECOND_NS
from craftmark.marks.sequences import shown
from craftmark.marks.wording import listed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from craftmark.evidence.dossier import Dossier
    from craftmark.marks.base import Recipe
    from craftmark.marks.draws import Draw
    from craftmark.packets.batch import PacketBatch

    Ints = NDArray[np.int64]

#: Numbers of processes looked at: the usual limit, and the greatest a Linux system can have.
FEW_PROCESSES: Final = 1 << 15
MOST_PROCESSES: Final = 1 << 22
#: Seconds by which the clocks of sender and capture may differ.
CLOCKS_S: Final = (0, -1, 1)
#: Pairs of values that are predicted, and pairs tried for the fit: the first may be another sender's.
PAIRS: Final = 512
_FITTED: Final = 2
_CLEAR_BITS: Final = 5
_M32: Final = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Pairs:
    """Values with the next value drawn, their moduli, the capture's second, and the row of the packet."""

    before: Ints
    after: Ints
    modulo: Ints
    second: Ints
    row: Ints

    @property
    def bits(self) -> float:
        """Bits of the widest pair."""
        return float(np.log2(self.modulo.max(initial=1)))


def solve(dossier: Dossier, recipe: Recipe) -> list[Toolmark]:
    """Return the mark of chained draws, if a process is found that explains them."""
    draws = drawn(draws_of(recipe, "draws"), dossier)
    packets = showing(dossier.consecutive, draws)
    if not is_about(recipe, dossier) or not dossier.has_time or not draws or len(packets) < 2:
        return []
    pairs = _pairs(draws, packets)
    for library in words_of(recipe, "libc", ("glibc",)):
        clear = clear_bits(draws, packets, GENERATORS[library].bits)
        if clear is None or not len(pairs.before):
            continue
        most = MOST_PROCESSES if clear >= _CLEAR_BITS else FEW_PROCESSES
        for process, late in _processes(library, pairs, FEW_PROCESSES, most):
            held = _predicted(library, pairs, process, late)
            chance = _chance(pairs, held, most)
            if chance <= STATED_AT:
                return [_mark(dossier, recipe, draws, packets, pairs, (library, process, held, chance))]
    return []


def _pairs(draws: Sequence[Draw], packets: PacketBatch) -> Pairs:
    """Return each value with the next: along a packet, and from a packet's last to the next packet's first."""
    values = np.stack([packets.column(draw.field).astype(np.int64) for draw in draws], axis=1)
    flat = values.reshape(-1)[: PAIRS + 1]
    modulo = np.tile([draw.modulo for draw in draws], len(values))[: PAIRS + 1]
    row = np.repeat(np.arange(len(values)), len(draws))[: PAIRS + 1]
    second = packets.ts_ns[row] // SECOND_NS
    return Pairs(flat[:-1], flat[1:], modulo[1:], second[1:], row[1:])


def _processes(library: str, pairs: Pairs, few: int, most: int) -> list[tuple[int, int]]:
    """Return the processes, with the clocks' difference, that explain one of the widest pairs; the usual ones first."""
    found = []
    widest = np.argsort(-pairs.modulo, kind="stable")[:_FITTED].tolist()
    for first, end, tried, clocks in ((1, few, widest, CLOCKS_S), (few, most, widest[:1], CLOCKS_S[:1])):
        processes = np.arange(first, end, dtype=np.int64)
        for pair in tried:
            for late in clocks if end > first else ():
                seeds = pairs.second[pair] + late ^ processes * (pairs.before[pair] + 1 & _M32) & _M32
                drawn_value = at(library, seeds, (0,))[0].astype(np.int64) % pairs.modulo[pair]
                found += [(int(process), late) for process in processes[drawn_value == pairs.after[pair]]]
        if found and pairs.bits > _CLEAR_BITS * 4:
            return found
    return found


def _predicted(library: str, pairs: Pairs, process: int, late: int) -> NDArray[np.bool_]:
    """Tell of all pairs whether the process explains them, by the clock or one second beside it."""
    held = np.zeros(len(pairs.before), np.bool_)
    for beside in (0, -1, 1):
        seeds = pairs.second + late + beside ^ process * (pairs.before + 1 & _M32) & _M32
        held |= at(library, seeds, (0,))[0].astype(np.int64) % pairs.modulo == pairs.after
    return held


def _chance(pairs: Pairs, held: NDArray[np.bool_], processes: int) -> float:
    """Bound log10 of the chance that random values follow from each other under one of the processes tried.

    A pair that comes again (a value kept for some packets) shows nothing new.
    """
    different = np.unique(np.stack([pairs.before, pairs.after], axis=1), axis=0, return_index=True)[1]
    new = int(held[different].sum())
    tried = log10(processes * len(CLOCKS_S) * _FITTED)
    fitted = -pairs.bits * LOG10_2
    share = 3.0 / float(pairs.modulo.min())
    return min(0.0, tried + fitted + at_least(len(different) - 1, new - 1, share))


def _mark(
    dossier: Dossier,
    recipe: Recipe,
    draws: Sequence[Draw],
    packets: PacketBatch,
    pairs: Pairs,
    found: tuple[str, int, NDArray[np.bool_], float],
) -> Toolmark:
    library, process, held, chance = found
    names = tuple(draw.field for draw in draws)
    says = f"rand() of {GENERATORS[library].says}"
    rows = np.unique(pairs.row[held])
    checked = int(held.sum()) - 1
    return Toolmark(
        kind="generator",
        statement=f"{listed(names)}: each value seeds {says} for the next, with the second and process {process}",
        fields=names,
        held=int(held.sum()),
        seen=len(held),
        log10_chance=chance,
        level="individual",
        name=f"{recipe.tool}/{recipe.id}",
        values=(process,),
        sampled=len(rows) < dossier.probes,
        packets=shown(packets.take(rows)),
        recovered=(
            Recovered("pid", process, 0.999, checked),
            Recovered("generator", says, 0.95, checked),
        ),
    )
