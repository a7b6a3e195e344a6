"""Single bits of many packets as columns of a matrix over GF(2), and the relations among them.

What explains others comes first, so that the last bit of each relation is the explained one. A relation is a mask
whose lowest bit stands for the constant 1, followed by the columns.
"""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Final

import numpy as np

from craftmark.kernels.gf2 import dependencies
from craftmark.marks.relations.proof import steps_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

#: A bit of a field: the field's name, and the place counted from its lowest bit.
Bit = tuple[str, int]

#: Packets beyond the number of independent bits from which anything can be proven.
SPARE: Final = 20
#: A field whose steps go one way, or are mostly the same, counts: its bits change by rule, not by chance.
_ONE_WAY: Final = 0.9
_USUAL: Final = 0.5
_SMALL: Final = 1 / 32
#: Share of one value from which a field is a constant beside foreign packets.
_STILL: Final = 0.8
#: Handfuls tried for relations that foreign packets hide, packets beyond the number of bits in each, and how many of
#: all packets may be foreign.
_HANDFULS: Final = 8
_MARGIN: Final = 12
_FOREIGN: Final = 0.1


class Columns:
    """The bits that vary in some fields; ``explained`` names those that may be given by the others."""

    def __init__(self, fields: Iterable[tuple[str, int, NDArray[np.int64]]], explained: frozenset[str]) -> None:
        self.rows = 0
        self.explained = explained
        self.bits: list[Bit] = []
        self.columns: list[int] = []
        self.still: list[Bit] = []
        for name, bits, values in fields:
            self.rows = len(values)
            self._add(name, bits, values)
        self.everything = (1 << self.rows) - 1

    def _add(self, name: str, bits: int, values: NDArray[np.int64]) -> None:
        table = (values[None, :] >> np.arange(bits)[:, None] & 1).astype(np.bool_)
        packed = np.packbits(table, axis=1, bitorder="little")
        varies = table.any(axis=1) & ~table.all(axis=1)
        self.still += [(name, place) for place in np.flatnonzero(~varies).tolist()]
        for place in np.flatnonzero(varies).tolist():
            self.bits.append((name, place))
            self.columns.append(int.from_bytes(packed[place].tobytes(), "little"))

    def bits_of(self, mask: int) -> list[Bit]:
        """Return the bits of a relation, the dependent one last."""
        return [bit for place, bit in enumerate(self.bits) if mask >> (place + 1) & 1]

    def independent(self, masks: list[int]) -> list[Bit]:
        """Return the bits that are no relation's last."""
        dependent = {mask.bit_length() - 2 for mask in masks}
        return [bit for place, bit in enumerate(self.bits) if place not in dependent]

    def relations(self, packets: int) -> tuple[list[int], list[int]]:
        """Return the relations that hold in the packets of a mask: those among what explains, and the others."""
        found = dependencies([packets, *(column & packets for column in self.columns)])
        theirs = [mask for mask in found if mask > 1 and self.bits[mask.bit_length() - 2][0] in self.explained]
        return [mask for mask in found if mask not in set(theirs)], theirs

    def agreeing(self) -> NDArray[np.intp] | None:
        """Return the packets that keep what a handful shows, where a few do not; None where all do, or most do not."""
        size = len(self.columns) + _MARGIN
        if self.rows < 2 * size:
            return None
        most, breakers = 0, 0
        for number in range(_HANDFULS):
            places = (np.arange(size) * (number + 1) + number * self.rows // _HANDFULS) % self.rows
            shown = self.relations(sum(1 << place for place in set(places.tolist())))[1]
            broken = [those for those in map(self._sum, shown) if those.bit_count() <= _FOREIGN * self.rows]
            if not any(broken):
                break
            if len(broken) > most:
                most, breakers = len(broken), reduce(or_, broken)
        if not 0 < breakers.bit_count() <= 2 * _FOREIGN * self.rows:
            return None
        return np.array([row for row in range(self.rows) if not breakers >> row & 1], np.intp)

    def _sum(self, mask: int) -> int:
        total = self.everything if mask & 1 else 0
        for place, column in enumerate(self.columns):
            if mask >> (place + 1) & 1:
                total ^= column
        return total


def goes_by_rule(values: NDArray[np.int64], bits: int) -> bool:
    """Tell whether a field counts from packet to packet, or hardly ever changes."""
    steps = steps_of(values, bits)
    moving = steps[steps != 0]
    if not len(moving):
        return True
    commonest = np.unique(moving, return_counts=True)[1].max()
    small = np.abs(moving) < (1 << bits) * _SMALL
    one_way = max(np.count_nonzero(small & (moving > 0)), np.count_nonzero(small & (moving < 0)))
    if np.unique(values, return_counts=True)[1].max() > _STILL * len(values):
        return True
    return bool(commonest >= _USUAL * len(steps) or one_way >= _ONE_WAY * len(moving))
