"""Conversations: what both ends of a pair of endpoints sent, so that answers find their questions.

A conversation is the unordered pair of (address, port) ends of one protocol; for protocols without ports, of
addresses. It is looked up among known rows only (all rows of small strands, a fair sample of large ones).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from craftmark.evidence.ordering import order_by_hash
from craftmark.kernels.ordering import gather_conversations
from craftmark.packets import fields as f
from craftmark.scans.kinds import Kind

if TYPE_CHECKING:
    from craftmark.evidence.finished import Finished

Ints = NDArray[np.int64]
Hashes = NDArray[np.uint64]

#: Bit of each kind in what one end sent.
SAID = {
    Kind.SYN: 1, Kind.SYN_ACK: 2, Kind.RST: 4, Kind.MIDDLE: 8, Kind.ODD: 16, Kind.UDP: 32, Kind.ECHO: 64,
    Kind.ASK: 64, Kind.REPLY: 128, Kind.SCTP_OPEN: 1, Kind.SCTP_OTHER: 8, Kind.ARP_ASK: 1, Kind.ARP_REPLY: 2,
    Kind.OTHER: 64, Kind.UNTOLD: 32,
}  # fmt: skip
DATA = 256  # payload inside a connection
_ALL = np.iinfo(np.int64).max


class Conversations:
    """What each known row's own end and the other end said, and who spoke first; one entry per known row."""

    def __init__(self, finished: Finished, kind: Ints) -> None:
        self.strand: Ints = finished.known_strand
        self.src = _address(finished, f.IP_SRC, f.IP_SRC_HIGH)
        self.dst = _address(finished, f.IP_DST, f.IP_DST_HIGH)
        self.protocol = finished.protocol[self.strand]
        ported = np.isin(self.protocol, (f.TCP, f.UDP, f.SCTP))
        self.sport: Ints = np.where(ported, finished.known(f.SPORT), 0).astype(np.int64)
        self.dport: Ints = np.where(ported, finished.known(f.DPORT), 0).astype(np.int64)
        self.ts_ns = finished.known_ns()
        self.ends, self.forward = _ends(self)
        said = np.array([SAID.get(Kind(k), 0) for k in range(len(Kind))], np.int64)[kind[self.strand]]
        data = (kind[self.strand] == Kind.MIDDLE) & (finished.known(f.PAYLOAD_LEN) > 0)
        self._gather(said | np.where(data, DATA, 0))
        #: Both ends' known rows hold whatever was said in this row's conversation.
        self.whole = _whole(finished, self)

    def __len__(self) -> int:
        return len(self.strand)

    def _gather(self, said: Ints) -> None:
        n = len(self.ends)
        self._order = order_by_hash(self.ends, 63)
        self._strand_order = np.argsort(self.strand, kind="stable")  # nearly sorted: quick
        self._ordered = self.strand[self._strand_order]
        self.number, self.own, self.other = (np.empty(n, np.int64) for _ in range(3))
        #: The other end spoke before this one.
        self.asked = np.empty(n, np.bool_)
        start = np.empty(n + 1, np.int64)
        self.total: int = gather_conversations(
            n, self._order, self.ends.view(np.int64), self.forward, said, self.ts_ns, self.number, start, self.own,
            self.other, self.asked,
        )  # fmt: skip
        self._start = start[: self.total + 1]

    def rows_of(self, strands: Ints) -> Ints:
        """Return the known rows of some strands."""
        low = np.searchsorted(self._ordered, strands, side="left")
        high = np.searchsorted(self._ordered, strands, side="right")
        return self._strand_order[_ranges(low, high)]

    def rows_beside(self, rows: Ints) -> Ints:
        """Return all known rows in the conversations of some rows."""
        numbers = np.unique(self.number[rows])
        return self._order[_ranges(self._start[numbers], self._start[numbers + 1])]


def split_by(values: NDArray[Any], items: Ints, *, least: int = 1) -> list[Ints]:
    """Return the items with equal values in their order, value by value in rising order, where there are ``least``."""
    order = np.argsort(values, kind="stable")
    ranked = values[order]
    start = np.flatnonzero(np.concatenate([np.ones(min(len(ranked), 1), np.bool_), ranked[1:] != ranked[:-1]]))
    size = np.diff(np.append(start, len(ranked)))
    chosen = size >= least
    return [items[order[a : a + n]] for a, n in zip(start[chosen].tolist(), size[chosen].tolist(), strict=True)]


def _ranges(low: Ints, high: Ints) -> Ints:
    """Return the numbers low[i]..high[i] of all i, one after another."""
    lengths = high - low
    ends = np.cumsum(lengths)
    numbers: Ints = np.arange(int(lengths.sum())) + np.repeat(low - (ends - lengths), lengths)
    return numbers


def _address(finished: Finished, low: int, high: int) -> Hashes:
    """Return addresses as 64-bit numbers: IPv4 as itself, IPv6 hashed (equal for equal addresses)."""
    value = finished.known(low).astype(np.uint64)
    upper = [finished.known(high + w) for w in range(3)]
    if not any(part.any() for part in upper):
        return value
    six, mixed = (upper[0] | upper[1] | upper[2]) != 0, value
    for part in upper:
        mixed = scramble(mixed ^ (part.astype(np.uint64) << np.uint64(32)))
    return np.where(six, mixed | np.uint64(1 << 63), value)


def scramble(values: Hashes) -> Hashes:
    """Return a 64-bit hash of each number (the finaliser of MurmurHash3, Appleby 2011)."""
    h = values ^ (values >> np.uint64(33))
    h *= np.uint64(0xFF51AFD7ED558CCD)
    h ^= h >> np.uint64(33)
    h *= np.uint64(0xC4CEB9FE1A85EC53)
    h ^= h >> np.uint64(33)
    return h


def _whole(finished: Finished, rows: Conversations) -> NDArray[np.bool_]:
    """Tell of which rows the conversation is known from both sides: its hash is within what every sample there kept."""
    limits = finished.pair_limits()
    if (finished.slot < 0).all():
        return np.ones(len(rows), bool)
    of_source = np.full(int(finished.source.max(initial=-1)) + 1, _ALL)
    np.minimum.at(of_source, finished.source[finished.slot >= 0], limits[finished.slot >= 0])
    mine = of_source[finished.source[rows.strand]]
    limited = np.flatnonzero(mine < _ALL)
    hosts, first = np.unique(rows.src[limited], return_index=True)
    place = np.minimum(np.searchsorted(hosts, rows.dst), len(hosts) - 1)
    other = np.where(hosts[place] == rows.dst, mine[limited[first]][place], _ALL)
    limit = np.minimum(mine, other)
    inside = np.flatnonzero(limit < _ALL)
    whole = np.ones(len(rows), bool)
    whole[inside] = finished.known_pairs(inside) <= limit[inside]
    return whole


def _ends(rows: Conversations) -> tuple[Hashes, NDArray[np.bool_]]:
    """Return a 63-bit hash of each row's unordered pair of ends, and whether it goes from the lesser to the greater."""
    mine = scramble(rows.src * np.uint64(65536) + rows.sport.astype(np.uint64))
    theirs = scramble(rows.dst * np.uint64(65536) + rows.dport.astype(np.uint64))
    forward = mine <= theirs
    low, high = np.minimum(mine, theirs), np.maximum(mine, theirs)
    family = rows.protocol.copy()
    family[family == f.ICMP6] = f.ICMP
    return scramble(low + scramble(high + family.astype(np.uint64))) >> np.uint64(1), forward
