"""Relations among single header bits: the affine hull of a thousand packets, from rank + 20 of them.

Every xor relation among bits is in it, also those no formula over fields says: shifted fields, a few bits only, linear
hashes. Each sender's bit that depends on others is given as their xor; neighbouring bits that depend in the same way
are said as one formula with shifts. What whole fields were told of, and what follows from the target, port and source
alone, is not said again.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Final

import numpy as np

from craftmark.kernels.gf2 import dependencies
from craftmark.marks.chance import LOG10_2
from craftmark.marks.relations.headers import Headers, different_rows
from craftmark.marks.relations.proof import FOUND_AT, steps_of, toggles
from craftmark.marks.wording import counted, listed
from craftmark.packets.fields import FIELDS
from craftmark.packets.linear import header_bit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from craftmark.marks.relations.told import Told

#: Different packets beyond the number of independent bits from which anything can be proven.
_SPARE: Final = 20
#: A field whose steps go one way, or are mostly the same, counts: its bits change by rule, not by chance.
_ONE_WAY: Final = 0.9
_USUAL: Final = 0.5
_SMALL: Final = 1 / 32
#: Share of one value from which a field is a constant beside foreign packets.
_STILL: Final = 0.8

#: What people and protocols write has relations of its own among its bits: it may explain, but not be explained.
_WRITTEN: Final = frozenset({"payload_head"})

#: Handfuls tried for relations that foreign packets hide, packets beyond the number of bits in each, and how many of
#: all packets may be foreign.
_HANDFULS: Final = 8
_MARGIN: Final = 12
_FOREIGN: Final = 0.1

#: Neighbouring bits from which a formula of shifts is worth its words, and other bits up to which a single bit's is.
_RUN: Final = 3
_SHORT: Final = 4

Bit = tuple[str, int]


@dataclass(frozen=True, slots=True)
class BitRelation:
    """One bit that is the xor of others and a constant."""

    bit: Bit
    others: frozenset[Bit]
    constant: int
    log10_chance: float

    @property
    def row(self) -> int:
        """The relation as a mask over header bits."""
        return row_of([*self.others, self.bit])

    @property
    def shape(self) -> tuple[str, frozenset[Bit]]:
        """The field, and the others by how far they are from this bit: the same for bits that depend alike."""
        name, place = self.bit
        return name, frozenset((other, at - place) for other, at in self.others)


def row_of(bits: Iterable[Bit]) -> int:
    """Return bits as a mask over all header bits."""
    return sum(1 << header_bit(*bit) for bit in bits)


def find(headers: Headers, told: Told) -> list[BitRelation]:
    """Return the relations beyond chance that do not follow from those told; each is told from then on.

    Foreign packets hide or twist what the others show: where a handful of packets agrees on a relation that most
    others keep, those that break it are left out.
    """
    table = _Table(headers)
    if table.rank_needed > len(headers.packets):
        return []
    kept = table.agreeing()
    if kept is not None:
        headers = Headers(headers.packets.take(kept), headers.given, headers.chosen)
        table = _Table(headers)
    imposed, masks = table.relations(table.everything)
    told.adds_rows(row_of(table.bits_of(mask)) for mask in imposed)
    free = table.independent([*imposed, *masks])
    found = []
    for mask in masks:
        relation = _relation(headers, table.bits_of(mask), mask & 1, free)
        if relation.log10_chance <= FOUND_AT and told.adds_rows([relation.row]):
            found.append(relation)
    return found


class _Table:
    """The bits that vary, the given fields' first, each in all packets as one number; fields that count are left out.

    A relation is a mask whose lowest bit is the constant 1, followed by the bits.
    """

    def __init__(self, headers: Headers) -> None:
        self.rows = len(headers.packets)
        self.chosen = frozenset(headers.chosen) - _WRITTEN
        self.everything = (1 << self.rows) - 1
        self.bits: list[Bit] = []
        self.columns: list[int] = []
        for name in headers.names:
            values = headers.values(name)
            if name not in self.chosen or not (_counts(values, FIELDS[name].bits) or _alike(values) > _STILL):
                self._add(name, values)

    def _add(self, name: str, values: NDArray[np.int64]) -> None:
        table = (values[None, :] >> np.arange(FIELDS[name].bits)[:, None] & 1).astype(np.bool_)
        packed = np.packbits(table, axis=1, bitorder="little")
        for place in np.flatnonzero(table.any(axis=1) & ~table.all(axis=1)).tolist():
            self.bits.append((name, place))
            self.columns.append(int.from_bytes(packed[place].tobytes(), "little"))

    @property
    def rank_needed(self) -> int:
        """Packets needed before anything can be proven."""
        return len({name for name, _ in self.bits}) + _SPARE

    def bits_of(self, mask: int) -> list[Bit]:
        """Return the bits of a relation, the dependent one last."""
        return [bit for place, bit in enumerate(self.bits) if mask >> (place + 1) & 1]

    def independent(self, masks: list[int]) -> list[Bit]:
        """Return the bits that are no relation's last."""
        dependent = {mask.bit_length() - 2 for mask in masks}
        return [bit for place, bit in enumerate(self.bits) if place not in dependent]

    def relations(self, packets: int) -> tuple[list[int], list[int]]:
        """Return the relations that hold in the packets of a mask: those among what is given, and the sender's."""
        found = dependencies([packets, *(column & packets for column in self.columns)])
        theirs = [mask for mask in found if mask > 1 and self.bits[mask.bit_length() - 2][0] in self.chosen]
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


