"""Rules for iptables-restore or ip6tables-restore: header octets by the u32 match, logged, never dropped.

u32 counts from the IP header on. Behind IPv6 the transport header is looked for right after it, so that probes with
extension headers are missed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from craftmark.export.layout import IPV6_OCTETS, PLACED, PLACES

if TYPE_CHECKING:
    from craftmark.export.match import Match, Subject

SUFFIX: Final = ".iptables"
TELLS: Final = PLACED
IP_VERSIONS: Final = (4, 6)

#: Tests that one u32 match may hold (xt_u32.h), and octets of a log prefix.
_TESTS, _PREFIX = 10, 29
#: What says that the transport header is the one looked at: no later fragment; no extension header.
_BEFORE: Final = {4: "6&0x1FFF=0", 6: "3&0xFF={}"}


def write(subject: Subject) -> str:
    """Return a table for the program of the scan's IP version; several u32 matches where one is too small."""
    program = {4: "iptables", 6: "ip6tables"}[subject.matches[0].ip_version]
    lines = [
        *(f"# {note}" for note in subject.notes),
        f"# use: {program}-restore -n FILE; {program} -I INPUT -j CRAFTMARK",
    ]
    rules = [_rule(match) for match in subject.matches]
    return "\n".join([*lines, "*filter", ":CRAFTMARK - [0:0]", *rules, "COMMIT", ""])


def _rule(match: Match) -> str:
    fields = [(name, value) for name, value in match.values.items() if name != "ip_frag"]
    tests = [_BEFORE[match.ip_version].format(f"{match.protocol:#x}")]
    tests += [_test(name, value, match.ip_version) for name, value in fields]
    groups = [tests[start : start + _TESTS] for start in range(0, len(tests), _TESTS)]
    matches = " ".join(f'-m u32 --u32 "{" && ".join(group)}"' for group in groups)
    prefix = f"{match.label[: _PREFIX - 1]} "
    return f'-A CRAFTMARK -p {match.protocol} {matches} -j LOG --log-prefix "{prefix}"'


def _test(name: str, value: int, ip_version: int) -> str:
    """Return one test: u32 reads four octets that begin at an offset, so the field is moved to their end."""
    place = PLACES[ip_version][name]
    is_behind = place.header not in ("ip", "ip6")
    at = place.offset + place.size - 4 + (IPV6_OCTETS if is_behind and ip_version == 6 else 0)
    jump = "0>>22&0x3C@" if is_behind and ip_version == 4 else ""
    start, rest = (at, 0) if at >= 0 else (0, 8 * (4 - place.offset - place.size))
    mask = (place.mask or (1 << 8 * place.size) - 1) << rest
    shown = "" if mask == 0xFFFFFFFF else f"&{mask:#X}".replace("0X", "0x")
    return f"{jump}{start}{shown}={(value << place.shift) << rest:#x}"
