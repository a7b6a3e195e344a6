"""A capture filter for tcpdump, tshark and everything else that speaks libpcap's language; relations included.

libpcap does not look into the transport header behind IPv6, so these octets are counted from the IPv6 header on: probes
with extension headers are missed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from craftmark.export.layout import IPV6_OCTETS, PLACED, PLACES, Place
from craftmark.export.match import NO_IP
from craftmark.packets.expression_nodes import Binary, Call, Comparison, FieldValue, Number
from craftmark.packets.expressions import parse

if TYPE_CHECKING:
    from craftmark.export.match import Match, Subject
    from craftmark.packets.expression_nodes import Value

SUFFIX: Final = ".bpf"
TELLS: Final = PLACED | {"arp_op"}
IP_VERSIONS: Final = (4, 6, NO_IP)

_LOW: Final = {"low8": 0xFF, "low15": 0x7FFF, "low16": 0xFFFF, "low24": 0xFFFFFF, "low31": 0x7FFFFFFF}


def write(subject: Subject) -> str:
    """Return the filter on one line; the language has no comments, so notes are not written."""
    every = [_filter(match) for match in subject.matches]
    return (every[0] if len(every) == 1 else " or ".join(f"({one})" for one in every)) + "\n"


def _filter(match: Match) -> str:
    if match.ip_version == NO_IP:
        return " and ".join(["arp", *(f"arp[6:2] = {match.values[name]}" for name in match.values if name == "arp_op")])
    if match.ip_version == 4:
        terms = [f"ip proto {match.protocol}"]
        if any(name.startswith(("tcp", "udp", "icmp")) for name in match.values) or match.relations:
            terms.append("ip[6:2] & 0x1fff = 0")
    else:
        terms = ["ip6", f"ip6[6] = {match.protocol}"]
    terms += [_compared(name, value, match.ip_version) for name, value in match.values.items() if name != "ip_frag"]
    told = (relation(text, match.ip_version) for text in match.relations)
    return " and ".join(dict.fromkeys([*terms, *filter(None, told)]))


def _octets(place: Place, ip_version: int) -> str:
    if ip_version == 6 and place.header != "ip6":
        return f"ip6[{IPV6_OCTETS + place.offset}:{place.size}]"
    return f"{place.header}[{place.offset}:{place.size}]"


def _compared(name: str, value: int, ip_version: int) -> str:
    place = PLACES[ip_version][name]
    mask = f" & {place.mask:#x}" if place.mask else ""
    return f"{_octets(place, ip_version)}{mask} = {value << place.shift}"


def relation(text: str, ip_version: int) -> str:
    """Return a relation, empty where it uses what the language lacks: broader, never wrong."""
    root = parse(text).root
    if not isinstance(root, Comparison):
        return ""
    sides = [_term(side, ip_version) for side in (root.left, root.right)]
    return " = ".join(sides) if all(sides) else ""


def _term(node: Value, ip_version: int) -> str:
    if isinstance(node, Number):
        return str(node.value)
    if isinstance(node, FieldValue) and (place := PLACES[ip_version].get(node.name)):
        octets = _octets(place, ip_version)
        inner = f"({octets} & {place.mask:#x})" if place.mask else octets
        return f"({inner} >> {place.shift})" if place.shift else inner
    if isinstance(node, Call) and (inner := _term(node.inner, ip_version)):
        if node.function == "high16":
            return f"({inner} >> 16)"
        return f"({inner} & {_LOW[node.function]:#x})" if node.function in _LOW else ""
    if isinstance(node, Binary) and node.operator in ("^", "&", "|", "+", "-", "<<", ">>"):
        sides = [_term(node.left, ip_version), _term(node.right, ip_version)]
        return f"({sides[0]} {node.operator} {sides[1]})" if all(sides) else ""
    return ""
