"""The store of rows that small strands keep whole, until they outgrow the capacity."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from craftmark.kernels.grouping import (
    LIVE_ROWS,
    N_DEEP,
    N_PROMOTED,
    N_ROWS,
    adopt,
    chain_rows,
    chains_in_order,
    free_rows,
    keep,
)
from craftmark.packets.batch import PacketBatch
from craftmark.packets.fields import WORDS

if TYPE_CHECKING:
    from craftmark.evidence.base import Ints
    from craftmark.evidence.strands import StrandTable

_START = 1 << 13

#: Rows of the first growth: address space only, pages are touched as rows come.
_ROOM = 1 << 21


class RowStore:
    """Rows of small strands, chained newest first from their strand's info row; freed rows are used again."""

    def __init__(self) -> None:
        self.batch = PacketBatch(
            np.empty((_START, WORDS), np.uint32), np.empty(_START, np.int64), np.empty(_START, np.int64)
        )
        self._link = np.empty(_START, np.int64)
        self._found = tuple(np.empty(0, np.int64) for _ in range(3))

    def keep(
        self, strands: StrandTable, batch: PacketBatch, rows: Ints, strand: Ints, capacity: int
    ) -> tuple[Ints, Ints, Ints]:
        """Store some rows if their strands are small; return (rows, slots) for deep evidence, the strands promoted.

        What is returned is valid until the next call.
        """
        n = len(rows)
        self._reserve(int(strands.numbers[N_ROWS]) + n)
        if len(self._found[0]) < n:
            self._found = tuple(np.empty(n, np.int64) for _ in range(3))
        deep, slot, promoted = self._found
        store = self.batch
        keep(
            n, rows, capacity, batch.words, batch.ts_ns, batch.packet_id, strand, strands.kept, strands.info,
            strands.numbers, store.words, store.ts_ns, store.packet_id, self._link, deep, slot, promoted,
        )  # fmt: skip
        found = int(strands.numbers[N_DEEP])
        return deep[:found], slot[:found], promoted[: int(strands.numbers[N_PROMOTED])]

    def adopt(self, strands: StrandTable, other: RowStore, others: StrandTable, mine: Ints, capacity: int) -> Ints:
        """Take over another store's rows; ``mine`` says which of our strands each of theirs is.

        Returns those of their strands whose rows were left, since with them ours would outgrow the capacity.
        """
        n = len(mine)
        self._reserve(int(strands.numbers[N_ROWS] + others.numbers[LIVE_ROWS]))
        store, theirs, large = self.batch, other.batch, np.empty(n, np.int64)
        left: int = adopt(
            n, capacity, mine, others.kept, others.info, theirs.words, theirs.ts_ns, theirs.packet_id, other._link,
            strands.kept, strands.info, strands.numbers, store.words, store.ts_ns, store.packet_id, self._link, large,
        )  # fmt: skip
        return large[:left]

    def chains(self, strands: StrandTable, chosen: Ints) -> tuple[Ints, Ints]:
        """Return the stored rows of some strands and the slot of each row."""
        total = int(strands.kept[chosen].sum())
        rows, slot = np.empty(total, np.int64), np.empty(total, np.int64)
        chain_rows(len(chosen), chosen, strands.info, self._link, rows, slot)
        return rows, slot

    def free(self, strands: StrandTable, chosen: Ints) -> None:
        """Give back the rows of some strands."""
        free_rows(len(chosen), chosen, strands.info, strands.kept, self._link, strands.numbers)

    def in_order(self, strands: StrandTable, order: Ints) -> tuple[Ints, Ints]:
        """Return (rows, start): stored rows strand by strand in ``order``, each strand's by time, then packet id.

        Packets mostly came in the order of time; only where they did not is anything sorted.
        """
        rows = np.empty(int(strands.kept[order].sum()), np.int64)
        start = np.empty(len(order) + 1, np.int64)
        chains_in_order(len(order), order, strands.info, self._link, rows, start)
        ts_ns, number = self.batch.ts_ns[rows], self.batch.packet_id[rows]
        late = (ts_ns[1:] < ts_ns[:-1]) | ((ts_ns[1:] == ts_ns[:-1]) & (number[1:] < number[:-1]))
        heads = start[1:-1][(start[1:-1] > 0) & (start[1:-1] < len(rows))]
        late[heads - 1] = False
        if late.any():
            owner = np.repeat(np.arange(len(order)), np.diff(start))
            mixed = np.zeros(len(order), np.bool_)
            mixed[owner[1:][late]] = True
            inside = np.flatnonzero(mixed[owner])
            by_time = np.lexsort((number[inside], ts_ns[inside], owner[inside]))
            rows[inside] = rows[inside[by_time]]
        return rows, start

    def _reserve(self, rows: int) -> None:
        room = len(self._link)
        if rows <= room:
            return
        room = max(rows, room + room // 2, _ROOM)
        old = self.batch
        used = len(old)
        self.batch = PacketBatch(np.empty((room, WORDS), np.uint32), np.empty(room, np.int64), np.empty(room, np.int64))
        self.batch.words[:used] = old.words
        self.batch.ts_ns[:used] = old.ts_ns
        self.batch.packet_id[:used] = old.packet_id
        link = np.empty(room, np.int64)
        link[:used] = self._link
        self._link = link
