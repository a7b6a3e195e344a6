"""Relations between fields, kept when some of the fields change: the field that depends is computed again.

A relation is an equation of ``packets/expressions.py``. The field that gives way is found by trying: each bit of it is
flipped in every packet, and where a flip changes the difference of both sides alike in all of them, the flips that
cancel the difference are a system over GF(2). That covers xor of whole fields, halves, swapped and single bits, and any
equation with the field alone on one side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from craftmark.errors import ExpressionError
from craftmark.packets.batch import PacketBatch
from craftmark.packets.expression_nodes import Comparison
from craftmark.packets.expressions import parse
from craftmark.packets.fields import FIELDS, fields_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from craftmark.packets.batch import Words
    from craftmark.packets.expressions import Expression

    Numbers = NDArray[np.uint32]
    Rows = NDArray[np.intp]

ADDRESSES: Final = frozenset({"ip_src", "ip_dst"})
#: Fields that say what was asked or how the packet is built: they never give way.
_FIXED: Final = ADDRESSES | {
    "tcp_dport", "udp_dport", "sctp_dport", "ip_proto", "ip_version", "ip_ihl", "ip_len", "ip_ttl", "tcp_flags",
    "tcp_off", "tcp_options", "udp_len", "icmp_type", "icmp_code", "icmp6_type", "icmp6_code", "payload_len",
    "payload_hash", "payload_head", "link_src", "arp_op", "sctp_chunk", "udp_sum",
}  # fmt: skip
#: Share of a scan's probes in which an equation that nobody stated must hold.
_NEARLY_ALWAYS: Final = 0.9
#: Packets in which it is tried which field gives way.
_TRIED: Final = 256


@dataclass(frozen=True, slots=True)
class Kept:
    """An equation that holds in some packets, and the field that gives way there."""

    equation: Expression
    field: str
    rows: Rows


def equation_in(statement: str) -> Expression | None:
    """Return the equation that a relation mark states, None if it states none."""
    text = statement.rpartition(": ")[2].replace(" = ", " == ", 1)
    try:
        found = parse(text)
    except ExpressionError:
        return None
    return found if found.is_equation else None


def copies_of_addresses(protocol: int) -> Iterator[Expression]:
    """Yield the equations of fields that hold an address, or a half of one, in either byte order."""
    for field in fields_of(protocol):
        if field.name in _FIXED or field.bits not in (16, 32):
            continue
        for address in sorted(ADDRESSES):
            if field.bits == 32:
                forms: tuple[str, ...] = (address, f"swap32({address})")
            else:
                halves = f"low16({address})", f"high16({address})"
                forms = (*halves, *(f"swap16({half})" for half in halves))
            yield from (parse(f"{field.name} == {form}") for form in forms)


def kept(words: Words, stated: Iterable[Expression], suspected: Iterable[Expression]) -> list[Kept]:
    """Return which equations hold in these packets of one scan, each with the field that gives way.

    stated: those that marks state, kept wherever they hold. suspected: those kept if they nearly always hold. One that
    follows from those before it is left out.
    """
    found: list[Kept] = []
    for equation, is_stated in (*((one, True) for one in stated), *((one, False) for one in suspected)):
        if not equation.is_equation:
            continue
        rows = np.flatnonzero(_shows(equation, words) & (_difference(equation, words) == 0))
        if not len(rows) or (not is_stated and len(rows) < _NEARLY_ALWAYS * len(words)):
            continue
        field = _giving_way(equation, words[rows[:_TRIED]], found)
        if field is not None:
            found = sorted([*found, Kept(equation, field, rows)], key=lambda one: -FIELDS[one.field].bits)
    return found


def restore(words: Words, relations: Sequence[Kept]) -> None:
    """Let the fields give way in changed packets, wide fields first, until every relation holds again."""
    for one in relations:
        changed = solved(one.equation, words[one.rows], one.field)
        if changed is not None:
            words[one.rows, FIELDS[one.field].word] = changed


def solved(equation: Expression, words: Words, field: str) -> Numbers | None:
    """Return the field's values with which the equation holds in all packets, None if flips cannot give them."""
    word = FIELDS[field].word
    differences = _difference(equation, words)
    basis: list[tuple[int, int, int]] = []  # pivot, effect, flips
    for bit in range(FIELDS[field].bits):
        flipped = words.copy()
        flipped[:, word] ^= np.uint32(1 << bit)
        effects = _difference(equation, flipped) ^ differences
        if not len(effects) or (effects != effects[0]).any():
            continue
        effect, flips = int(effects[0]), 1 << bit
        for pivot, known, made_of in basis:
            if effect >> pivot & 1:
                effect, flips = effect ^ known, flips ^ made_of
        if effect:
            basis.append((effect.bit_length() - 1, effect, flips))
    values = words[:, word].copy()
    for pivot, known, made_of in basis:
        wrong = differences >> np.uint32(pivot) & np.uint32(1) != 0
        differences[wrong] ^= np.uint32(known)
        values[wrong] ^= np.uint32(made_of)
    return None if differences.any() else values


def _giving_way(equation: Expression, words: Words, found: Sequence[Kept]) -> str | None:
    """Return the first field that makes good any change of the others; None if nothing is left to do."""
    changed = words.copy()
    everything = np.arange(len(words))
    for name in dict.fromkeys(name for one in (equation, *(one.equation for one in found)) for name in one.fields):
        noise = (everything * 0x9E3779B1 + len(name) * 0x85EBCA6B).astype(np.uint32)
        changed[:, FIELDS[name].word] ^= noise & np.uint32((1 << FIELDS[name].bits) - 1) & np.uint32(0x5A5A5A5A)
    restore(changed, [Kept(one.equation, one.field, everything) for one in found])
    if not _difference(equation, changed).any():
        return None
    free = [name for name in equation.fields if name not in _FIXED | {one.field for one in found}]
    return next((name for name in free if solved(equation, changed, name) is not None), None)


def _shows(equation: Expression, words: Words) -> NDArray[np.bool_]:
    return equation.seen(_batch(words))


def _difference(equation: Expression, words: Words) -> Numbers:
    root = equation.root
    assert isinstance(root, Comparison)
    batch = _batch(words)
    both = root.left.evaluate(batch) ^ root.right.evaluate(batch)
    return np.broadcast_to(both, (len(words),)).astype(np.uint32)


def _batch(words: Words) -> PacketBatch:
    nothing = np.zeros(len(words), np.int64)
    return PacketBatch(words, nothing, nothing)
