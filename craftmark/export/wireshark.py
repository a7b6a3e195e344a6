"""A Wireshark display filter, and the same as colouring rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from craftmark.export.match import NO_IP
from craftmark.packets.fields import FIELDS, ICMP6, TCP, UDP

if TYPE_CHECKING:
    from craftmark.export.match import Match, Subject

SUFFIX: Final = ".txt"
IP_VERSIONS: Final = (4, 6, NO_IP)
TELLS: Final = frozenset({
    "ip_len", "ip_id", "ip_flags", "ip6_flow", "tcp_sport", "tcp_seq", "tcp_ack", "tcp_flags", "tcp_off", "tcp_win",
    "tcp_urp", "tcp_mss", "tcp_wscale", "tcp_tsval", "tcp_tsecr", "udp_sport", "udp_sum", "icmp_type", "icmp_code",
    "icmp_id", "icmp_seq", "icmp6_type", "icmp6_code", "icmp6_id", "icmp6_seq", "sctp_vtag", "arp_op",
})  # fmt: skip
#: Protocols by the name that finds them behind extension headers too.
_BEHIND_IPV6: Final = {TCP: "tcp", UDP: "udp", ICMP6: "icmpv6"}


def write(subject: Subject) -> str:
    """Return one filter for all kinds of probe, and a colouring rule each (View, Coloring Rules, Import)."""
    told = [_filter(match) for match in subject.matches]
    every = told[0] if len(told) == 1 else " || ".join(f"({one})" for one in told)
    notes = [f"# {note}" for note in subject.notes]
    colours = [
        f"@{match.label}@{one}@[65535,55512,39064][0,0,0]" for match, one in zip(subject.matches, told, strict=True)
    ]
    return "\n".join([*notes, "# display filter", every, "# colouring rule", *colours, ""])


def _filter(match: Match) -> str:
    first = {NO_IP: "arp", 4: f"ip.proto == {match.protocol}", 6: f"ipv6 && {_BEHIND_IPV6.get(match.protocol, '')}"}
    if match.ip_version == 6 and match.protocol not in _BEHIND_IPV6:
        first[6] = f"ipv6.nxt == {match.protocol}"
    return " && ".join([first[match.ip_version], *(_term(*one, match.ip_version) for one in match.values.items())])


def _term(name: str, value: int, ip_version: int) -> str:
    if name == "ip_flags":
        flags = [f"ip.flags.{flag} == {value >> bit & 1}" for bit, flag in enumerate(("mf", "df", "rb"))]
        return " && ".join(flags)
    if name == "tcp_flags":
        return f"tcp.flags & 0xff == {value:#x}"
    if name == "ip_len" and ip_version == 6:
        return f"ipv6.plen == {value}"
    return f"{FIELDS[name].wireshark} == {value * 4 if name == 'tcp_off' else value}"
