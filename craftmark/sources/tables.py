"""Tables in text: a header names the columns, each line is one record. What their formats share.

A format says how its header looks, how cells are parted, and writes a record from its cells by name. Lines of other
kinds between (comments, other headers) are no damage: a new header changes the columns from there on.
"""

from __future__ import annotations

import re  # noqa: TC003 - dataclasses look at it
from collections.abc import Callable  # noqa: TC003 - dataclasses look at it
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from craftmark.sources.textlines import PacketLog, TextSource, printable

if TYPE_CHECKING:
    from craftmark.sources.base import Provenance, SourceOptions

Cells = dict[bytes, bytes]
#: A header stands in one of the first lines.
_SNIFF_LINES = 64


@dataclass(frozen=True, slots=True)
class Record:
    """What a table's writer gets: where its packets go, the cells by column, and the byte the line starts at."""

    log: PacketLog
    cells: Cells
    byte: int


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a table looks.

    header: returns the columns a line names and what parts cells (None: white space), None if it is no header.
    write: writes a record, returns what is wrong with it. columns: those of lines before any header,
    which ``record`` tells from other text. comment: what
    lines begin with that are no records. clock: of its times. about: notes for every input. unset: cells that say
    nothing. footer: the line behind which a summary follows.
    """

    header: Callable[[bytes], tuple[list[bytes], bytes | None] | None]
    write: Callable[[Record], str]
    needed: tuple[bytes, ...]
    columns: tuple[bytes, ...] = ()
    record: re.Pattern[bytes] | None = None
    footer: bytes = b""
    comment: bytes = b"#"
    clock: str = "epoch"
    about: tuple[str, ...] = ()
    unset: frozenset[bytes] = frozenset((b"-", b""))


class TableParser:
    """Reads the lines of a table."""

    def __init__(self, log: PacketLog, dialect: Dialect) -> None:
        self.clock = dialect.clock
        self._log = log
        self._dialect = dialect
        self._columns = list(dialect.columns)
        self._parted_by: bytes | None = None
        self._is_over = False

    def read(self, line: bytes, byte: int) -> None:
        """Read one line."""
        line = line.rstrip(b"\r\n")
        header = self._dialect.header(line)
        if header is not None:
            self._columns, self._parted_by = header
            self._is_over = False
            return
        self._is_over |= line == self._dialect.footer != b""
        if self._is_over or not line.strip() or line.startswith(self._dialect.comment):
            return
        parts = line.split(self._parted_by)
        unset = self._dialect.unset
        cells = {name: cell for name, cell in zip(self._columns, parts, strict=False) if cell not in unset}
        if 2 * len(parts) < len(self._columns):
            self._log.foreign(line)
            return
        if len(parts) < len(self._columns) and not all(name in cells for name in self._dialect.needed):
            self._log.damage(byte, f"{len(parts)} cells where {len(self._columns)} columns are: {printable(line)}")
            return
        fault = self._dialect.write(Record(self._log, cells, byte))
        if fault:
            self._log.damage(byte, fault)

    def finish(self) -> None:
        """Add the notes."""
        for note in self._dialect.about:
            self._log.note(note)


class TableFormat:
    """A format whose inputs are tables that ``dialect`` describes."""

    def __init__(self, name: str, dialect: Dialect) -> None:
        self.name = name
        self._dialect = dialect

    def sniff(self, head: bytes) -> bool:
        """Tell whether one of the first lines is the table's header."""
        lines = [line.rstrip(b"\r") for line in head.split(b"\n", _SNIFF_LINES)[:_SNIFF_LINES]]
        record = self._dialect.record
        if record is not None and any(record.match(line) for line in lines):
            return True
        return any(self._dialect.header(line) is not None for line in lines)

    def open(self, stream: BinaryIO, provenance: Provenance, number: int, options: SourceOptions) -> TextSource:  # noqa: ARG002
        """Open a table; see ``Format``."""
        provenance.format = self.name
        log = PacketLog(provenance, number)
        return TextSource(stream, log, TableParser(log, self._dialect))
