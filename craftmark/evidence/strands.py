"""Strands: packets of one source, protocol, control bits and packet shape; the unit evidence is gathered for.

The key also holds which fields are present and which unseen, so that within a strand a field is seen in all packets
or in none: every count has its denominator. It never holds a field that varies from packet to packet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from craftmark.evidence.ordering import order_by_hash
from craftmark.kernels.grouping import (
    FREE_HEAD,
    INFO_COLUMNS,
    KEY_WORDS,
    N_STRANDS,
    NUMBERS,
    absorb,
    assign,
    key_hashes,
    rehash,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from craftmark.evidence.base import Ints
    from craftmark.packets.batch import PacketBatch

_START = 1 << 12
_GROWTH = 4
#: Bits of a strand's rank: hash of the source, then of the whole key.
_RANK_BITS = 62
#: Strands remembered so that packets of long ones are found without a hash; a power of two.
_RECENT = 1 << 10


class _Work:
    """Room in which the packets of a batch find their strands."""

    def __init__(self, rows: int) -> None:
        self.key = np.empty((rows, KEY_WORDS), np.uint32)
        self.hashes = np.empty(rows, np.int64)
        self.missed = np.empty(rows, np.int64)
        self.strand = np.empty(rows, np.int64)


class StrandTable:
    """All strands seen so far: key, count, first and last time, and where their evidence is.

    ``seed`` moves table entries about, so that nobody can prepare colliding packets; no result depends on it.
    """

    def __init__(self, seed: int) -> None:
        self._factors = hash_factors(seed)
        self.numbers = np.zeros(NUMBERS, np.int64)
        self.numbers[FREE_HEAD] = -1
        self.keys = np.zeros((_START, KEY_WORDS), np.uint32)
        self.info = np.zeros((_START, INFO_COLUMNS), np.int64)
        self.kept = np.zeros(_START, np.int32)
        self._table = np.zeros(_START * 2, np.int64)
        self._recent = np.zeros(_RECENT, np.int64)
        self._work = _Work(0)

    def __len__(self) -> int:
        return int(self.numbers[N_STRANDS])

    def assign(self, batch: PacketBatch) -> Ints:
        """Return the strand of every packet, new strands made and all of them counted; valid until the next call."""
        n = len(batch)
        self._reserve(n)
        work = self._work = self._work if n <= len(self._work.strand) else _Work(n)
        assign(
            n, batch.words, batch.ts_ns, work.key, work.hashes, work.missed, self._recent, self._table, self.keys,
            self.info, self.numbers, self._factors, work.strand,
        )  # fmt: skip
        return work.strand[:n]

    def _reserve(self, more: int) -> None:
        """Make room for ``more`` strands."""
        room = len(self.keys)
        while room < len(self) + more:
            room *= _GROWTH
        if room == len(self.keys):
            return
        self.keys = _resized(self.keys, room)
        self.info = _resized(self.info, room)
        self.kept = _resized(self.kept, room)
        self._table = np.zeros(2 * room, np.int64)
        rehash(len(self), np.empty(len(self), np.int64), self._table, self.keys, self._factors)

    def absorb(self, other: StrandTable) -> Ints:
        """Enter another table's strands with their counts and times; return own strand of each of theirs."""
        n = len(other)
        self._reserve(n)
        strand = np.empty(n, np.int64)
        absorb(n, other.keys, other.info, self._table, self.keys, self.info, self.numbers, self._factors, strand)
        return strand

    def order(self) -> Ints:
        """Return the strands in canonical order: by hash of the source, the source, hash of the whole key, the key.

        Only prepared sources collide; then the whole order is sorted anew, so that a source's strands stay together.
        """
        n = len(self)
        source, whole = np.empty(n, np.int64), np.empty(n, np.int64)
        key_hashes(n, self.keys, source, whole)
        rank = (source << 31) | (whole >> 1)
        order = order_by_hash(rank, _RANK_BITS)
        ranked = rank[order]
        alike = np.flatnonzero(ranked[1:] >> 31 == ranked[:-1] >> 31)
        address = self.keys[:, :4]
        collided = (address[order[alike]] != address[order[alike + 1]]).any()
        if collided or (ranked[1:] == ranked[:-1]).any():
            columns = [self.keys[:n, w] for w in range(KEY_WORDS)]
            order = np.lexsort([*columns[:3:-1], whole >> 1, *columns[3::-1], source])
        return order


def hash_factors(seed: int) -> Ints:
    """Return the odd factors below 2**26 of a table's hash, drawn from its seed (SplitMix64, Steele et al. 2014)."""
    factors = []
    for step in range(1, KEY_WORDS + 1):
        z = (seed + step * 0x9E3779B97F4A7C15) % (1 << 64)
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) % (1 << 64)
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) % (1 << 64)
        factors.append((z >> 38) | (1 << 25) | 1)
    return np.array(factors, np.int64)


def _resized(array: NDArray[Any], rows: int) -> NDArray[Any]:
    grown = np.zeros((rows, *array.shape[1:]), array.dtype)
    grown[: len(array)] = array
    return grown
