"""Strides: the greatest common divisor of all differences of a field, with the least value as its base.

gcd(x_i - x_0) does not depend on which value is subtracted, so (least, gcd) merges exactly.
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
    """Accumulator of base and stride per watched word; base -1 where no value was seen."""

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
        least = np.where(both, np.minimum(mine, new), np.maximum(mine, new))
        base[slot] = least

    def settle(self) -> None:
        """Nothing to do: the state is canonical at any time."""

    def arrays(self) -> Mapping[str, NDArray[np.generic]]:
        """Return base and stride."""
        return self.state.used()
