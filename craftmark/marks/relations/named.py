"""The equations and keys that rules name, as counted in the probes that are known.

An equation that holds nearly always is a mark of the design; an expression with one value in all probes carries a
value of the run. A relation among fields that are all constant says nothing and is left out. Only probes that differ
in the relation's fields count for its chance: a repeated packet proves nothing new.
"""

from __future__ import annotations

from itertools import combinations
from math import log10
from typing import TYPE_CHECKING, Final

import numpy as np

from craftmark.marks.base import Toolmark
from craftmark.marks.chance import FREE, LOG10_2, STATED_AT, at_least
from craftmark.marks.sequences import packets_with, shown
from craftmark.packets.expression_nodes import Binary, Call, Comparison, FieldValue, Number, Value
from craftmark.packets.expressions import parse
from craftmark.packets.fields import FIELDS, fields_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from craftmark.evidence.dossier import Dossier, RelationEvidence
    from craftmark.packets.expressions import Expression

#: Share of the probes in which an equation must hold: foreign packets and rewritten ports spoil a few.
_NEARLY_ALWAYS: Final = 0.9
#: Pairs of fields that may hold one number, for the correction.
_PAIRS: Final = 6

_LOW_BITS: Final = {"low8": 8, "low15": 15, "low16": 16, "low24": 24, "low31": 31}


def find(dossier: Dossier) -> Iterator[tuple[Expression, Toolmark]]:
    """Yield each named relation that holds and is beyond chance, with its mark."""
    for evidence in dossier.relations.values():
        expression = parse(evidence.text)
        mark = _mark(dossier, evidence, expression)
        if mark is not None:
            yield expression, mark


def _mark(dossier: Dossier, evidence: RelationEvidence, expression: Expression) -> Toolmark | None:
    if evidence.held < max(1.0, _NEARLY_ALWAYS * evidence.seen) or _all_constant(dossier, expression):
        return None
    if not expression.is_predicate and evidence.value is None:
        return None
    if expression.is_predicate and not expression.is_equation and evidence.value != 1:
        return None
    distinct, packets = _telling_probes(dossier, expression, evidence)
    share = evidence.held / evidence.seen
    chance = _chance(expression, round(distinct / share), distinct)
    if chance > STATED_AT:
        return None
    return Toolmark(
        kind="relation",
        statement=statement(expression, evidence.value or 0),
        fields=expression.fields,
        held=evidence.held,
        seen=evidence.seen,
        sampled=dossier.sampled,
        log10_chance=chance,
        level="class" if expression.is_predicate else "individual",
        values=() if evidence.value is None or expression.is_predicate else (evidence.value,),
        packets=packets,
    )


def _all_constant(dossier: Dossier, expression: Expression) -> bool:
    evidences = [dossier.field(name) for name in expression.fields]
    return all(evidence is None or evidence.constant is not None for evidence in evidences)


def _telling_probes(
    dossier: Dossier, expression: Expression, evidence: RelationEvidence
) -> tuple[int, tuple[int, ...]]:
    """Count the sample's different combinations of the fields among probes in which the relation holds."""
    sample = dossier.sample
    good = expression.seen(sample)
    if expression.is_predicate:
        good = good & expression.evaluate(sample).astype(np.bool_)
    rows = np.flatnonzero(good)
    words = [FIELDS[name].word for name in expression.fields]
    distinct = len(np.unique(sample.words[rows][:, words], axis=0)) if len(rows) else 0
    return min(distinct, evidence.held), shown(sample.take(rows[:10]))


def _chance(expression: Expression, tries: int, hits: int) -> float:
    root = expression.root
    if isinstance(root, Comparison) and root.operator == "==":
        return at_least(tries, hits, 2.0 ** -max(width(root.left), width(root.right)))
    if expression.is_predicate:
        return at_least(tries, hits, 0.5)
    bits = width(root) if isinstance(root, Value) else 1
    return 0.0 - max(0, hits - 1) * bits * LOG10_2


def statement(expression: Expression, value: int) -> str:
    """Return a relation as a mark states it; ``value`` of an expression that is no predicate."""
    if expression.is_equation:
        return str(expression).replace(" == ", " = ", 1)
    if expression.is_predicate:
        return str(expression)
    return f"{expression} = " + (f"0x{value:X}" if value > 9 else str(value))


def equal_constants(dossier: Dossier) -> list[Toolmark]:
    """Find wide fields that are constant, not 0, and the same: one number put into several fields."""
    found = []
    for one, other in combinations(_wide_free(dossier), 2):
        first, second, bits = dossier.fields[one], dossier.fields[other], FIELDS[one].bits
        if not first.constant or first.constant != second.constant:
            continue
        found.append(
            Toolmark(
                kind="relation",
                statement=f"{one} = {other}",
                fields=(one, other),
                held=min(first.seen, second.seen),
                seen=min(first.seen, second.seen),
                log10_chance=-bits * LOG10_2 + log10(_PAIRS),
                level="class",
                packets=packets_with(dossier, one),
            )
        )
    return found


def _wide_free(dossier: Dossier) -> list[str]:
    fields = [field for field in fields_of(dossier.protocol) if field.name in FREE and field.bits == 32]
    return [field.name for field in fields if dossier.field(field.name) is not None]


def width(node: Value) -> int:
    """Return how many bits a value can have at most."""
    if isinstance(node, Number):
        return node.value.bit_length()
    if isinstance(node, FieldValue):
        return FIELDS[node.name].bits
    if isinstance(node, Call):
        return _call_width(node.function, width(node.inner))
    return _binary_width(node) if isinstance(node, Binary) else 32


def _call_width(function: str, inner: int) -> int:
    if function in ("high8", "high16"):
        return max(0, inner - (24 if function == "high8" else 16))
    if function in ("swap16", "swap32"):
        return 16 if function == "swap16" else 32
    return min(inner, _LOW_BITS[function])


def _binary_width(node: Binary) -> int:
    left, right = width(node.left), width(node.right)
    if not isinstance(node.right, Number):
        widths = {"|": max(left, right), "^": max(left, right), "&": min(left, right), ">>": left}
    else:
        amount = node.right.value
        rest = (amount - 1).bit_length() if amount else left
        widths = {"|": max(left, right), "^": max(left, right), "&": min(left, right), ">>": left - amount}
        widths |= {"<<": left + amount, "%": min(left, rest)}
    widths |= {"+": max(left, right) + 1, "*": left + right}
    return max(0, min(32, widths.get(node.operator, 32)))
