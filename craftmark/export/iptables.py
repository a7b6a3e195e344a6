"""Rules for iptables-restore: header octets by the u32 match, counted and logged, never dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from craftmark.export.layout import PLACES

if TYPE_CHECKING:
    from craftmark.export.match import Subject

SUFFIX: Final = ".iptables"
TELLS: Final = frozenset(PLACES)
IP_VERSIONS: Final = (4,)

#: Tests that one u32 match may hold (xt_u32.h), and octets of a log prefix.
_TESTS, _PREFIX = 10, 29


def write(subject: Subject) -> str:
    """Return a table for iptables-restore -n; several u32 matches where one is too small."""
    match = subject.match
    tests = ["6&0x1FFF=0", *(_test(name, value) for name, value in match.values.items() if name != "ip_frag")]
    groups = [tests[start : start + _TESTS] for start in range(0, len(tests), _TESTS)]
    matches = " ".join(f'-m u32 --u32 "{" && ".join(group)}"' for group in groups)
    rule = f"-A CRAFTMARK -p {match.protocol} {matches}"
    prefix = f"{match.label[: _PREFIX - 1]} "
    lines = [
        *(f"# {note}" for note in subject.notes),
        "# use: iptables-restore -n FILE; iptables -I INPUT -j CRAFTMARK",
    ]
    return "\n".join([*lines, "*filter", ":CRAFTMARK - [0:0]", f'{rule} -j LOG --log-prefix "{prefix}"', "COMMIT", ""])


def _test(name: str, value: int) -> str:
    """Return one test: u32 reads four octets that begin at an offset, so the field is moved to their end."""
    place = PLACES[name]
    at = place.offset + place.size - 4
    jump = "" if place.header == "ip" else "0>>22&0x3C@"
    start, rest = (at, 0) if at >= 0 else (0, 8 * (4 - place.offset - place.size))
    mask = (place.mask or (1 << 8 * place.size) - 1) << rest
    shown = "" if mask == 0xFFFFFFFF else f"&{mask:#X}".replace("0X", "0x")
    return f"{jump}{start}{shown}={(value << place.shift) << rest:#x}"
