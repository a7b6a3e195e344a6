"""What tunnels packets came through: the strand of the inner packet with the outermost header's ends, kind and TTL.

A table of counts, sparse since few packets are tunnelled, keyed by what the packets say: parts merge by adding. Memory
is bounded: of more keys than ``MOST`` those with the smallest hashes are kept, whose counts stay exact, since a key
that is among them in the end was among them in every part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from craftmark.kernels.grouping import KEY_WORDS
from craftmark.packets import fields as f
from craftmark.packets.batch import source_text, target_text

if TYPE_CHECKING:
    from typing import Self

    from numpy.typing import NDArray

    from craftmark.evidence.base import Ints
    from craftmark.packets.batch import OuterHeaders, Words

    Keys = NDArray[np.uint32]

#: Keys kept, and keys that may wait to be counted together.
MOST: Final = 1 << 16
_WAITING: Final = 1 << 17

#: The words of an outer header that are told apart.
_OUTER: Final = (
    f.IP_SRC, f.IP_SRC_HIGH, f.IP_SRC_HIGH + 1, f.IP_SRC_HIGH + 2,
    f.IP_DST, f.IP_DST_HIGH, f.IP_DST_HIGH + 1, f.IP_DST_HIGH + 2, f.IP_VERSION, f.PROTOCOL, f.IP_TTL,
)  # fmt: skip
_WIDTH: Final = KEY_WORDS + len(_OUTER)
_ENDS: Final = slice(KEY_WORDS, _WIDTH - 1)
_TTL: Final = _WIDTH - 1
# Odd 64-bit factors of the hash, one per word (SplitMix64's increments, Steele et al. 2014).
_FACTORS: Final = np.array(
    [(word * 0x9E3779B97F4A7C15 ^ 0x94D049BB133111EB) % (1 << 64) | 1 for word in range(_WIDTH)], np.uint64
)


@dataclass(frozen=True, slots=True)
class Tunnel:
    """One tunnel: the ends that its outer header names, IP version and protocol of that, and what came through.

    ``ttls`` are the outer TTLs seen, ascending.
    """

    source: str
    target: str
    version: int
    protocol: int
    ttls: tuple[int, ...]
    packets: int


class Tunnels:
    """Counts of tunnelled packets by key: a commutative monoid, canonical once it was settled."""

    def __init__(self) -> None:
        self._keys: Keys = np.zeros((0, _WIDTH), np.uint32)
        self._counts: Ints = np.zeros(0, np.int64)
        self._parts: list[tuple[Keys, Ints]] = []
        self._waiting = 0

    def update(self, outer: OuterHeaders, strands: Keys) -> None:
        """Count outer headers; ``strands`` are the keys of the strands of their packets, row by row."""
        keys = np.concatenate([strands, outer.words[:, list(_OUTER)]], axis=1)
        self._add(*_counted(keys, np.ones(len(keys), np.int64)))

    def merge(self, other: Self) -> None:
        """Add another table's counts."""
        other.settle()
        self._add(other._keys, other._counts)

    def _add(self, keys: Keys, counts: Ints) -> None:
        self._parts.append((keys, counts))
        self._waiting += len(keys)
        if self._waiting >= _WAITING:
            self.settle()

    def settle(self) -> None:
        """Bring the table into its canonical form: distinct keys by hash, then by value, at most ``MOST``."""
        if self._parts:
            parts = [(self._keys, self._counts), *self._parts]
            keys, counts = _counted(*(np.concatenate(one) for one in zip(*parts, strict=True)))
            self._keys, self._counts = keys[:MOST], counts[:MOST]
            self._parts, self._waiting = [], 0

    def part(self, strands: Keys) -> Tunnels:
        """Return the counts of some strands alone, given by their keys."""
        self.settle()
        chosen = np.isin(_as_one(self._keys[:, :KEY_WORDS]), _as_one(strands))
        part = Tunnels()
        part._add(self._keys[chosen], self._counts[chosen])
        return part

    @classmethod
    def from_arrays(cls, keys: Keys, counts: Ints) -> Tunnels:
        """Return the table whose wire form these are; raises ValueError for arrays that are none."""
        if keys.shape != (len(counts), _WIDTH) or keys.dtype != np.uint32 or counts.dtype != np.int64:
            msg = "arrays of another kind than counts of tunnels"
            raise ValueError(msg)
        table = cls()
        table._add(keys, counts)
        return table

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return the state, one row per key: the wire form."""
        self.settle()
        return {"keys": self._keys, "counts": self._counts}

    def of(self, strands: Keys | None = None) -> tuple[Tunnel, ...]:
        """Return the tunnels that packets of some strands, given by their keys, or any came through; largest first."""
        self.settle()
        if not len(self._keys):
            return ()
        chosen = slice(None) if strands is None else np.isin(_as_one(self._keys[:, :KEY_WORDS]), _as_one(strands))
        keys, counts = self._keys[chosen], self._counts[chosen]
        ends, number = np.unique(keys[:, _ENDS], axis=0, return_inverse=True)
        number = number.reshape(-1)
        found = [
            _tunnel(ends[place], keys[number == place, _TTL], int(counts[number == place].sum()))
            for place in range(len(ends))
        ]
        return tuple(sorted(found, key=lambda one: (-one.packets, one.source, one.target, one.version, one.protocol)))


def _counted(keys: Keys, counts: Ints) -> tuple[Keys, Ints]:
    """Return distinct keys, ordered by their hashes and then by their words, with the sums of their counts."""
    hashes = (keys.astype(np.uint64) * _FACTORS).sum(axis=1, dtype=np.uint64)
    hashes = (hashes ^ (hashes >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    order = np.argsort(hashes, kind="stable")
    keys, counts, hashes = keys[order], counts[order], hashes[order]
    new = np.concatenate([np.ones(min(1, len(keys)), np.bool_), (keys[1:] != keys[:-1]).any(axis=1)])
    if (new[1:] & (hashes[1:] == hashes[:-1])).any():  # only prepared headers collide: sort by the words too
        order = np.lexsort((*(keys[:, word] for word in range(_WIDTH)), hashes))
        keys, counts = keys[order], counts[order]
        new[1:] = (keys[1:] != keys[:-1]).any(axis=1)
    first = np.flatnonzero(new)
    return keys[first], np.add.reduceat(counts, first) if len(first) else counts


def _as_one(keys: Keys) -> NDArray[np.void]:
    """Return rows of words as one value each, which can be compared."""
    rows = np.ascontiguousarray(keys, np.uint32)
    return rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1]))).reshape(-1)


def _tunnel(ends: Words, ttls: Words, packets: int) -> Tunnel:
    row = np.zeros(f.WORDS, np.uint32)
    row[list(_OUTER[:-1])] = ends
    distinct = tuple(int(ttl) for ttl in np.unique(ttls))
    version, protocol = int(row[f.IP_VERSION]), int(row[f.PROTOCOL])
    return Tunnel(source_text(row), target_text(row), version, protocol, distinct, packets)
