"""Strides: the greatest common divisor of all differences of a field.

gcd(x_i - x_0) does not depend on which value is subtracted; all values leave one remainder by it, so (remainder, gcd)
is canonical and merges exactly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from craftmark.evidence.base import Ints, SlotArrays
from craftmark.kernels.bits import fold_strides
from craftmark.packets.fields import ACK, DPORT, IP_DST, IP_ID, SEQ, SPORT, TCP_WIN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from craftmark.packets.batch import PacketBatch

#: The words whose steps betray counters and grids.
WATCHED = np.array([IP_DST, IP_ID, SPORT, DPORT, SEQ, ACK, TCP_WIN], np.int64)


class Strides:
    """Accumulator of base and stride per watched word: any value seen until settled, then the remainder; -1: none."""

    def __init__(self) -> None:
        self.state = SlotArrays(base=("int64", len(WATCHED), -1), stride=("int64", len(WATCHED), 0))

    def reserve(self, slots: int) -> None:
        """Make room for ``slots`` strands."""
        self.state.reserve(slots)

    def update(self, batch: PacketBatch, rows: Ints, slot: Ints) -> None:
        """Fold rows into their slots."""
        fold_strides(len(rows), rows, slot, batch.words, WATCHED, self.state["base"], self.state["stride"])

    def merge(self, other: Strides, slot: Ints) -> None:
        """Fold the other's slots into own ones: gcd of both strides and of the bases' difference."""
        theirs = other.state.used()
        base, stride = self.state["base"], self.state["stride"]
        mine, new = base[slot], theirs["base"]
        both = (mine >= 0) & (new >= 0)
        gap = np.where(both, np.abs(mine - new), 0)
        stride[slot] = np.gcd(np.gcd(stride[slot], theirs["stride"]), gap)
        base[slot] = np.where(mine >= 0, mine, new)

    def settle(self) -> None:
        """Bring every base down to the remainder that all values leave."""
        base, stride = self.state["base"], self.state["stride"]
        base[:] = np.where((base >= 0) & (stride > 0), base % np.maximum(stride, 1), base)

    def arrays(self) -> Mapping[str, NDArray[np.generic]]:
        """Return base and stride."""
        return self.state.used()
