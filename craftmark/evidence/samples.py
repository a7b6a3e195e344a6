"""Samples of whole rows per strand: a fair one, and one of runs of consecutive packets.

Both are bottom-k: rows have a rank that depends on the packet alone, and the k least ranks are kept. The fair sample
ranks by a hash of the packet id. The other ranks by a hash of the packet's 4.3 s time slice, then by time, so that it
holds the earliest packets of a few slices with none missing between.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from craftmark.evidence.base import Ints, SlotArrays
from craftmark.kernels.sketches import fold_sample, row_ranks
from craftmark.packets.batch import PacketBatch
from craftmark.packets.fields import WORDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


class RowSample:
    """Accumulator of the ``capacity`` rows of least rank per slot."""

    def __init__(self, capacity: int, *, by_time: bool) -> None:
        self.capacity = capacity
        self.by_time = by_time
        self._make(capacity)

    def _make(self, capacity: int) -> None:
        self.capacity = capacity
        self.state = SlotArrays(
            size=("int64", 0, 0),
            rank=("int64", capacity, 0),
            ident=("int64", capacity, 0),
            place=("int64", capacity, 0),
            kept=("uint32", capacity * WORDS, 0),
            kept_ns=("int64", capacity, 0),
        )

    def reserve(self, slots: int) -> None:
        """Make room for ``slots`` strands."""
        self.state.reserve(slots)

    def update(self, batch: PacketBatch, rows: Ints, slot: Ints) -> None:
        """Fold rows into their slots."""
        if not len(rows):
            return
        ranks = np.empty(len(rows), np.int64)
        row_ranks(len(rows), rows, batch.ts_ns, batch.packet_id, int(self.by_time), ranks)
        state = self.state
        fold_sample(
            len(rows), rows, slot, batch.words, batch.ts_ns, batch.packet_id, ranks, self.capacity,
            state["size"], state["rank"].reshape(-1), state["ident"].reshape(-1), state["place"].reshape(-1),
            state["kept"].reshape(-1, WORDS), state["kept_ns"].reshape(-1),
        )  # fmt: skip

    def merge(self, other: RowSample, slot: Ints) -> None:
        """Fold the other's kept rows into own slots."""
        for theirs in range(len(other.state)):
            batch = other.rows(theirs)
            self.update(batch, np.arange(len(batch)), np.full(len(batch), slot[theirs], np.int64))

    def shrink(self, capacity: int) -> None:
        """Keep only the ``capacity`` rows of least rank per slot, now and from now on."""
        old = [self.rows(slot) for slot in range(len(self.state))]
        self._make(capacity)
        self.reserve(len(old))
        for slot, batch in enumerate(old):
            self.update(batch, np.arange(len(batch)), np.full(len(batch), slot, np.int64))

    def rows(self, slot: int) -> PacketBatch:
        """Return the kept rows of a slot, in time order."""
        size = int(self.state["size"][slot])
        base = slot * self.capacity
        ident = self.state["ident"].reshape(-1)[base : base + size]
        place = base + self.state["place"].reshape(-1)[base : base + size]
        ts_ns = self.state["kept_ns"].reshape(-1)[place]
        order = np.lexsort((ident, ts_ns))
        return PacketBatch(self.state["kept"].reshape(-1, WORDS)[place[order]], ts_ns[order], ident[order])

    def greatest_rank(self, slot: int) -> int:
        """Return the greatest rank kept in a slot: every row of its strand up to it is here."""
        return int(self.state["rank"][slot, 0])

    def settle(self) -> None:
        """Order every slot's rows by rank."""
        state = self.state
        kept = state["kept"].reshape(-1, self.capacity, WORDS)
        for slot in range(len(state)):
            size = int(state["size"][slot])
            order = np.lexsort((state["ident"][slot, :size], state["rank"][slot, :size]))[::-1]
            place = state["place"][slot, :size][order]
            state["rank"][slot, :size] = state["rank"][slot, :size][order]
            state["ident"][slot, :size] = state["ident"][slot, :size][order]
            kept[slot, :size] = kept[slot, place]
            state["kept_ns"][slot, :size] = state["kept_ns"][slot, place]
            state["place"][slot, :size] = np.arange(size)

    def arrays(self) -> Mapping[str, NDArray[np.generic]]:
        """Return sizes, ranks, packet ids, places and kept rows."""
        return self.state.used()
