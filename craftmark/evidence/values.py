"""Values of every field per strand: least, greatest, bits always set, bits ever set.

A field is constant exactly when least and greatest agree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from craftmark.evidence.base import Ints, SlotArrays
from craftmark.kernels.bits import fold_bits, fold_ranges
from craftmark.packets.fields import WORDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from craftmark.packets.batch import PacketBatch

_ALL_ONES = 0xFFFFFFFF


class Values:
    """Accumulator of masks and ranges, one row of WORDS words per slot."""

    def __init__(self) -> None:
        self.state = SlotArrays(
            always=("uint32", WORDS, _ALL_ONES),
            ever=("uint32", WORDS, 0),
            low=("uint32", WORDS, _ALL_ONES),
            high=("uint32", WORDS, 0),
        )

    def reserve(self, slots: int) -> None:
        """Make room for ``slots`` strands."""
        self.state.reserve(slots)

    def update(self, batch: PacketBatch, rows: Ints, slot: Ints) -> None:
        """Fold rows into their slots."""
        state = self.state
        fold_bits(len(rows), rows, slot, batch.words, state["always"], state["ever"])
        fold_ranges(len(rows), rows, slot, batch.words, state["low"], state["high"])

    def merge(self, other: Values, slot: Ints) -> None:
        """Fold the other's slots into own ones."""
        theirs = other.state.used()
        mine = {name: self.state[name] for name in theirs}
        mine["always"][slot] &= theirs["always"]
        mine["ever"][slot] |= theirs["ever"]
        mine["low"][slot] = np.minimum(mine["low"][slot], theirs["low"])
        mine["high"][slot] = np.maximum(mine["high"][slot], theirs["high"])

    def settle(self) -> None:
        """Nothing to do: the state is canonical at any time."""

    def arrays(self) -> Mapping[str, NDArray[np.generic]]:
        """Return always, ever, low, high."""
        return self.state.used()
