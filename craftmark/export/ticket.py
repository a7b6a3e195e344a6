"""A scan as a short text in Markdown, to paste into a ticket."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from craftmark.export.match import Subject

SUFFIX: Final = ".md"
TELLS: Final = frozenset[str]()
IP_VERSIONS: Final = (4, 6, 0)

_MEANT: Final = re.compile(r"([\\`*_{}\[\]<>()#+!|~-])")


def write(subject: Subject) -> str:
    """Return the ticket."""
    return "\n".join(_lines(subject)) + "\n"


def _lines(subject: Subject) -> Iterator[str]:
    scan = subject.scan
    bits = f" {'+'.join(scan.control_bits) or 'without control bits'}" if scan.control_bits is not None else ""
    yield f"## {_safe(subject.label)}: {scan.probes:,} {_safe(scan.protocol.upper() + bits)} probes"
    yield ""
    yield f"- sources: {_safe(_some([one.address for one in scan.sources], scan.sources_total))}"
    yield f"- targets: {_safe(_some([one.address for one in scan.targets], scan.targets_total))}"
    if scan.ports is not None:
        yield f"- ports: {_safe(scan.ports.ranges)}"
    made = f"{scan.maker.tool}, confidence {scan.maker.confidence:.0%}" if scan.maker.tool else scan.maker.kind
    yield f"- made by: {_safe(made)}"
    yield f"- spoofed: {scan.sender.spoofing.verdict}"
    yield f"- reach: {_safe(scan.answers.reach)}"
    yield f"- markprint: `{scan.markprint.structure.replace('`', '')}`"
    for mark in (mark for mark in scan.toolmarks if mark.log10_chance <= -6):
        yield f"- mark: {_safe(mark.statement)} in {mark.held:,} of {mark.seen:,}"


def _some(names: list[str], total: int) -> str:
    return ", ".join(names[:5]) + (f" and {total - 5:,} more" if total > 5 else "")


def _safe(text: str) -> str:
    """Return text of packets as text: nothing in it marks up, and no control character is left."""
    shown = "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)
    return _MEANT.sub(r"\\\1", shown)
