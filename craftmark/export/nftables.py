"""A table for nft -f: matched packets are counted and logged, never dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from craftmark.packets.fields import control_bits

if TYPE_CHECKING:
    from craftmark.export.match import Subject

SUFFIX: Final = ".nft"
IP_VERSIONS: Final = (4,)

_NAMES: Final = {
    "ip_len": "ip length", "ip_id": "ip id", "tcp_sport": "tcp sport", "tcp_seq": "tcp sequence",
    "tcp_ack": "tcp ackseq", "tcp_off": "tcp doff", "tcp_win": "tcp window", "tcp_urp": "tcp urgptr",
    "tcp_mss": "tcp option maxseg size", "tcp_wscale": "tcp option window count", "udp_sport": "udp sport",
    "udp_sum": "udp checksum", "icmp_type": "icmp type", "icmp_code": "icmp code", "icmp_id": "icmp id",
    "icmp_seq": "icmp sequence",
}  # fmt: skip
_BITS: Final = {"ECE": "ecn"}
_ALL: Final = "fin|syn|rst|psh|ack|urg|ecn|cwr"
TELLS: Final = frozenset({*_NAMES, "tcp_flags", "ip_flags", "ip_frag"})


def write(subject: Subject) -> str:
    """Return the table; its chain looks at what comes in, before any other rule."""
    match = subject.match
    terms = [f"ip protocol {match.protocol}", *(_term(name, value) for name, value in match.values.items())]
    return "\n".join(
        [
            *(f"# {note}" for note in subject.notes),
            f"table ip craftmark_{match.scan.lower()} {{",
            "  chain seen {",
            "    type filter hook prerouting priority raw; policy accept;",
            f'    {" ".join(terms)} counter log prefix "{match.label} "',
            "  }",
            "}",
            "",
        ]
    )


def _term(name: str, value: int) -> str:
    if name == "tcp_flags":
        bits = "|".join(_BITS.get(bit, bit.lower()) for bit in control_bits(value))
        return f"tcp flags & ({_ALL}) == {f'({bits})' if bits else '0x0'}"
    if name == "ip_flags":
        return f"ip frag-off & 0xe000 == {value << 13:#x}"
    if name == "ip_frag":
        return f"ip frag-off & 0x1fff == {value:#x}"
    return f"{_NAMES[name]} {value}"
