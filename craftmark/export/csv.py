"""A scan's marks as a table for a spreadsheet, one line each."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from craftmark.export.match import Subject

SUFFIX: Final = ".csv"
TELLS: Final = frozenset[str]()
IP_VERSIONS: Final = (4, 6, 0)

_HEAD: Final = ("scan", "mark", "kind", "level", "statement", "fields", "held", "seen", "log10_chance", "packets")


def write(subject: Subject) -> str:
    """Return the table, its head first."""
    stream = io.StringIO()
    table = csv.writer(stream, lineterminator="\n")
    table.writerow(_HEAD)
    for mark in subject.scan.toolmarks:
        packets = " ".join(f"{one.input}:{one.packet}" for one in mark.packets)
        texts = (subject.scan.id, mark.id, mark.kind, mark.level, mark.statement, " ".join(mark.fields))
        table.writerow([*map(inert, texts), mark.held, mark.seen, mark.log10_chance, packets])
    return stream.getvalue()


def inert(text: str) -> str:
    """Return text that no spreadsheet takes for a formula, and no terminal for a command."""
    shown = text.encode("ascii", "backslashreplace").decode("ascii")
    shown = "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in shown)
    return f"'{shown}" if shown[:1] in ("=", "+", "-", "@") else shown
