"""Zeek signatures that look at header octets, one a kind of probe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from craftmark.export.layout import PLACED, PLACES
from craftmark.packets.fields import ICMP, ICMP6, TCP, UDP

if TYPE_CHECKING:
    from craftmark.export.match import Match, Subject

SUFFIX: Final = ".sig"
TELLS: Final = PLACED
IP_VERSIONS: Final = (4, 6)

_NAMES: Final = {TCP: "tcp", UDP: "udp", ICMP: "icmp", ICMP6: "icmp6"}


def write(subject: Subject) -> str:
    """Return the signatures."""
    lines = [f"# {note}" for note in subject.notes]
    return "\n".join([*lines, *(_signature(match) for match in subject.matches), ""])


def _signature(match: Match) -> str:
    name = match.name.replace("_", "-")
    lines = [f"signature craftmark-{name} {{", f"  ip-proto == {_NAMES.get(match.protocol, match.protocol)}"]
    for field, value in match.values.items():
        place = PLACES[match.ip_version][field]
        mask = f" & {place.mask:#x}" if place.mask else ""
        lines.append(f"  header {place.header}[{place.offset}:{place.size}]{mask} == {value << place.shift}")
    return "\n".join([*lines, f'  event "{match.label}"', "}"])
