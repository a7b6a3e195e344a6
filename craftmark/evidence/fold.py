"""The fold: batches in, finished strands out, the same for any way of cutting and merging.

A strand keeps its rows until ``capacity``; then they are folded into the deep accumulators, which hold exact counts,
masks and sketches and two bottom-k samples. Capacity is one number for all strands: the greatest of CAPACITIES with
which all rows and samples fit the budget. It depends on the strands' counts alone (what each strand is charged only
grows with its count), so it is the same for every order of folding; budgets count rows, never free memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from craftmark.evidence.deep import SlotOrder, fold_together
from craftmark.evidence.distinct import Ports, Targets
from craftmark.evidence.finished import Finished
from craftmark.evidence.samples import RowSample
from craftmark.evidence.store import RowStore
from craftmark.evidence.strands import StrandTable
from craftmark.evidence.strides import Strides
from craftmark.evidence.tunnels import Tunnels
from craftmark.evidence.values import Values
from craftmark.kernels.grouping import COUNT, LIVE_ROWS, N_SLOTS, SLOT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from craftmark.evidence.base import Accumulator, Ints
    from craftmark.packets.batch import PacketBatch
    from craftmark.packets.expressions import Expression

#: Rows a strand may keep whole.
CAPACITIES = (8192, 1024, 256, 64, 16, 4, 1)

#: Rows of each sample of a longer strand, where the capacity allows.
SAMPLE_ROWS = 1024

#: Below this capacity there are too many large strands for port sets and target sketches.
SKETCHES_FROM = 256

#: Rows kept in all: 1.5 M rows of 180 bytes are 270 MB.
ROW_BUDGET = 1_500_000


class Evidence:
    """Evidence of all strands so far; ``relations`` are looked up by their names in the rows that are known at the end.

    ``seed`` only moves table entries about (see StrandTable).
    """

    def __init__(
        self, relations: Mapping[str, Expression] | None = None, *, budget: int = ROW_BUDGET, seed: int = 1
    ) -> None:
        self.capacity = CAPACITIES[0]
        self._budget = budget
        self.relations: Mapping[str, Expression] = dict(relations or {})
        self.strands = StrandTable(seed)
        self.store = RowStore()
        self.fair = RowSample(SAMPLE_ROWS, by_time=False)
        self.runs = RowSample(SAMPLE_ROWS, by_time=True)
        self.values = Values()
        self.strides = Strides()
        self.targets: Targets | None = Targets()
        self.ports: Ports | None = Ports()
        self.tunnels = Tunnels()
        self._by_slot = SlotOrder()
        self._reserved = 0
        self._numbers = np.arange(0)

    def accumulators(self) -> list[Accumulator]:
        """Return the deep accumulators in use."""
        every: list[Accumulator | None] = [
            self.values,
            self.strides,
            self.targets,
            self.ports,
            self.fair,
            self.runs,
        ]
        return [accumulator for accumulator in every if accumulator is not None]

    @property
    def packets(self) -> int:
        """Packets folded so far."""
        return int(self.strands.info[: len(self.strands), COUNT].sum())

    def update(self, batch: PacketBatch) -> None:
        """Fold a batch; its buffers may be used again afterwards."""
        n = len(batch)
        if len(self._numbers) < n:
            self._numbers = np.arange(n)
        if n:
            strand = self.strands.assign(batch)
            if batch.outer is not None:
                self.tunnels.update(batch.outer, self.strands.keys[strand[batch.outer.rows]])
            self._hold(batch, self._numbers[:n], strand)

    def _hold(self, batch: PacketBatch, rows: Ints, strand: Ints) -> None:
        deep, slot, promoted = self.store.keep(self.strands, batch, rows, strand, self.capacity)
        promoted = np.concatenate([promoted, self._fit()])
        self._reserve()
        self._promote(promoted)
        self._deepen(batch, deep, slot)

    def _reserve(self) -> None:
        slots = int(self.strands.numbers[N_SLOTS])
        if slots > self._reserved:
            self._reserved = slots
            for accumulator in self.accumulators():
                accumulator.reserve(slots)

    def _promote(self, strands: Ints) -> None:
        """Fold the stored rows of strands that have a slot now, then give the rows back."""
        if len(strands):
            rows, slot = self.store.chains(self.strands, strands)
            self._deepen(self.store.batch, rows, slot)
            self.store.free(self.strands, strands)

    def _deepen(self, batch: PacketBatch, rows: Ints, slot: Ints) -> None:
        if len(rows):
            rows, slot = self._by_slot(rows, slot, self._reserved)
            accumulators = (self.values, self.strides, self.targets, self.ports)
            fold_together(batch, rows, slot, accumulators, (self.fair, self.runs))

    def _fit(self) -> Ints:
        """Lower the capacity until everything fits the budget; return the strands that outgrow it and got a slot."""
        strands = self.strands
        held = int(strands.numbers[LIVE_ROWS] + _rows_charged(self.capacity) * strands.numbers[N_SLOTS])
        if held <= self._budget:
            return np.empty(0, np.int64)
        counts = strands.info[: len(strands), COUNT]
        level = CAPACITIES.index(self.capacity)
        while level + 1 < len(CAPACITIES) and _rows_needed(counts, CAPACITIES[level]) > self._budget:
            level += 1
        return self._lower(CAPACITIES[level])

    def _lower(self, capacity: int) -> Ints:
        if capacity >= self.capacity:
            return np.empty(0, np.int64)
        self.resample(capacity)
        strands = self.strands
        small = strands.info[: len(strands), SLOT] < 0
        outgrown = np.flatnonzero(small & (strands.kept[: len(strands)] > capacity))
        first = int(strands.numbers[N_SLOTS])
        strands.info[outgrown, SLOT] = np.arange(first, first + len(outgrown))
        strands.numbers[N_SLOTS] += len(outgrown)
        return outgrown

    def resample(self, capacity: int) -> None:
        """Keep smaller samples from now on, and no sketches where the capacity is too low for them."""
        self.capacity = capacity
        if capacity < SKETCHES_FROM:
            self.targets = self.ports = None
        for sample in (self.fair, self.runs):
            if capacity < sample.capacity:
                sample.shrink(capacity)

    def lower(self, capacity: int) -> None:
        """Lower the capacity, if it is greater, as a larger load would have done."""
        promoted = self._lower(capacity)
        self._reserve()
        self._promote(promoted)

    def merge(self, other: Evidence) -> None:
        """Fold another evidence into this one; the other is used up."""
        if other.relations != self.relations:
            msg = "evidence gathered for other relations cannot be merged"
            raise ValueError(msg)
        capacity = min(self.capacity, other.capacity)
        self.lower(capacity)
        other.lower(capacity)
        mine = self.strands.absorb(other.strands)
        self._merge_small(other, mine)
        self._merge_deep(other, mine)
        self.tunnels.merge(other.tunnels)

    def _merge_small(self, other: Evidence, mine: Ints) -> None:
        large = self.store.adopt(self.strands, other.store, other.strands, mine, self.capacity)
        promoted = self._fit()
        self._reserve()
        self._promote(promoted)
        rows, start = other.store.in_order(other.strands, large)
        strand = np.repeat(mine[large], np.diff(start))
        for piece in range(0, len(rows), 65536):
            chosen = slice(piece, piece + 65536)
            self._hold(other.store.batch, rows[chosen], strand[chosen])

    def _merge_deep(self, other: Evidence, mine: Ints) -> None:
        theirs = other.strands.info[: len(other.strands), SLOT]
        deep = np.flatnonzero(theirs >= 0)
        new = mine[deep][self.strands.info[mine[deep], SLOT] < 0]
        first = int(self.strands.numbers[N_SLOTS])
        self.strands.info[new, SLOT] = np.arange(first, first + len(new))
        self.strands.numbers[N_SLOTS] += len(new)
        promoted = np.concatenate([new, self._fit()])
        if other.capacity > self.capacity:
            other.resample(self.capacity)
        self._reserve()
        self._promote(promoted)
        slot = np.empty(len(deep), np.int64)
        slot[theirs[deep]] = self.strands.info[mine[deep], SLOT]
        for own, its in zip(self.accumulators(), other.accumulators(), strict=True):
            own.merge(its, slot)

    def finish(self) -> Finished:
        """Return the finished strands in canonical order."""
        self._settle_capacity()
        for accumulator in self.accumulators():
            accumulator.settle()
        order = self.strands.order()
        rows, start = self.store.in_order(self.strands, order)
        return Finished(self, order, rows, start)

    def _settle_capacity(self) -> None:
        promoted = self._fit()
        self._reserve()
        self._promote(promoted)


def _rows_needed(counts: Ints, capacity: int) -> int:
    """Rows charged with a capacity: small strands whole, large ones by what they hold or held."""
    return int(np.where(counts <= capacity, counts, _rows_charged(capacity)).sum())


def _rows_charged(capacity: int) -> int:
    """Rows that a strand is charged that outgrew the capacity: never less than before."""
    return max(capacity, 2 * min(capacity, SAMPLE_ROWS))
