"""craftmark's own columns as CSV: what ``craftmark convert -o packets.csv`` wrote, whole or cut to some columns.

The columns are those of packets/columns.py. With ``present`` and ``unseen`` nothing is lost; a table without them is
refused, since a missing value would not tell unseen from absent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Final

import numpy as np

from craftmark.packets.batch import INPUT_SHIFT, PacketBatch
from craftmark.packets.columns import CLOCKS, PRESENT, SOURCE, TARGET, UNSEEN, WORD_COLUMNS, batch_of
from craftmark.packets.rows import RowBuilder
from craftmark.sources.base import BATCH_ROWS, Damage
from craftmark.sources.textlines import printable, read_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from craftmark.sources.base import Provenance, SourceOptions

_NEEDED: Final = frozenset((SOURCE, TARGET, PRESENT, UNSEEN, "ip_proto", "ip_version"))
_NOTHING: Final = (b"", b"?")


def header_of(line: bytes) -> list[str] | None:
    """Return the names of a header's columns, None if it is no header of ours."""
    names = line.strip().decode("latin-1").split(",")
    return names if set(names) >= _NEEDED and any(name in CLOCKS for name in names) else None


class ColumnsSource:
    """One open table."""

    def __init__(self, stream: BinaryIO, provenance: Provenance, number: int) -> None:
        self._stream = stream
        self._provenance = provenance
        self._first_id = (number << INPUT_SHIFT) + 1
        self._shown = RowBuilder()

    def batches(self) -> Iterator[PacketBatch]:
        """Yield the packets in the order of the lines; see ``Source``."""
        lines = read_lines(self._stream)
        names = next((header_of(line) for _, line in lines), None) or []
        time = next((name for name in names if name in CLOCKS), "ts_ns")
        self._provenance.clock = CLOCKS[time]
        rows: list[list[bytes]] = []
        for byte, line in lines:
            cells = line.rstrip(b"\r").split(b",")
            if len(cells) == len(names) and self._fits(cells, names):
                rows.append(cells)
            elif line.strip():
                packet = self._provenance.packets + len(rows) + 1
                self._provenance.add_damage(Damage(packet, byte, f"no row of the table: {printable(line)}"))
            if len(rows) >= BATCH_ROWS:
                yield self._batch(names, time, rows)
                rows = []
        if rows:
            yield self._batch(names, time, rows)
        self._provenance.unseen = self._shown.never_shown()

    def _fits(self, cells: list[bytes], names: list[str]) -> bool:
        """Tell whether each cell is what its column holds."""
        for name, cell in zip(names, cells, strict=True):
            if cell in _NOTHING or name in (SOURCE, TARGET):
                continue
            if (
                len(cell) > 20
                or _number(cell) is None
                or (name in WORD_COLUMNS and not 0 <= (_number(cell) or 0) < 1 << 32)
            ):
                return False
        return True

    def _batch(self, names: list[str], time: str, rows: list[list[bytes]]) -> PacketBatch:
        columns = dict(zip(names, zip(*rows, strict=True), strict=True))
        words = {
            name: np.array([0 if cell in _NOTHING else _number(cell) or 0 for cell in columns[name]], np.uint32)
            for name in names
            if name in WORD_COLUMNS
        }
        ends = {name: [cell.decode("latin-1") for cell in columns[name]] for name in (SOURCE, TARGET)}
        limit = (1 << 63) - 1
        batch = batch_of(words, ends, [max(-limit, min(limit, _number(cell) or 0)) for cell in columns[time]])
        return number_batch(batch, self._provenance, self._shown, self._first_id)

    def describe(self) -> Provenance:
        """Return the provenance; see ``Source``."""
        return self._provenance


def number_batch(batch: PacketBatch, provenance: Provenance, shown: RowBuilder, first_id: int) -> PacketBatch:
    """Return a batch with its packets numbered, and count it."""
    shown.count_shown(batch.words)
    first = first_id + provenance.packets
    provenance.add_packets(len(batch), batch.ts_ns)
    return PacketBatch(batch.words, batch.ts_ns, np.arange(first, first + len(batch), dtype=np.int64))


def _number(cell: bytes) -> int | None:
    try:
        return int(cell, 16) if cell[:2] == b"0x" else int(cell)
    except ValueError:
        return None


class ColumnsFormat:
    """Tables of our own columns."""

    name = "columns"

    def sniff(self, head: bytes) -> bool:
        """Tell whether the first line is a header of ours."""
        return header_of(head.split(b"\n", 1)[0][:4096]) is not None

    def open(self, stream: BinaryIO, provenance: Provenance, number: int, options: SourceOptions) -> ColumnsSource:  # noqa: ARG002
        """Open a table; see ``Format``."""
        provenance.format = self.name
        return ColumnsSource(stream, provenance, number)


FORMAT: Final = ColumnsFormat()