def _counts(values: NDArray[np.int64], bits: int) -> bool:
    """Tell whether a field goes by rule from packet to packet."""
    steps = steps_of(values, bits)
    moving = steps[steps != 0]
    if not len(moving):
        return True
    commonest = np.unique(moving, return_counts=True)[1].max()
    small = np.abs(moving) < (1 << bits) * _SMALL
    one_way = max(np.count_nonzero(small & (moving > 0)), np.count_nonzero(small & (moving < 0)))
    return bool(commonest >= _USUAL * len(steps) or one_way >= _ONE_WAY * len(moving))


def _alike(values: NDArray[np.int64]) -> float:
    """Return the share of the commonest value."""
    return float(np.unique(values, return_counts=True)[1].max()) / len(values)


def _relation(headers: Headers, chosen: list[Bit], constant: int, free: list[Bit]) -> BitRelation:
    """Return one relation with its chance.

    Tried are all xor of the independent bits of its fields, for every choice of fields. The same inputs again prove
    nothing; of a bit that changes seldom
    only the packets where it changes are proof, and of a field that is mostly one value only those where it is not.
    """
    *others, bit = chosen
    names = tuple(dict.fromkeys(name for name, _ in chosen))
    inputs = tuple(dict.fromkeys(name for name, _ in others))
    tried = sum(name in names for name, _ in free) + 1 + len(headers.names)
    moving = min(1 - _alike(headers.values(name)) for name in names if name in headers.chosen)
    shown = min(
        different_rows(headers.packets, inputs) - 1,
        toggles(headers.values(bit[0]) >> bit[1] & 1),
        moving * len(headers.packets),
    )
    return BitRelation(bit, frozenset(others), constant, min(0.0, (tried - shown) * LOG10_2))


def groups(relations: list[BitRelation]) -> Iterator[list[BitRelation]]:
    """Yield what is said at once: neighbouring bits that depend in the same way, then the other bits of each field."""
    rest: dict[str, list[BitRelation]] = {}
    for run in _runs(relations):
        if len(run) >= _RUN or (len(run[0].others) <= _SHORT and len(relations) <= _RUN):
            yield run
        else:
            rest.setdefault(run[0].bit[0], []).extend(run)
    yield from rest.values()


def _runs(relations: list[BitRelation]) -> Iterator[list[BitRelation]]:
    run: list[BitRelation] = []
    for one in sorted(relations, key=lambda one: (one.bit[0], sorted(one.shape[1]), one.bit[1])):
        if run and (one.shape != run[-1].shape or one.bit[1] != run[-1].bit[1] + 1):
            yield run
            run = []
        run.append(one)
    if run:
        yield run


def formula(run: list[BitRelation]) -> tuple[str, int] | None:
    """Return the text of bits that depend in the same way, and its value where it is no equation; else None."""
    name, place = run[0].bit
    if any(one.shape != run[0].shape for one in run):
        return None
    value = sum(one.constant << i for i, one in enumerate(run))
    mask = f" & 0x{(1 << len(run)) - 1:X}"
    terms = [_moved(other, place + offset) for other, offset in sorted(run[0].shape[1])]
    whole = FIELDS[name].bits == place + len(run)
    same = all(FIELDS[other].bits == place + offset + len(run) for other, offset in run[0].shape[1])
    right = " ^ ".join(terms)
    if value == 0:
        left = _moved(name, place) + ("" if whole else mask)
        return f"{left} == {right if same else f'({right}){mask}'}", 0
    both = f"{_moved(name, place)} ^ {right}"
    return (both if whole and same else f"({both}){mask}"), value


def _moved(name: str, places: int) -> str:
    return f"({name} >> {places})" if places else name


def words(run: list[BitRelation]) -> str:
    """Return what is said of bits that no one formula holds: how many, and which fields they depend on."""
    name = run[0].bit[0]
    others = sorted({other for one in run for other, _ in one.others} - {name})
    own = any(other == name for one in run for other, _ in one.others)
    of_what = listed([*others, *(["its own"] if own and not others else [])]) or "its own"
    return f"{counted(len(run), 'bit')} of {name} {'is' if len(run) == 1 else 'are'} xor of bits of {of_what}"
