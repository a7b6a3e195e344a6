"""Samples of whole rows per strand: a fair one, and one of runs of consecutive packets.

Both are bottom-k: rows have a rank that depends on the packet alone, and the k least ranks are kept. The fair sample
ranks by a hash of the packet's two ends, then of its id: whole conversations, the same ones in every strand, so that
openings, answers and data of a connection are known together. The other ranks by a hash of the packet's 4.3 s time
slice, then by time, so that it holds the earliest packets of a few slices with none missing between.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from craftmark.evidence.base import Ints, SlotArrays
from craftmark.kernels.sketches import fold_sample
from craftmark.packets.batch import PacketBatch
from craftmark.packets.fields import WORDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

#: Rows that are copied about at once.
_PIECE_ROWS = 65_536


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
        fold_sample(
            len(rows), rows, slot, batch.words, batch.ts_ns, batch.packet_id, int(self.by_time), self.capacity,
            *self.heaps(),
        )  # fmt: skip

    def heaps(self) -> tuple[NDArray[Any], ...]:
        """Return the state as the kernels take it: sizes, and all slots' entries and rows one after another."""
        state = self.state
        entries = (state[name].reshape(-1) for name in ("rank", "ident", "place"))
        return state["size"], *entries, state["kept"].reshape(-1, WORDS), state["kept_ns"].reshape(-1)

    def merge(self, other: RowSample, slot: Ints) -> None:
        """Fold the other's kept rows into own slots."""
        for piece in _pieces(len(other.state), other.capacity):
            batch, size = other.rows_of(piece)
            self.update(batch, np.arange(len(batch)), np.repeat(slot[piece], size))

    def shrink(self, capacity: int) -> None:
        """Keep only the ``capacity`` rows of least rank per slot, now and from now on."""
        greater = RowSample(self.capacity, by_time=self.by_time)
        greater.state = self.state
        self._make(capacity)
        self.reserve(len(greater.state))
        self.merge(greater, np.arange(len(greater.state)))

    def rows(self, slot: int) -> PacketBatch:
        """Return the kept rows of a slot, in time order."""
        batch, _ = self.rows_of(np.array([slot]))
        return batch.take(np.lexsort((batch.packet_id, batch.ts_ns)))

    def rows_of(self, slots: Ints) -> tuple[PacketBatch, Ints]:
        """Return the kept rows of some slots, slot by slot, and how many each has."""
        size = np.asarray(self.state["size"][slots], np.int64)
        base = np.repeat(slots * self.capacity, size)
        entry = base + np.arange(len(base)) - np.repeat(np.cumsum(size) - size, size)
        row = base + self.state["place"].reshape(-1)[entry]
        kept, kept_ns = self.state["kept"].reshape(-1, WORDS), self.state["kept_ns"].reshape(-1)
        return PacketBatch(kept[row], kept_ns[row], self.state["ident"].reshape(-1)[entry]), size

    def greatest_rank(self, slot: int) -> int:
        """Return the greatest rank kept in a slot: every row of its strand up to it is here."""
        return int(self.state["rank"][slot, 0])

    def settle(self) -> None:
        """Order every slot's rows by rank, the greatest first."""
        state, places = self.state, np.arange(self.capacity)
        kept = state["kept"].reshape(-1, self.capacity, WORDS)
        for piece in _pieces(len(state), self.capacity):
            empty = places >= state["size"][piece, None]
            rank = np.where(empty, -1, state["rank"][piece])
            order = np.lexsort((state["ident"][piece], rank), axis=-1)[:, ::-1]
            place = np.take_along_axis(state["place"][piece], order, 1)
            for name in ("rank", "ident"):
                state[name][piece] = np.where(empty, 0, np.take_along_axis(state[name][piece], order, 1))
            state["kept_ns"][piece] = np.where(empty, 0, np.take_along_axis(state["kept_ns"][piece], place, 1))
            kept[piece] = np.where(empty[:, :, None], 0, np.take_along_axis(kept[piece], place[:, :, None], 1))
            state["place"][piece] = np.where(empty, 0, places)

    def arrays(self) -> Mapping[str, NDArray[np.generic]]:
        """Return sizes, ranks, packet ids, places and kept rows."""
        return self.state.used()


def _pieces(slots: int, capacity: int) -> Iterator[Ints]:
    """Cut slots 0..``slots`` into runs that hold some 65,536 rows."""
    step = max(_PIECE_ROWS // capacity, 1)
    for first in range(0, slots, step):
        yield np.arange(first, min(first + step, slots))
