"""A Wireshark display filter, and the same as a colouring rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from craftmark.packets.fields import FIELDS

if TYPE_CHECKING:
    from craftmark.export.match import Subject

SUFFIX: Final = ".txt"
IP_VERSIONS: Final = (4, 6)
TELLS: Final = frozenset({
    "ip_id", "ip_flags", "tcp_sport", "tcp_seq", "tcp_ack", "tcp_flags", "tcp_off", "tcp_win", "tcp_urp", "tcp_mss",
    "tcp_wscale", "tcp_tsval", "tcp_tsecr", "udp_sport", "udp_sum", "icmp_type", "icmp_code", "icmp_id", "icmp_seq",
    "icmp6_type", "icmp6_code", "sctp_vtag", "arp_op",
})  # fmt: skip


def write(subject: Subject) -> str:
    """Return the filter and, on a line of its own, the colouring rule (View, Coloring Rules, Import)."""
    match = subject.match
    first = (
        "arp" if match.protocol == 256 else f"ip{'v6.nxt' if match.ip_version == 6 else '.proto'} == {match.protocol}"
    )
    told = " && ".join([first, *(_term(name, value) for name, value in match.values.items())])
    notes = [f"# {note}" for note in subject.notes]
    colour = f"@{match.label}@{told}@[65535,55512,39064][0,0,0]"
    return "\n".join([*notes, "# display filter", told, "# colouring rule", colour, ""])


def _term(name: str, value: int) -> str:
    if name == "ip_flags":
        flags = [f"ip.flags.{flag} == {value >> bit & 1}" for bit, flag in enumerate(("mf", "df", "rb"))]
        return " && ".join(flags)
    if name == "tcp_flags":
        return f"tcp.flags & 0xff == {value:#x}"
    return f"{FIELDS[name].wireshark} == {value * 4 if name == 'tcp_off' else value}"
