"""Where header fields stand in the diagrams of the RFCs: rows of 32 bits, each a list of (field, bits, label).

Field "" stands for bits that the report does not tell, such as checksums. RFC 791 section 3.1, RFC 8200 section 3,
RFC 9293 section 3.1, RFC 768, RFC 792, RFC 9260 section 3.1, RFC 826.
"""

from __future__ import annotations

from typing import Final

Row = tuple[tuple[str, int, str], ...]

_IPV4: Final[tuple[Row, ...]] = (
    (
        ("ip_version", 4, "Version"),
        ("ip_ihl", 4, "IHL"),
        ("ip_tos", 8, "Type of Service"),
        ("ip_len", 16, "Total Length"),
    ),
    (("ip_id", 16, "Identification"), ("ip_flags", 3, "Flags"), ("ip_frag", 13, "Fragment Offset")),
    (("ip_ttl", 8, "Time to Live"), ("ip_proto", 8, "Protocol"), ("", 16, "Header Checksum")),
    (("ip_src", 32, "Source Address"),),
    (("ip_dst", 32, "Destination Address"),),
)
_IPV6: Final[tuple[Row, ...]] = (
    (("ip_version", 4, "Version"), ("ip_tos", 8, "Traffic Class"), ("ip6_flow", 20, "Flow Label")),
    (("ip_len", 16, "Payload Length"), ("ip_proto", 8, "Next Header"), ("ip_ttl", 8, "Hop Limit")),
    (("ip_src", 32, "Source Address, low 32 bits"),),
    (("ip_dst", 32, "Destination Address, low 32 bits"),),
)
_TRANSPORT: Final[dict[str, tuple[Row, ...]]] = {
    "tcp": (
        (("tcp_sport", 16, "Source Port"), ("tcp_dport", 16, "Destination Port")),
        (("tcp_seq", 32, "Sequence Number"),),
        (("tcp_ack", 32, "Acknowledgment Number"),),
        (
            ("tcp_off", 4, "Offset"), ("tcp_reserved", 4, "Rsrvd"), ("tcp_flags", 8, "Control Bits"),
            ("tcp_win", 16, "Window"),
        ),
        (("", 16, "Checksum"), ("tcp_urp", 16, "Urgent Pointer")),
    ),
    "udp": (
        (("udp_sport", 16, "Source Port"), ("udp_dport", 16, "Destination Port")),
        (("udp_len", 16, "Length"), ("udp_sum", 16, "Checksum")),
    ),
    "icmp": (
        (("icmp_type", 8, "Type"), ("icmp_code", 8, "Code"), ("", 16, "Checksum")),
        (("icmp_id", 16, "Identifier"), ("icmp_seq", 16, "Sequence Number")),
    ),
    "icmp6": (
        (("icmp6_type", 8, "Type"), ("icmp6_code", 8, "Code"), ("", 16, "Checksum")),
        (("icmp6_id", 16, "Identifier"), ("icmp6_seq", 16, "Sequence Number")),
    ),
    "sctp": (
        (("sctp_sport", 16, "Source Port"), ("sctp_dport", 16, "Destination Port")),
        (("sctp_vtag", 32, "Verification Tag"),),
        (("", 32, "Checksum"),),
    ),
}  # fmt: skip


def layout(names: frozenset[str]) -> tuple[tuple[str, Row], ...]:
    """Return the rows of the headers that have these fields, each with its header's name."""
    network = ("IPv6", _IPV6) if "ip6_flow" in names else ("IPv4", _IPV4)
    rows = [(network[0], row) for row in network[1]] if "ip_ttl" in names else []
    for protocol, header in _TRANSPORT.items():
        if header[0][0][0] in names:
            rows += [(protocol.upper().replace("ICMP6", "ICMPv6"), row) for row in header]
    return tuple(rows)
