"""A table for nft -f: matched packets are counted and logged, never dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from craftmark.export.match import NO_IP
from craftmark.packets.fields import control_bits

if TYPE_CHECKING:
    from craftmark.export.match import Match, Subject

SUFFIX: Final = ".nft"
IP_VERSIONS: Final = (4, 6, NO_IP)

_NAMES: Final = {
    "ip_len": "ip length", "ip_id": "ip id", "tcp_sport": "tcp sport", "tcp_seq": "tcp sequence",
    "tcp_ack": "tcp ackseq", "tcp_off": "tcp doff", "tcp_win": "tcp window", "tcp_urp": "tcp urgptr",
    "tcp_mss": "tcp option maxseg size", "tcp_wscale": "tcp option window count", "udp_sport": "udp sport",
    "udp_sum": "udp checksum", "icmp_type": "icmp type", "icmp_code": "icmp code", "icmp_id": "icmp id",
    "icmp_seq": "icmp sequence", "icmp6_type": "icmpv6 type", "icmp6_code": "icmpv6 code", "icmp6_id": "icmpv6 id",
    "icmp6_seq": "icmpv6 sequence", "ip6_flow": "ip6 flowlabel", "arp_op": "arp operation",
}  # fmt: skip
#: Fields that nft knows of echoes alone: in other messages they are taken by their place, in bits.
_ECHOES: Final = frozenset({0, 8, 128, 129})
_OF_ECHOES: Final = {
    "icmp_id": "@th,32,16", "icmp_seq": "@th,48,16", "icmp6_id": "@th,32,16", "icmp6_seq": "@th,48,16",
}  # fmt: skip
_BITS: Final = {"ECE": "ecn"}
_ALL: Final = "fin|syn|rst|psh|ack|urg|ecn|cwr"
TELLS: Final = frozenset({*_NAMES, "tcp_flags", "ip_flags", "ip_frag"})

#: Families by IP version, each with where its chain hooks in: before any other rule, or where ARP comes in.
_FAMILIES: Final = {
    4: ("ip", "hook prerouting priority raw"), 6: ("ip6", "hook prerouting priority raw"),
    NO_IP: ("arp", "hook input priority 0"),
}  # fmt: skip


def write(subject: Subject) -> str:
    """Return one table an IP version; its chain looks at what comes in."""
    lines = [f"# {note}" for note in subject.notes]
    for version in dict.fromkeys(match.ip_version for match in subject.matches):
        family, hook = _FAMILIES[version]
        rules = [_rule(match) for match in subject.matches if match.ip_version == version]
        lines += [f"table {family} craftmark_{subject.scan.id.lower()} {{", "  chain seen {"]
        lines += [f"    type filter {hook}; policy accept;", *rules, "  }", "}"]
    return "\n".join([*lines, ""])


def _rule(match: Match) -> str:
    protocol = {4: f"ip protocol {match.protocol}", 6: f"meta l4proto {match.protocol}"}.get(match.ip_version)
    terms = [*filter(None, [protocol]), *(_term(name, value, match) for name, value in match.values.items())]
    return f'    {" ".join(terms)} counter log prefix "{match.label} "'


def _term(name: str, value: int, match: Match) -> str:
    if name == "tcp_flags":
        bits = "|".join(_BITS.get(bit, bit.lower()) for bit in control_bits(value))
        return f"tcp flags & ({_ALL}) == {f'({bits})' if bits else '0x0'}"
    if name == "ip_flags":
        return f"ip frag-off & 0xe000 == {value << 13:#x}"
    if name == "ip_frag":
        return f"ip frag-off & 0x1fff == {value:#x}"
    if name in _OF_ECHOES and not _ECHOES & {match.values.get("icmp_type"), match.values.get("icmp6_type")}:
        return f"{_OF_ECHOES[name]} {value}"
    known = f"ip6{_NAMES[name][2:]}" if name == "ip_len" and match.ip_version == 6 else _NAMES[name]
    return f"{known} {value}"
