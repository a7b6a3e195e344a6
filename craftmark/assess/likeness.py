"""How alike two markprints are: which fields agree and differ, how many bits that is, and what it may mean.

A field agrees if both keep their value and the constants are not different, or both move and no two rules of motion
contradict each other; what one side cannot show, or leaves open, is silent. Bits are log2 of how many times likelier
the two prints are if one code, or one template, made both than if strangers did; the shares of strangers are those of
``tools/chance``. The numbers and thresholds are written down in ``docs/markprint.md``, for other implementations.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log2
from typing import TYPE_CHECKING, Final, Literal, Protocol

from craftmark.assess.markprints import Print, read
from craftmark.packets.fields import FIELDS
from craftmark.tools import chance

if TYPE_CHECKING:
    from collections.abc import Iterable

Finding = Literal["agrees", "differs", "set by the user", "open", "unseen"]
Meaning = Literal["alike", "template", "unlike", "undecided"]

#: Bits from which prints without a contradiction are alike, and below which those with one are unlike.
ALIKE: Final = 8.0
UNLIKE: Final = 0.0
#: Fields that must be compared before prints are called alike or unlike.
COMPARED: Final = 6
#: A shared value of so many bits is nobody's habit; so many of them, together of so many bits, make a template.
CHOSEN: Final = 5.0
TEMPLATE_VALUES: Final = 3
TEMPLATE: Final = 15.0

#: Bits for one field, beside those of its value.
_EDITED: Final = log2(chance.EDITED)
_CONTRADICTED: Final = -4.0
_SAME_RULE: Final = {"k": 3.0, "f": 10.0, "t": 1.0}
_SAME_ORDER: Final = {"popular-first": 5.0, "stride": 3.0}
_OTHER_ORDER: Final = -1.0
#: Share of strangers that draw the TTL anew for each probe.
_DRAWN_TTL: Final = 0.01
#: Fields that a run may draw once: two values of one code may differ.
_OF_A_RUN: Final = frozenset({
    "ip_id", "ip6_flow", "tcp_sport", "tcp_seq", "tcp_ack", "tcp_tsval", "udp_sport", "sctp_sport", "sctp_vtag",
    "icmp_id", "icmp6_id", "payload_head", "udp_sum",
})  # fmt: skip
#: Fields that repeat what others say, or what the act is; and those that a protocol's own messages fix.
_REPEATING: Final = frozenset({
    "ip_len", "ip_ihl", "udp_len", "icmp_type", "icmp_code", "icmp6_type", "icmp6_code", "sctp_chunk", "arp_op",
})  # fmt: skip
_FIXED_BY_MESSAGES: Final = frozenset({"payload_len", "payload_head"})
_MESSAGE: Final = 3.0
_KEPT: Final = "cp"


class Printed(Protocol):
    """Anything that has the two strings of a markprint, as ``report.document.Markprint``."""

    @property
    def structure(self) -> str:
        """What kind of code made the probes."""

    @property
    def values(self) -> str:
        """The constants."""


@dataclass(frozen=True, slots=True)
class FieldLikeness:
    """One field, the option layout or an order in both prints; ``chosen`` tells a shared value that is no habit."""

    name: str
    finding: Finding
    one: str
    other: str
    bits: float = 0.0
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike two markprints are.

    same_structure: nothing in the structures contradicts, over ``compared`` fields that both show. meaning: "alike"
    (one code, or one set of values given to two), "template" (values inherited, others edited), "unlike" (other code,
    or the same with other options), "undecided".
    """

    bits: float
    same_structure: bool
    compared: int
    meaning: Meaning
    fields: tuple[FieldLikeness, ...]

    def named(self, finding: Finding) -> tuple[str, ...]:
        """Return the names of the fields with a finding."""
        return tuple(one.name for one in self.fields if one.finding == finding)

    @property
    def inherited(self) -> tuple[str, ...]:
        """The fields whose shared value is nobody's habit: what a template hands on."""
        return tuple(one.name for one in self.fields if one.chosen)


def compare(one: Printed, other: Printed) -> Likeness:
    """Return how alike two markprints are; raises ReportError for strings that are no markprint of this version."""
    first, second = read(one.structure, one.values), read(other.structure, other.values)
    fields = [_field(name, first, second) for name in first.letters if name in second.letters]
    fields += [_layout(first, second), *_orders(first, second)]
    bits = round(sum(field.bits for field in fields), 1) + 0.0
    compared = sum(field.finding in ("agrees", "differs") and _is_told(field.name, first, second) for field in fields)
    same = first.protocol == second.protocol and not any(_contradicts(field, first, second) for field in fields)
    return Likeness(bits, same, compared, _meaning(fields, bits, compared, same=same), tuple(fields))


