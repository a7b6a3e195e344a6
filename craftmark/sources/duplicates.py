"""Packets that a capture holds twice: of a mirrored port, of two sensors on one path, of ``-i any`` on a router.

Looked for in an input's first packets, once. A copy is a packet whose whole row is that of an earlier one, but for TTL
and link address, at a steady lag and with a steady TTL below it. They are believed to be copies only if nearly all
packets have exactly one, and if fields that vary from packet to packet repeat with them: two hosts that talk to each
other, both with IP IDs of their own. A crafter's identical probes, and the identical answers that they draw, are none.

Then every copy in the input is dropped before anything is counted. Memory is bounded: a copy is looked for among the
packets of the last ``WINDOW`` rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from craftmark.packets import fields as f
from craftmark.packets.batch import RawFrames

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from craftmark.packets.batch import PacketBatch, Words

Ints = NDArray[np.int64]

#: Packets without a copy so far that are remembered.
WINDOW: Final = 8192
#: Packets that are needed to tell, and the share of them that must have exactly one copy.
LEAST, SHARE = 64, 0.95
#: Distinct IP IDs that each of two hosts must have used.
LEAST_IDS: Final = 8
#: A copy comes no later than this, and nearly all lags lie within this factor of the median (or within the floor).
LONGEST_NS, SPREAD, FLOOR_NS = 1_000_000_000, 20, 2_000_000
_STEADY: Final = 0.95
_MOST_HOPS: Final = 64
_IGNORED: Final = (f.IP_TTL, f.NOTES, f.LINK_SRC)
# Odd 64-bit factors of the hash, one per word (SplitMix64's increments, Steele et al. 2014).
_FACTORS: Final = np.array(
    [(word * 0x9E3779B97F4A7C15 ^ 0xBF58476D1CE4E5B9) % (1 << 64) | 1 for word in range(f.WORDS)], np.uint64
)


@dataclass(frozen=True, slots=True)
class Copies:
    """How an input's copies differ from their originals: the median lag, the longest that is believed, TTLs lost."""

    lag_ns: int
    limit_ns: int
    hops: int


@dataclass(slots=True)
class Tally:
    """What was dropped of an input; complete behind its last batch."""

    copies: Copies | None = None
    dropped: int = 0

    def note(self) -> str:
        """Return what a reader of the report should know, "" if nothing was dropped."""
        if self.copies is None or not self.dropped:
            return ""
        way = f"{self.copies.hops} hop{'s' * (self.copies.hops != 1)} further on" if self.copies.hops else "seen twice"
        lag_ms = self.copies.lag_ns / 1e6
        return (
            f"{self.dropped:,} packets are copies of others, {way}, {lag_ms:.3f} ms later (a mirrored port, or two "
            "sensors on one path): each is counted once"
        )


def without_copies(batches: Iterable[PacketBatch], tally: Tally) -> Iterator[PacketBatch]:
    """Yield the batches without packets that are copies of earlier ones; batches of inputs without any as they are."""
    held = _Held()
    for number, batch in enumerate(batches):
        if number == 0:
            tally.copies = copies_in(batch)
        if tally.copies is None:
            yield batch
            continue
        is_copy = held.match(batch, tally.copies)
        tally.dropped += int(is_copy.sum())
        kept = _kept(batch, ~is_copy)
        if len(kept):
            yield kept


def copies_in(batch: PacketBatch) -> Copies | None:
    """Return how the copies in a batch differ from their originals, None if it is no capture full of copies."""
    if len(batch) < LEAST:
        return None
    first, second = _pairs(_keys(batch.words), batch.ts_ns)
    if 2 * len(first) < SHARE * len(batch):
        return None
    lags = batch.ts_ns[second] - batch.ts_ns[first]
    lost = _ttl(batch.words[first]) - _ttl(batch.words[second])
    median, hops = int(np.median(lags)), int(np.median(lost))
    limit = max(FLOOR_NS, SPREAD * median)
    steady = (lags >= 0) & (lags <= limit) & (lost == hops)
    if limit > SPREAD * LONGEST_NS or median > LONGEST_NS or steady.mean() < _STEADY or not 0 <= hops < _MOST_HOPS:
        return None
    return Copies(median, limit, hops) if _vary(batch.words[first]) else None


