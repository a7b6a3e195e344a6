"""A part of a body of evidence: some of its strands alone, as if nothing else had ever been folded.

A stream lets go of strands that are over and carries the others on. The capacity stays what it was where a strand that
outgrew it is among them, since rows that were let go cannot come back; else it is the greatest again.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import numpy as np

from craftmark.evidence.fold import CAPACITIES, Evidence
from craftmark.evidence.strands import StrandTable
from craftmark.kernels.grouping import N_SLOTS, N_STRANDS, SLOT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from craftmark.evidence.base import Ints

#: Rows that are copied at once.
_PIECE_ROWS = 65_536


def part_of(evidence: Evidence, chosen: Ints, *, budget: int | None = None) -> Evidence:
    """Return the evidence of some strands, numbered as in ``evidence.strands``; the given one stays as it is."""
    options = {} if budget is None else {"budget": budget}
    part = Evidence(evidence.relations, seed=secrets.randbits(60), **options)
    large = chosen[evidence.strands.info[chosen, SLOT] >= 0]
    if len(large):
        part.lower(evidence.capacity)
    assert part.capacity in CAPACITIES
    _carry_large(evidence, part, large)
    _carry_small(evidence, part, chosen[evidence.strands.info[chosen, SLOT] < 0])
    part.tunnels = evidence.tunnels.part(evidence.strands.keys[chosen])
    return part


def _carry_small(evidence: Evidence, part: Evidence, strands: Ints) -> None:
    """Fold the rows of strands that are known whole."""
    rows, _ = evidence.store.in_order(evidence.strands, strands)
    for first in range(0, len(rows), _PIECE_ROWS):
        part.update(evidence.store.batch.take(rows[first : first + _PIECE_ROWS]))


def _carry_large(evidence: Evidence, part: Evidence, strands: Ints) -> None:
    """Copy the deep states of strands that have them, with counts and times."""
    slots = evidence.strands.info[strands, SLOT]
    states = [
        {name: array[slots] for name, array in accumulator.arrays().items()} for accumulator in evidence.accumulators()
    ]
    enter_large(part, evidence.strands.keys[strands], evidence.strands.info[strands], states)


def enter_large(part: Evidence, keys: NDArray[np.uint32], info: Ints, states: Sequence[Mapping[str, Any]]) -> None:
    """Enter strands that have deep states, one row of each state's arrays per strand, into new evidence."""
    count = len(keys)
    if not count:
        return
    table = StrandTable(1)
    table.keys, table.info = keys, info
    table.numbers[N_STRANDS] = count
    mine = part.strands.absorb(table)
    part.strands.info[mine, SLOT] = np.arange(count)
    part.strands.numbers[N_SLOTS] = count
    for accumulator, arrays in zip(part.accumulators(), states, strict=True):
        accumulator.reserve(count)
        own = accumulator.arrays()
        for name, array in arrays.items():
            own[name][:] = array
