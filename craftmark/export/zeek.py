"""A Zeek signature that looks at header octets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from craftmark.export.layout import PLACES
from craftmark.packets.fields import ICMP, TCP, UDP

if TYPE_CHECKING:
    from craftmark.export.match import Subject

SUFFIX: Final = ".sig"
TELLS: Final = frozenset(PLACES)
IP_VERSIONS: Final = (4,)

_NAMES: Final = {TCP: "tcp", UDP: "udp", ICMP: "icmp"}


def write(subject: Subject) -> str:
    """Return the signature."""
    match = subject.match
    lines = [f"# {note}" for note in subject.notes]
    lines += [
        f"signature craftmark-{match.scan.lower()} {{",
        f"  ip-proto == {_NAMES.get(match.protocol, match.protocol)}",
    ]
    for name, value in match.values.items():
        place = PLACES[name]
        mask = f" & {place.mask:#x}" if place.mask else ""
        lines.append(f"  header {place.header}[{place.offset}:{place.size}]{mask} == {value << place.shift}")
    return "\n".join([*lines, f'  event "{match.label}"', "}", ""])
