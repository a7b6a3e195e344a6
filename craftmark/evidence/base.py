"""What an accumulator is: a commutative monoid of evidence, held in flat arrays with one row per slot.

For any ways of cutting the same packets into batches and parts: ``update`` and ``merge`` in any order lead to the same
``arrays`` after ``settle``, byte for byte. Integers only; nothing depends on the order of arrival; ties are broken by
packet id. The law is a test over every accumulator that ``evidence/deep.py`` lists.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from craftmark.packets.batch import PacketBatch

Ints = NDArray[np.int64]


class Accumulator(Protocol):
    """Evidence of one idea about many strands; slot ``i`` is the strand the fold gave that number."""

    def reserve(self, slots: int) -> None:
        """Make room for slots 0..``slots``; new ones are empty."""

    def update(self, batch: PacketBatch, rows: Ints, slot: Ints) -> None:
        """Fold ``batch`` rows ``rows[j]`` into ``slot[j]``."""

    def merge(self, other: Self, slot: Ints) -> None:
        """Fold the other's slot ``i`` into own slot ``slot[i]``; no two of them share one."""

    def settle(self) -> None:
        """Bring the arrays into their canonical form."""

    def arrays(self) -> Mapping[str, NDArray[np.generic]]:
        """Return the state, one array per name, each with one row per slot: the wire form."""


class SlotArrays:
    """Arrays with one row per slot that grow together; new rows hold each column's fill value, or row of values."""

    def __init__(self, **columns: tuple[str, int, int | NDArray[np.generic]]) -> None:
        """Declare columns as name = (dtype, width, fill); width 0 makes a plain vector."""
        self._columns = columns
        self._slots = 0
        self._room = 0
        self._arrays: dict[str, NDArray[Any]] = {name: _filled(0, spec) for name, spec in columns.items()}

    def __getitem__(self, name: str) -> NDArray[Any]:
        """Return a whole array, unused room included (kernels index it by slot)."""
        return self._arrays[name]

    def __len__(self) -> int:
        return self._slots

    def reserve(self, slots: int) -> None:
        """Make room for ``slots`` rows."""
        if slots > self._room:
            self._room = max(slots, self._room + self._room // 4, 8)
            for name, spec in self._columns.items():
                grown = _filled(self._room, spec)
                grown[: self._slots] = self._arrays[name][: self._slots]
                self._arrays[name] = grown
        self._slots = max(self._slots, slots)

    def used(self) -> dict[str, NDArray[Any]]:
        """Return the arrays without unused room."""
        return {name: array[: self._slots] for name, array in self._arrays.items()}


def _filled(rows: int, spec: tuple[str, int, int | NDArray[np.generic]]) -> NDArray[np.generic]:
    dtype, width, fill = spec
    shape = (rows, width) if width else (rows,)
    return np.full(shape, fill, dtype) if np.any(fill) else np.zeros(shape, dtype)
