"""Distinct values per strand: destination addresses as a HyperLogLog sketch, destination ports as an exact set.

HyperLogLog: Flajolet, Fusy, Gandouet, Meunier 2007, section 4; linear counting below 2.5 m: Whang et al. 1990.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from craftmark.evidence.base import Ints, SlotArrays
from craftmark.kernels.sketches import fold_ports, fold_targets
from craftmark.packets.fields import DPORT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from craftmark.packets.batch import PacketBatch

#: 2**11 registers: standard error 1.04 / sqrt(2048) = 2.3 %.
REGISTER_BITS = 11


class Targets:
    """Accumulator of HyperLogLog registers over destination addresses."""

    def __init__(self) -> None:
        self.state = SlotArrays(registers=("uint8", 1 << REGISTER_BITS, 0))

    def reserve(self, slots: int) -> None:
        """Make room for ``slots`` strands."""
        self.state.reserve(slots)

    def update(self, batch: PacketBatch, rows: Ints, slot: Ints) -> None:
        """Fold rows into their slots."""
        fold_targets(len(rows), rows, slot, batch.words, self.state["registers"], REGISTER_BITS)

    def merge(self, other: Targets, slot: Ints) -> None:
        """Keep the greater of each pair of registers."""
        mine = self.state["registers"]
        mine[slot] = np.maximum(mine[slot], other.state.used()["registers"])

    def settle(self) -> None:
        """Nothing to do: the state is canonical at any time."""

    def arrays(self) -> Mapping[str, NDArray[np.generic]]:
        """Return the registers."""
        return self.state.used()


class Ports:
    """Accumulator of destination port sets, one bit per port (for other protocols: of the same word's low 16 bits)."""

    def __init__(self) -> None:
        self.state = SlotArrays(bitmap=("uint8", 8192, 0))

    def reserve(self, slots: int) -> None:
        """Make room for ``slots`` strands."""
        self.state.reserve(slots)

    def update(self, batch: PacketBatch, rows: Ints, slot: Ints) -> None:
        """Fold rows into their slots."""
        fold_ports(len(rows), rows, slot, batch.words, DPORT, self.state["bitmap"])

    def merge(self, other: Ports, slot: Ints) -> None:
        """Unite the sets."""
        self.state["bitmap"][slot] |= other.state.used()["bitmap"]

    def settle(self) -> None:
        """Nothing to do: the state is canonical at any time."""

    def arrays(self) -> Mapping[str, NDArray[np.generic]]:
        """Return the bitmaps."""
        return self.state.used()


def estimate(registers: NDArray[np.uint8]) -> int:
    """Return the estimated number of distinct values behind one row of registers."""
    m = len(registers)
    zeros = int(np.count_nonzero(registers == 0))
    raw = 0.7213 / (1 + 1.079 / m) * m * m / float(np.exp2(-registers.astype(np.float64)).sum())
    if raw <= 2.5 * m and zeros:
        return round(m * math.log(m / zeros))
    return round(raw)


def ports_of(bitmap: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the ports of one bitmap, ascending."""
    return np.flatnonzero(np.unpackbits(bitmap, bitorder="little"))
