"""A part of a body of evidence: some of its strands alone, as if nothing else had ever been folded.

A stream lets go of strands that are over and carries the others on. The capacity stays what it was where a strand that
outgrew it is among them, since rows that were let go cannot come back; else it is the greatest again.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from craftmark.evidence.fold import CAPACITIES, Evidence
from craftmark.evidence.strands import StrandTable
from craftmark.kernels.grouping import N_SLOTS, N_STRANDS, SLOT

if TYPE_CHECKING:
    from craftmark.evidence.base import Accumulator, Ints, SlotArrays

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
    if not len(strands):
        return
    table = StrandTable(1)
    table.keys, table.info = evidence.strands.keys[strands], evidence.strands.info[strands]
    table.numbers[N_STRANDS] = len(strands)
    mine = part.strands.absorb(table)
    slots = evidence.strands.info[strands, SLOT]
    part.strands.info[mine, SLOT] = np.arange(len(strands))
    part.strands.numbers[N_SLOTS] = len(strands)
    for own, theirs in zip(part.accumulators(), evidence.accumulators(), strict=True):
        own.reserve(len(strands))
        state, others = _state(own), _state(theirs)
        for name in others.used():
            state[name][: len(strands)] = others[name][slots]


def _state(accumulator: Accumulator) -> SlotArrays:
    return cast("SlotArrays", cast(Any, accumulator).state)
