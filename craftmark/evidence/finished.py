"""Finished strands in canonical order, and access to the rows that are known of them.

Known rows are all rows of a small strand and the fair sample of a large one.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np

from craftmark.kernels.grouping import KEY_BITS, KEY_IDENTITY, KEY_UNSEEN, KEY_WORDS
from craftmark.kernels.ordering import gather_strands
from craftmark.kernels.sketches import row_ranks
from craftmark.packets.batch import PacketBatch, empty_batch, join
from craftmark.packets.fields import ICMP, ICMP6, ICMP_TYPE, TCP, TCP_FLAGS, WORDS, visibility_bit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from craftmark.evidence.base import Ints
    from craftmark.evidence.distinct import Ports, Targets
    from craftmark.evidence.samples import RowSample
    from craftmark.evidence.store import RowStore
    from craftmark.evidence.strands import StrandTable
    from craftmark.evidence.strides import Strides
    from craftmark.evidence.tunnels import Tunnels
    from craftmark.evidence.values import Values
    from craftmark.packets.expressions import Expression

#: Bits of a fair rank below the hash of both ends.
PAIR_SHIFT = 30
#: Words of a page and of a cache line: columns start a line apart, not whole pages, which would share few cache sets.
_PAGE, _LINE = 1024, 16
#: Rows whose words are brought together at a time, so that they stay in the caches.
_BLOCK = 1 << 10


class Gathered(Protocol):
    """What was gathered of all strands, settled: see evidence/fold.py, which gathers it."""

    relations: Mapping[str, Expression]
    capacity: int
    strands: StrandTable
    store: RowStore
    values: Values
    strides: Strides
    targets: Targets | None
    ports: Ports | None
    fair: RowSample
    runs: RowSample
    tunnels: Tunnels


class Finished:
    """All strands, sorted so that those of one source stand together. Arrays have one entry per strand.

    keys: uint32[n, KEY_WORDS]. count, first_ns, last_ns: int64. source: number of the strand's source address.
    slot: row in the deep accumulators' arrays, -1 for strands whose rows are all known.
    """

    def __init__(self, evidence: Gathered, order: Ints, rows: Ints, start: Ints) -> None:
        self.evidence = evidence
        strands, n = evidence.strands, len(order)
        self.keys: NDArray[np.uint32] = np.empty((n, KEY_WORDS), np.uint32)
        self.count, self.first_ns, self.last_ns, self.slot, self.source = (np.empty(n, np.int64) for _ in range(5))
        gather_strands(
            n, order, strands.keys, strands.info, self.keys, self.count, self.first_ns, self.last_ns, self.slot,
            self.source,
        )  # fmt: skip
        self._rows = rows
        self._start = start

    def __len__(self) -> int:
        return len(self.keys)

    @cached_property
    def protocol(self) -> Ints:
        """Protocol of every strand (packets.fields.PROTOCOL's values)."""
        return (self.keys[:, KEY_IDENTITY] & 0xFFFF).astype(np.int64)

    @cached_property
    def bits(self) -> Ints:
        """Control bits, or ICMP type << 8 | code, or ARP operation, of every strand."""
        return self.keys[:, KEY_BITS].astype(np.int64)

    @cached_property
    def hides_bits(self) -> NDArray[np.bool_]:
        """Tell of every strand whether the input cannot show what ``bits`` holds: TCP's control bits, ICMP's type."""
        unseen = self.keys[:, KEY_UNSEEN]
        hidden: NDArray[np.bool_] = (unseen & np.uint32(visibility_bit(TCP_FLAGS)) != 0) & (self.protocol == TCP)
        icmp = np.isin(self.protocol, (ICMP, ICMP6))
        hidden |= (unseen & np.uint32(visibility_bit(ICMP_TYPE)) != 0) & icmp
        return hidden

    @property
    def complete(self) -> NDArray[np.bool_]:
        """Tell of every strand whether all its rows are known."""
        return self.slot < 0

    @cached_property
    def _sampled(self) -> tuple[PacketBatch, Ints]:
        """Fair samples of all large strands, and the strand of each row."""
        deep = np.flatnonzero(self.slot >= 0)
        rows, size = self.evidence.fair.rows_of(self.slot[deep])
        return rows, np.repeat(deep, size)

    @cached_property
    def known_strand(self) -> Ints:
        """Strand of every known row: rows of small strands first, strand by strand, then samples of large ones."""
        small = np.repeat(np.arange(len(self)), np.diff(self._start))
        return np.concatenate([small, self._sampled[1]])

    @cached_property
    def _columns(self) -> NDArray[np.uint32]:
        """All words of all known rows as columns: a row far away costs the same for one word as for all."""
        stored, sampled = len(self._rows), self._sampled[0].words
        rows = stored + len(sampled)
        columns = np.empty((WORDS, rows + -rows % _PAGE + _LINE), np.uint32)[:, :rows]
        words = self.evidence.store.batch.words
        for first in range(0, stored, _BLOCK):
            columns[:, first : min(stored, first + _BLOCK)] = words[self._rows[first : first + _BLOCK]].T
        columns[:, stored:] = sampled.T
        return columns

    def known(self, word: int) -> NDArray[np.uint32]:
        """Return one word of every known row; not to be modified."""
        column: NDArray[np.uint32] = self._columns[word]
        return column

    def known_rows(self, rows: Ints) -> PacketBatch:
        """Return some known rows as packets."""
        return PacketBatch(
            self._columns[:, rows].T.copy(), self.known_ns()[rows], self.known_ids()[rows].astype(np.int64)
        )

    def known_ns(self) -> Ints:
        """Return the time of every known row."""
        return np.concatenate([self.evidence.store.batch.ts_ns[self._rows], self._sampled[0].ts_ns])

    def known_ids(self) -> NDArray[np.uint64]:
        """Return the packet id of every known row."""
        return np.concatenate([self.evidence.store.batch.packet_id[self._rows], self._sampled[0].packet_id])

    def known_pairs(self, rows: Ints) -> Ints:
        """Return the hash of both ends of some known rows, ascending: what fair samples choose conversations by."""
        stored = int(np.searchsorted(rows, len(self._rows)))
        small = _ranks(self.evidence.store.batch, self._rows[rows[:stored]])
        large = _ranks(self._sampled[0], rows[stored:] - len(self._rows))
        return np.concatenate([small, large]) >> PAIR_SHIFT

    def pair_limits(self) -> Ints:
        """Return per strand the pair hash up to which its conversations are known: all of them for small ones."""
        limit = np.full(len(self), np.iinfo(np.int64).max)
        deep = np.flatnonzero(self.slot >= 0)
        limit[deep] = self.evidence.fair.state["rank"][self.slot[deep], 0] >> PAIR_SHIFT
        return limit

    def small_rows(self, strands: Ints) -> PacketBatch:
        """Return all rows of the small ones among some strands, strand by strand."""
        chosen = [self._rows[self._start[s] : self._start[s + 1]] for s in strands if self.slot[s] < 0]
        if not chosen:
            return empty_batch()
        return self.evidence.store.batch.take(np.concatenate(chosen))

    def fair_rows(self, strands: Ints) -> PacketBatch:
        """Return a fair sample of all packets of some strands, in time order: all of them if all are small.

        Where large strands are among them, every strand is sampled at the rate of the largest.
        """
        small = self.small_rows(strands)
        deep = [int(self.slot[s]) for s in strands if self.slot[s] >= 0]
        if not deep:
            return in_time_order(small)
        limit = min(self.evidence.fair.greatest_rank(slot) for slot in deep)
        parts = [self.evidence.fair.rows(slot) for slot in deep]
        every = join([small, *parts])
        return in_time_order(every.take(fair_ranks(every) <= limit))

    def run_rows(self, strands: Ints) -> PacketBatch:
        """Return runs of consecutive packets of some strands, in time order."""
        parts = [self.evidence.runs.rows(int(self.slot[s])) for s in strands if self.slot[s] >= 0]
        return in_time_order(join([self.small_rows(strands), *parts]))


def fair_ranks(batch: PacketBatch) -> Ints:
    """Return the rank of every packet in fair samples (see evidence/samples.py)."""
    return _ranks(batch, np.arange(len(batch)))


def _ranks(batch: PacketBatch, rows: Ints) -> Ints:
    ranks = np.empty(len(rows), np.int64)
    row_ranks(len(rows), rows, batch.words, batch.ts_ns, batch.packet_id, 0, ranks)
    return ranks


def in_time_order(batch: PacketBatch) -> PacketBatch:
    """Return the packets by time, then packet id."""
    return batch.take(np.lexsort((batch.packet_id, batch.ts_ns)))
