"""Strands: packets of one source, protocol, control bits and packet shape; the unit evidence is gathered for.

The key also holds which fields are present and which unseen, so that within a strand a field is seen in all packets
or in none: every count has its denominator. It never holds a field that varies from packet to packet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from craftmark.kernels import grouping
from craftmark.kernels.grouping import (
    COUNT,
    FIRST_NS,
    FREE_HEAD,
    INFO_COLUMNS,
    KEY_WORDS,
    LAST_NS,
    N_STRANDS,
    NUMBERS,
    assign,
    key_hashes,
    rehash,
)
from craftmark.packets import fields as f
from craftmark.packets.batch import PacketBatch, empty_batch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from craftmark.evidence.base import Ints

_START = 1 << 12
#: Strands remembered so that packets of long ones are found without a hash; a power of two.
_RECENT = 1 << 10


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
        self._key = np.zeros((1, KEY_WORDS), np.uint32)
        self._recent = np.zeros(_RECENT, np.int64)

    def __len__(self) -> int:
        return int(self.numbers[N_STRANDS])

    def assign(self, batch: PacketBatch) -> Ints:
        """Return the strand of every packet, new strands made and all of them counted."""
        strand = np.empty(len(batch), np.int64)
        done = 0
        while True:
            done = assign(
                len(batch), done, batch.words, batch.ts_ns, self._key, self._recent, self._table, self.keys, self.info,
                self.numbers, self._factors, strand,
            )  # fmt: skip
            if done >= len(batch):
                return strand
            self._grow()

    def _grow(self) -> None:
        room = 2 * len(self.keys)
        self.keys = _resized(self.keys, room)
        self.info = _resized(self.info, room)
        self.kept = _resized(self.kept, room)
        self._table = np.zeros(2 * room, np.int64)
        rehash(len(self), self._table, self.keys, self._factors)

    def absorb(self, other: StrandTable) -> Ints:
        """Enter another table's strands with their counts and times; return own strand of each of theirs."""
        mine = self._enter(other.keys[: len(other)])
        theirs = other.info[: len(other)]
        fresh = self.info[mine, COUNT] == 0
        first, last = self.info[mine, FIRST_NS], self.info[mine, LAST_NS]
        self.info[mine, FIRST_NS] = np.where(fresh, theirs[:, FIRST_NS], np.minimum(first, theirs[:, FIRST_NS]))
        self.info[mine, LAST_NS] = np.where(fresh, theirs[:, LAST_NS], np.maximum(last, theirs[:, LAST_NS]))
        self.info[mine, COUNT] += theirs[:, COUNT]
        return mine

    def _enter(self, keys: NDArray[np.uint32]) -> Ints:
        before = len(self)
        counts = self.info[:before, COUNT].copy()
        times = self.info[:before, FIRST_NS : LAST_NS + 1].copy()
        strand = self.assign(_batch_with_keys(keys))
        self.info[:before, COUNT] = counts
        self.info[:before, FIRST_NS : LAST_NS + 1] = times
        self.info[before : len(self), COUNT] = 0
        return strand

    def order(self) -> Ints:
        """Return the strands in canonical order: by hash of the source, the source, hash of the whole key, the key.

        Only prepared sources collide; then the whole order is sorted anew, so that a source's strands stay together.
        """
        n = len(self)
        source, whole = np.empty(n, np.int64), np.empty(n, np.int64)
        key_hashes(n, self.keys, source, whole)
        rank = (source << 31) | (whole >> 1)
        order = np.argsort(rank, kind="stable")
        ranked = rank[order]
        address = self.keys[order, :4]
        collided = (ranked[1:] >> 31 == ranked[:-1] >> 31) & (address[1:] != address[:-1]).any(axis=1)
        if collided.any() or (ranked[1:] == ranked[:-1]).any():
            columns = [self.keys[:n, w] for w in range(KEY_WORDS)]
            order = np.lexsort([*columns[:3:-1], whole >> 1, *columns[3::-1], source])
        return order


def _batch_with_keys(keys: NDArray[np.uint32]) -> PacketBatch:
    """Return packets that have these strand keys and nothing else: the inverse of the kernel ``key_of``."""
    packets = empty_batch(len(keys))
    words, identity, bits = packets.words, keys[:, grouping.KEY_IDENTITY], keys[:, grouping.KEY_BITS]
    words[:, f.IP_SRC] = keys[:, 0]
    words[:, f.IP_SRC_HIGH : f.IP_SRC_HIGH + 3] = keys[:, 1:4]
    protocol = identity & 0xFFFF
    words[:, f.PROTOCOL] = protocol
    words[:, f.IP_VERSION] = (identity >> 16) & 15
    words[:, f.IP_IHL] = (identity >> 20) & 15
    words[:, f.IP_FLAGS] = (identity >> 24) & 15
    words[:, f.NOTES] = (identity >> 28) & 1
    icmp = (protocol == f.ICMP) | (protocol == f.ICMP6)
    words[:, f.SPORT] = np.where(icmp, bits >> 8, np.where(protocol == f.ARP, bits, 0))
    words[:, f.DPORT] = np.where(icmp, bits & 255, 0)
    words[:, f.TCP_FLAGS] = np.where(protocol == f.TCP, bits, 0)
    words[:, f.TCP_OPTIONS] = keys[:, grouping.KEY_OPTIONS]
    words[:, f.TCP_OPTIONS_LOW] = keys[:, grouping.KEY_OPTIONS_LOW]
    words[:, f.PRESENT] = keys[:, grouping.KEY_PRESENT]
    words[:, f.UNSEEN] = keys[:, grouping.KEY_UNSEEN]
    return packets


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