def _meaning(fields: Iterable[FieldLikeness], bits: float, compared: int, *, same: bool) -> Meaning:
    chosen = [field.bits for field in fields if field.chosen]
    is_template = len(chosen) >= TEMPLATE_VALUES and sum(chosen) >= TEMPLATE
    if same and bits >= ALIKE and compared >= COMPARED:
        return "template" if is_template and any(field.bits < 0 for field in fields) else "alike"
    if is_template:
        return "template"
    return "unlike" if not same and bits < UNLIKE and compared >= COMPARED else "undecided"


def _contradicts(field: FieldLikeness, one: Print, other: Print) -> bool:
    """Tell whether structures differ in a field: two constants of different value do not."""
    if field.finding != "differs":
        return False
    return field.name not in FIELDS or not {one.letters[field.name], other.letters[field.name]}.issubset(f"{_KEPT}?")


def _is_told(name: str, one: Print, other: Print) -> bool:
    """Tell whether both structures say what a field does."""
    return name in FIELDS and {one.letters[name], other.letters[name]}.isdisjoint("?u-")


def _keep(one: str, other: str) -> bool:
    return one in _KEPT and other in _KEPT


def _field(name: str, one: Print, other: Print) -> FieldLikeness:
    first, second = one.letters[name], other.letters[name]
    shown = (one.shown(name), other.shown(name))
    if "u" in (first, second):
        return FieldLikeness(name, "unseen", *shown)
    if name in one.user_set or name in other.user_set:
        return FieldLikeness(name, "set by the user", *shown)
    if name in one.constants and name in other.constants:
        return _constants(name, one.constants[name], other.constants[name], shown)
    if not {first, second}.isdisjoint("?-"):
        return FieldLikeness(name, "agrees" if first == second == "-" else "open", *shown)
    if _keep(first, second):
        return FieldLikeness(name, "agrees", *shown)
    if first in _KEPT or second in _KEPT or not _go_together(name, one, other):
        return FieldLikeness(name, "differs", *shown, bits=_weight(name, _CONTRADICTED))
    drawn = _DRAWN_TTL if name == "ip_ttl" else chance.drawn_chance(name)
    rule = _SAME_RULE.get(first, 0.0) if first == second else 0.0
    return FieldLikeness(name, "agrees", *shown, bits=_weight(name, max(log2(0.95 / drawn), 0.0) + rule))


def _constants(name: str, one: int, other: int, shown: tuple[str, str]) -> FieldLikeness:
    """Compare two constants: a value that many strangers send says little, one that a run draws may differ."""
    if one == other:
        bits = _weight(name, max(log2((1 - chance.EDITED) / chance.value_chance(name, one)), 0.0))
        return FieldLikeness(name, "agrees", *shown, bits=bits, chosen=bits >= CHOSEN)
    of_a_run = name in _OF_A_RUN and one and other
    return FieldLikeness(name, "differs", *shown, bits=0.0 if of_a_run else _weight(name, _EDITED))


def _weight(name: str, bits: float) -> float:
    return 0.0 if name in _REPEATING else min(bits, _MESSAGE) if name in _FIXED_BY_MESSAGES else bits


def _go_together(name: str, one: Print, other: Print) -> bool:
    """Tell whether two moving fields can move by one rule: not found is no contradiction, a function is per target."""
    letters = {one.letters[name], other.letters[name]}
    if letters == {"f"}:
        return not one.functions[name].isdisjoint(other.functions[name])
    return "k" not in letters or letters.isdisjoint("ft")


def _layout(one: Print, other: Print) -> FieldLikeness:
    shown = (one.layout, other.layout)
    if "?" in shown or "-" in shown:
        return FieldLikeness("options", "open", *shown)
    if one.layout != other.layout:
        return FieldLikeness("options", "differs", *shown, bits=_EDITED)
    kinds = () if one.layout == "none" else tuple(one.layout.split(","))
    bits = max(log2((1 - chance.EDITED) / chance.option_layout_chance(kinds)), 0.0)
    return FieldLikeness("options", "agrees", *shown, bits=bits, chosen=bits >= CHOSEN)


def _orders(one: Print, other: Print) -> list[FieldLikeness]:
    found = []
    for name, first, second in zip(("order of ports", "order of targets"), one.orders, other.orders, strict=True):
        if "?" in (first, second):
            found.append(FieldLikeness(name, "open", first, second))
        elif first == second:
            found.append(FieldLikeness(name, "agrees", first, second, bits=_SAME_ORDER.get(first, 1.0)))
        elif {first, second} == {"popular-first", "shuffled"}:  # few ports of the one look like the other
            found.append(FieldLikeness(name, "agrees", first, second))
        else:
            found.append(FieldLikeness(name, "differs", first, second, bits=_OTHER_ORDER))
    return found
