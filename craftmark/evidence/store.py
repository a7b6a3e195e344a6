"""The store of rows that small strands keep whole, until they outgrow the capacity."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from craftmark.kernels.grouping import (
    LIVE_ROWS,
    N_DEEP,
    N_PROMOTED,
    N_ROWS,
    N_STORED,
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

#: Rows copied together.
_COPIED = 1 << 12


class RowStore:
    """Rows of small strands, chained newest first from their strand's info row; freed rows are used again."""

    def __init__(self) -> None:
        self.batch = PacketBatch(
            np.empty((_START, WORDS), np.uint32), np.empty(_START, np.int64), np.empty(_START, np.int64)
        )
        self._link = np.empty(_START, np.int64)
        self._found = tuple(np.empty(0, np.int64) for _ in range(5))

    def keep(
        self, strands: StrandTable, batch: PacketBatch, rows: Ints, strand: Ints, capacity: int
    ) -> tuple[Ints, Ints, Ints]:
        """Store some rows if their strands are small; return (rows, slots) for deep evidence, the strands promoted.

        What is returned is valid until the next call.
        """
        n = len(rows)
        self._reserve(int(strands.numbers[N_ROWS]) + n)
        if len(self._found[0]) < n:
            self._found = tuple(np.empty(n, np.int64) for _ in range(5))
        stored, place, deep, slot, promoted = self._found
        keep(
            n, rows, capacity, strand, strands.kept, strands.info, strands.numbers, self._link,
            stored, place, deep, slot, promoted,
        )  # fmt: skip
        self._copy(batch, stored, place, int(strands.numbers[N_STORED]))
        found = int(strands.numbers[N_DEEP])
        return deep[:found], slot[:found], promoted[: int(strands.numbers[N_PROMOTED])]

    def adopt(self, strands: StrandTable, other: RowStore, others: StrandTable, mine: Ints, capacity: int) -> Ints:
        """Take over another store's rows; ``mine`` says which of our strands each of theirs is.

        Returns those of their strands whose rows were left, since with them ours would outgrow the capacity.
        """
        n, rows = len(mine), int(others.numbers[LIVE_ROWS])
        self._reserve(int(strands.numbers[N_ROWS]) + rows)
        stored, place, large = np.empty(rows, np.int64), np.empty(rows, np.int64), np.empty(n, np.int64)
        left: int = adopt(
            n, capacity, mine, others.kept, others.info, other._link, strands.kept, strands.info, strands.numbers,
            self._link, stored, place, large,
        )  # fmt: skip
        self._copy(other.batch, stored, place, int(strands.numbers[N_STORED]))
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

    def _copy(self, batch: PacketBatch, stored: Ints, place: Ints, n: int) -> None:
        """Copy ``n`` listed rows of a batch to their places, some at a time, so that what is between stays small."""
        for first in range(0, n, _COPIED):
            rows, places = stored[first : min(n, first + _COPIED)], place[first : min(n, first + _COPIED)]
            self.batch.words[places] = batch.words[rows]
            self.batch.ts_ns[places] = batch.ts_ns[rows]
            self.batch.packet_id[places] = batch.packet_id[rows]

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
