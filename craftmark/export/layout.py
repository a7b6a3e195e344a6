"""Where header fields stand in octets, for formats that look at them by offset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Place:
    """A field's place: the header, offset and size in octets, which bits of it, and how far these are from the end."""

    header: str
    offset: int
    size: int
    mask: int = 0
    shift: int = 0


#: Octets of an IPv6 header (RFC 8200): where nothing stands between, the transport header follows.
IPV6_OCTETS: Final = 40

_TRANSPORT: Final = {
    "tcp_sport": Place("tcp", 0, 2), "tcp_dport": Place("tcp", 2, 2), "tcp_seq": Place("tcp", 4, 4),
    "tcp_ack": Place("tcp", 8, 4), "tcp_off": Place("tcp", 12, 1, 0xF0, 4), "tcp_flags": Place("tcp", 13, 1),
    "tcp_win": Place("tcp", 14, 2), "tcp_urp": Place("tcp", 18, 2), "udp_sport": Place("udp", 0, 2),
    "udp_dport": Place("udp", 2, 2), "udp_sum": Place("udp", 6, 2), "icmp_type": Place("icmp", 0, 1),
    "icmp_code": Place("icmp", 1, 1), "icmp_id": Place("icmp", 4, 2), "icmp_seq": Place("icmp", 6, 2),
    "icmp6_type": Place("icmp6", 0, 1), "icmp6_code": Place("icmp6", 1, 1), "icmp6_id": Place("icmp6", 4, 2),
    "icmp6_seq": Place("icmp6", 6, 2),
}  # fmt: skip
#: Places by IP version; of an IPv6 address the last four octets, which are what ``ip_src`` and ``ip_dst`` hold.
PLACES: Final = {
    4: {
        "ip_len": Place("ip", 2, 2), "ip_id": Place("ip", 4, 2), "ip_flags": Place("ip", 6, 1, 0xE0, 5),
        "ip_frag": Place("ip", 6, 2, 0x1FFF), "ip_src": Place("ip", 12, 4), "ip_dst": Place("ip", 16, 4), **_TRANSPORT,
    },
    6: {
        "ip6_flow": Place("ip6", 0, 4, 0xFFFFF), "ip_len": Place("ip6", 4, 2), "ip_src": Place("ip6", 20, 4),
        "ip_dst": Place("ip6", 36, 4), **_TRANSPORT,
    },
}  # fmt: skip
PLACED: Final = frozenset(PLACES[4]) | frozenset(PLACES[6])