def same_packets(one: PacketBatch, other: PacketBatch) -> Copies | None:
    """Return how two captures' packets differ if they are the same ones, seen at two places; hops may be negative.

    Looked at are the packets of both between the later start and the earlier end; their clocks may differ.
    """
    keys, at, at_other = np.intersect1d(_keys(one.words), _keys(other.words), return_indices=True)
    if len(keys) < LEAST or len(keys) < SHARE * min(len(one), len(other)):
        return None
    lags = other.ts_ns[at_other] - one.ts_ns[at]
    lost = _ttl(one.words[at]) - _ttl(other.words[at_other])
    lag, hops = int(np.median(lags)), int(np.median(lost))
    steady = (np.abs(lags - lag) <= max(FLOOR_NS, SPREAD * FLOOR_NS)) & (lost == hops)
    if steady.mean() < _STEADY or not _vary(one.words[at]):
        return None
    return Copies(lag, FLOOR_NS, hops)


def _vary(words: Words) -> bool:
    """Tell whether two hosts that talk to each other both number their packets: what a crafter repeats does not."""
    numbered = words[(words[:, f.IP_VERSION] == 4) & (words[:, f.IP_ID] != 0)]
    ends = np.column_stack([numbered[:, f.IP_SRC], numbered[:, f.IP_DST]]).astype(np.int64)
    pairs, number = np.unique(ends, axis=0, return_inverse=True)
    number = number.reshape(-1)
    many = {
        (int(source), int(target))
        for place, (source, target) in enumerate(pairs.tolist()[:4096])
        if len(np.unique(numbered[number == place, f.IP_ID])) >= LEAST_IDS
    }
    return any((target, source) in many for source, target in many)


class _Held:
    """Packets that no copy was seen of yet, by key."""

    def __init__(self) -> None:
        self._keys = np.zeros(0, np.uint64)
        self._ts_ns: Ints = np.zeros(0, np.int64)
        self._ttl: Ints = np.zeros(0, np.int64)

    def match(self, batch: PacketBatch, copies: Copies) -> NDArray[np.bool_]:
        """Tell of every packet of a batch whether it is a copy of an earlier one."""
        before = len(self._keys)
        keys = np.concatenate([self._keys, _keys(batch.words)])
        times = np.concatenate([self._ts_ns, batch.ts_ns])
        ttl = np.concatenate([self._ttl, _ttl(batch.words)])
        first, second = _pairs(keys, times)
        lags = times[second] - times[first]
        fits = (lags >= 0) & (lags <= copies.limit_ns) & (ttl[first] - ttl[second] == copies.hops)
        first, second = first[fits], second[fits]
        is_copy = np.zeros(len(keys), np.bool_)
        is_copy[second] = True
        alone = np.ones(len(keys), np.bool_)
        alone[first] = alone[second] = False
        rest = np.flatnonzero(alone)[-WINDOW:]
        self._keys, self._ts_ns, self._ttl = keys[rest], times[rest], ttl[rest]
        return is_copy[before:]


def _keys(words: Words) -> NDArray[np.uint64]:
    """Return a 64-bit hash of each row without what differs between copies (multilinear, then mixed)."""
    factors = _FACTORS.copy()
    factors[list(_IGNORED)] = 0
    total = (words.astype(np.uint64) * factors).sum(axis=1, dtype=np.uint64)
    total ^= total >> np.uint64(29)
    keys: NDArray[np.uint64] = total * np.uint64(0xBF58476D1CE4E5B9)
    return keys


def _pairs(keys: NDArray[np.uint64], ts_ns: Ints) -> tuple[Ints, Ints]:
    """Return rows of equal keys in pairs by time: the first with the second, the third with the fourth."""
    order = np.lexsort((np.arange(len(keys)), ts_ns, keys))
    ranked = keys[order]
    new = np.concatenate([np.ones(min(1, len(ranked)), np.bool_), ranked[1:] != ranked[:-1]])
    start = np.maximum.accumulate(np.where(new, np.arange(len(ranked)), 0))
    odd = (np.arange(len(ranked)) - start) % 2 == 1
    at = np.flatnonzero(odd)
    return order[at - 1], order[at]


def _ttl(words: Words) -> Ints:
    ttl: Ints = words[:, f.IP_TTL].astype(np.int64)
    return ttl


def _kept(batch: PacketBatch, rows: NDArray[np.bool_]) -> PacketBatch:
    """Return some rows of a batch, with their frames."""
    raw, part = batch.raw, batch.take(rows)
    if raw is None:
        return part
    at = np.flatnonzero(rows)
    frames = RawFrames(raw.octets, raw.starts[at], raw.captured[at], raw.wire[at], raw.links[at])
    return replace(part, raw=frames)
