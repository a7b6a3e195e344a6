"""Suricata rules that alert on each probe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from craftmark.export.alerts import KEYWORDS, LETTERED, alerts

if TYPE_CHECKING:
    from craftmark.export.match import Subject

SUFFIX: Final = ".rules"
IP_VERSIONS: Final = (4, 6)

#: Rule numbers begin here, in the range that is left to local rules.
FIRST_SID: Final = 9_000_000

_KEYWORDS: Final = {**KEYWORDS, "tcp_mss": "tcp.mss:{}"}
TELLS: Final = LETTERED | frozenset(_KEYWORDS)


def write(subject: Subject) -> str:
    """Return the rules."""
    return alerts(subject, _KEYWORDS, FIRST_SID)
