"""A capture filter for tcpdump, tshark and everything else that speaks libpcap's language; relations included."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from craftmark.export.layout import PLACES
from craftmark.packets.expression_nodes import Binary, Call, Comparison, FieldValue, Number
from craftmark.packets.expressions import parse

if TYPE_CHECKING:
    from craftmark.export.match import Subject
    from craftmark.packets.expression_nodes import Value

SUFFIX: Final = ".bpf"
TELLS: Final = frozenset(PLACES)
IP_VERSIONS: Final = (4,)

_LOW: Final = {"low8": 0xFF, "low15": 0x7FFF, "low16": 0xFFFF, "low24": 0xFFFFFF, "low31": 0x7FFFFFFF}


def write(subject: Subject) -> str:
    """Return the filter on one line; the language has no comments, so notes are not written."""
    match = subject.match
    terms = [f"ip proto {match.protocol}"]
    if any(name.startswith(("tcp", "udp", "icmp")) for name in match.values) or match.relations:
        terms.append("ip[6:2] & 0x1fff = 0")
    terms += [_compared(name, value) for name, value in match.values.items() if name != "ip_frag"]
    return " and ".join(dict.fromkeys([*terms, *filter(None, map(relation, match.relations))])) + "\n"


def _octets(name: str) -> str:
    place = PLACES[name]
    return f"{place.header}[{place.offset}:{place.size}]"


def _compared(name: str, value: int) -> str:
    place = PLACES[name]
    mask = f" & {place.mask:#x}" if place.mask else ""
    return f"{_octets(name)}{mask} = {value << place.shift}"


def relation(text: str) -> str:
    """Return a relation, empty where it uses what the language lacks: broader, never wrong."""
    root = parse(text).root
    if not isinstance(root, Comparison):
        return ""
    sides = [_term(side) for side in (root.left, root.right)]
    return " = ".join(sides) if all(sides) else ""


def _term(node: Value) -> str:
    if isinstance(node, Number):
        return str(node.value)
    if isinstance(node, FieldValue):
        place = PLACES[node.name]
        inner = f"({_octets(node.name)} & {place.mask:#x})" if place.mask else _octets(node.name)
        return f"({inner} >> {place.shift})" if place.shift else inner
    if isinstance(node, Call) and (inner := _term(node.inner)):
        if node.function == "high16":
            return f"({inner} >> 16)"
        return f"({inner} & {_LOW[node.function]:#x})" if node.function in _LOW else ""
    if isinstance(node, Binary) and node.operator in ("^", "&", "|", "+", "-", "<<", ">>"):
        sides = [_term(node.left), _term(node.right)]
        return f"({sides[0]} {node.operator} {sides[1]})" if all(sides) else ""
    return ""
