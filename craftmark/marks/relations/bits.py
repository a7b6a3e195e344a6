"""Relations among single header bits: the affine hull of a thousand packets, from rank + 20 of them.

Every xor relation among bits is in it, also those no formula over fields says: shifted fields, a few bits only, linear
hashes. Each sender's bit that depends on others is given as their xor; neighbouring bits that depend in the same way
are said as one formula with shifts. What whole fields were told of, and what follows from the target, port and source
alone, is not said again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from craftmark.marks.chance import LOG10_2
from craftmark.marks.relations.columns import SPARE, Columns, goes_by_rule
from craftmark.marks.relations.headers import Headers, different_rows, first_of_each_conversation
from craftmark.marks.relations.proof import FOUND_AT, toggles
from craftmark.packets.fields import FIELDS
from craftmark.packets.linear import header_bit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from craftmark.marks.relations.columns import Bit
    from craftmark.marks.relations.told import Told

#: Share of its range that a field must fill before relations among its own bits say anything.
_WIDE: Final = 0.75
#: What people and protocols write has relations of its own among its bits: it may explain, but not be explained.
_WRITTEN: Final = frozenset({"payload_head"})
#: Share of one value from which a field that is not the sender's only marks foreign packets.
_STILL: Final = 0.95
#: How often foreign packets are looked for among those that are left.
_CLEANINGS: Final = 3


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
    headers = first_of_each_conversation(headers)
    if len(headers.packets) < SPARE + len(headers.names):
        return []
    table = _columns(headers)
    for _ in range(_CLEANINGS):
        kept = table.agreeing()
        if kept is None:
            break
        headers = Headers(headers.packets.take(kept), headers.given, headers.chosen)
        table = _columns(headers)
    imposed, masks = table.relations(table.everything)
    told.adds_rows(row_of(bits) for bits in [*map(table.bits_of, imposed), *([bit] for bit in table.still)])
    free = table.independent([*imposed, *masks])
    found = []
    for mask in masks:
        bits = table.bits_of(mask)
        if told.follows(row_of(bits)) or told.ties(frozenset(name for name, _ in bits)):
            continue
        relation = _relation(headers, bits, mask & 1, free)
        if relation.log10_chance <= FOUND_AT and told.adds_rows([relation.row]):
            found.append(relation)
    return found


def _columns(headers: Headers) -> Columns:
    """Return the bits of fields that do not go by rule; a given field that hardly varies only marks foreign packets."""
    explained = frozenset(headers.chosen) - _WRITTEN
    fields = []
    for name in headers.names:
        values, bits = headers.values(name), FIELDS[name].bits
        counts = np.unique(values, return_counts=True)[1]
        if goes_by_rule(values, bits) if name in explained else counts.max() > _STILL * len(values):
            continue
        fields.append((name, bits, values))
    return Columns(fields, explained)


def _relation(headers: Headers, chosen: list[Bit], constant: int, free: list[Bit]) -> BitRelation:
    """Return one relation with its chance.

    Tried are all xor of the independent bits of its fields, for every choice of fields. The same inputs again, or the
    same value of a field again, prove nothing; nor does a bit of a field drawn from a range, by others of its own; of
    a bit that changes seldom only the packets where it changes are proof, and of a field that is mostly one value only
    those where it is not.
    """
    *others, bit = chosen
    names = tuple(dict.fromkeys(name for name, _ in chosen))
    inputs = [name for name in names if name != bit[0]]
    tried = sum(name in names for name, _ in free) + 1 + len(headers.names)
    shown = [toggles(headers.values(bit[0]) >> bit[1] & 1)]
    shown.append(different_rows(headers.packets, inputs) - 1.0 if inputs else _full_range(headers, bit[0]))
    for name in names:
        if name in headers.chosen:
            counts = np.unique(headers.values(name), return_counts=True)[1]
            shown += [len(counts) - 1.0, float(len(headers.packets) - counts.max())]
    return BitRelation(bit, frozenset(others), constant, min(0.0, (tried - min(shown)) * LOG10_2))


def _full_range(headers: Headers, name: str) -> float:
    """Return the number of packets, 0 where a field keeps to a part of its range, which ties its bits together."""
    values = headers.values(name)
    is_full = int(values.max() - values.min()) >= _WIDE * (1 << FIELDS[name].bits)
    return float(len(values)) if is_full else 0.0
