"""Relations between two fields that no rule named: equal, swapped, a fixed difference or a fixed xor.

Each pair of fields of which one is the sender's to choose is tried in a few ways on the sample; the chance is
corrected for all of them. Relations among more fields are not looked for here.
"""

from __future__ import annotations

from itertools import combinations, islice
from math import log10
from typing import TYPE_CHECKING, Final

import numpy as np

from craftmark.marks.base import Toolmark
from craftmark.marks.chance import FREE, LOG10_2, STATED_AT, at_least
from craftmark.marks.sequences import followed, packets_with, shown
from craftmark.packets.expressions import Expression, parse
from craftmark.packets.fields import FIELDS, fields_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from craftmark.evidence.dossier import Dossier
    from craftmark.packets.batch import PacketBatch, Words

#: Probes from which pairs are tried, and packets from which a pair's likely value is taken.
_FEWEST: Final = 4
_GLIMPSE: Final = 15
_NEARLY_ALWAYS: Final = 0.9
_MOST: Final = 0.7
_LOW: Final = np.uint32(0xFFFF)
_SWAPPED: Final = {16: np.uint16, 32: np.uint32}
#: Ways tried for one pair, for the correction.
_WAYS: Final = 6


def infer(dossier: Dossier) -> list[Toolmark]:
    """Return at most one mark for each pair of fields."""
    names = [name for name in _candidates(dossier) if dossier.fields[name].constant is None]
    marks = _equal_constants(dossier)
    if dossier.probes < _FEWEST:
        return marks
    packets = followed(dossier.sample)
    explained = _explained(dossier)
    pairs = [
        pair
        for pair in combinations(names, 2)
        if FREE.intersection(pair) and not any(both.issuperset(pair) for both in explained)
    ]
    glimpse = {name: packets.column(name)[:_GLIMPSE] for name in names}
    for one, other in pairs:
        likely = (text for text, rest in _ways(one, other, glimpse) if _is_likely(text, rest))
        tried = (_try(dossier, packets, parse(text), len(pairs)) for text in likely)
        marks += list(islice(filter(None, tried), 1))
    return marks


def _candidates(dossier: Dossier) -> list[str]:
    """Return the fields to pair: the sender's own first, so that they stand on the left, then target and port."""
    free = [field.name for field in fields_of(dossier.protocol) if field.name in FREE]
    return [name for name in (*free, "ip_dst", dossier.port_field) if name and dossier.field(name) is not None]


def _explained(dossier: Dossier) -> list[frozenset[str]]:
    """Return the fields of the named relations that hold: what these explain needs no second relation."""
    return [
        frozenset(parse(evidence.text).fields)
        for evidence in dossier.relations.values()
        if evidence.held >= max(1.0, _NEARLY_ALWAYS * evidence.seen)
    ]


def _ways(one: str, other: str, glimpse: dict[str, Words]) -> Iterator[tuple[str, Words]]:
    """Yield the relations tried between two fields, the simplest first, with what must be the same in all packets."""
    bits, bits_other = FIELDS[one].bits, FIELDS[other].bits
    a, b = glimpse[one], glimpse[other]
    if bits == bits_other and bits in _SWAPPED:
        yield f"{one} == {other}", a ^ b
        yield f"{one} == swap{bits}({other})", a ^ b.astype(_SWAPPED[bits]).byteswap()
        yield f"{one} - {other}" if bits == 32 else f"low16({one} - {other})", (a - b) & np.uint32((1 << bits) - 1)
        yield f"{one} ^ {other}", a ^ b
    elif {bits, bits_other} == {16, 32}:
        wide, narrow = (one, other) if bits == 32 else (other, one)
        for half, shift in (("low16", 0), ("high16", 16)):
            a, b = glimpse[wide] >> np.uint32(shift) & _LOW, glimpse[narrow]
            yield f"{half}({wide}) == {narrow}", a ^ b
            yield f"{half}({wide}) ^ {narrow}", a ^ b
            yield f"low16({half}({wide}) - {narrow})", (a - b) & _LOW


def _is_likely(text: str, rest: Words) -> bool:
    """Tell whether a relation holds in most packets of the glimpse."""
    value = np.sort(rest)[len(rest) // 2]
    return bool((rest == value).sum() >= _MOST * len(rest) and (value == 0 or "==" not in text))


def _try(dossier: Dossier, packets: PacketBatch, expression: Expression, pairs: int) -> Toolmark | None:
    result = expression.evaluate(packets)
    value = 1 if expression.is_equation else _commonest(result[:_GLIMPSE].astype(np.uint32))
    good = (result == value) & expression.seen(packets)
    held, seen = int(good.sum()), int(expression.seen(packets).sum())
    if held < max(_FEWEST, _NEARLY_ALWAYS * seen):
        return None
    words = packets.words[good][:, [FIELDS[name].word for name in expression.fields]]
    telling = min(len(np.unique(words[:, place])) for place in range(words.shape[1]))
    share = 2.0 ** -min(FIELDS[name].bits for name in expression.fields)
    free = telling - (0 if expression.is_equation else 1)
    chance = at_least(round(free * seen / held), free, share) + log10(pairs * _WAYS)
    if chance > STATED_AT:
        return None
    return Toolmark(
        kind="relation",
        statement=_statement(expression, value),
        fields=expression.fields,
        held=held,
        seen=seen,
        log10_chance=chance,
        level="class" if expression.is_equation else "individual",
        values=() if expression.is_equation else (value,),
        sampled=len(packets) < dossier.probes,
        packets=shown(packets),
    )


def _commonest(values: Words) -> int:
    sizes, counts = np.unique(values, return_counts=True)
    return int(sizes[counts.argmax()])


def _statement(expression: Expression, value: int) -> str:
    if expression.is_equation:
        return str(expression).replace(" == ", " = ")
    return f"{expression} = " + (f"0x{value:X}" if value > 9 else str(value))


def _equal_constants(dossier: Dossier) -> list[Toolmark]:
    """Find wide fields that are constant, not 0, and the same: one number put into several fields."""
    found = []
    for one, other in combinations([name for name in _candidates(dossier) if name in FREE], 2):
        first, second, bits = dossier.fields[one], dossier.fields[other], FIELDS[one].bits
        if bits != 32 or FIELDS[other].bits != 32 or not first.constant or first.constant != second.constant:
            continue
        found.append(
            Toolmark(
                kind="relation",
                statement=f"{one} = {other}",
                fields=(one, other),
                held=min(first.seen, second.seen),
                seen=min(first.seen, second.seen),
                log10_chance=-bits * LOG10_2 + log10(_WAYS),
                level="class",
                packets=packets_with(dossier, one),
            )
        )
    return found
