"""Packets as tables of columns: CSV, and Parquet or Arrow through pyarrow; see packets/columns.py for the columns.

CSV holds numbers, addresses and ``?`` for what is unseen: no text of a packet, so no cell that a spreadsheet would run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO, Final, Protocol

import numpy as np

from craftmark.errors import ExitCode, SourceError
from craftmark.packets import fields as f
from craftmark.packets.columns import PRESENT, SOURCE, TARGET, TIMES, UNSEEN, WORD_COLUMNS, ends_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from craftmark.packets.batch import PacketBatch

_HEX: Final = frozenset((PRESENT, UNSEEN, "notes", "tcp_options", "tcp_options_low", "payload_hash", "payload_head"))


class TableWriter(Protocol):
    """Writes batches as rows of a table."""

    def write(self, batch: PacketBatch, clock: str) -> None:
        """Write a batch whose times are of a clock; raises SourceError if it is another than before."""

    def close(self) -> None:
        """Finish the table."""


def _same_clock(before: str, clock: str, name: str) -> str:
    if before not in ("", clock):
        what = f"cannot be written: one input has the clock {before}, another {clock}"
        raise SourceError(what, name=name, code=ExitCode.USAGE, remedy="convert them one by one")
    return clock


class CsvWriter:
    """Writes CSV."""

    def __init__(self, stream: BinaryIO, *, name: str) -> None:
        self._stream = stream
        self._name = name
        self._clock = ""

    def write(self, batch: PacketBatch, clock: str) -> None:
        """Write a batch; see ``TableWriter``."""
        if not self._clock:
            self._stream.write(",".join((TIMES[clock], SOURCE, TARGET, *WORD_COLUMNS)).encode() + b"\n")
        self._clock = _same_clock(self._clock, clock, self._name)
        ends = ends_of(batch)
        columns = [list(map(str, batch.ts_ns.tolist())), ends[SOURCE], ends[TARGET]]
        columns += [_cells(batch, name, word) for name, word in WORD_COLUMNS.items()]
        text = "\n".join(map(",".join, zip(*columns, strict=True)))
        self._stream.write(text.encode("ascii") + b"\n")

    def close(self) -> None:
        """Write a header alone where there was no packet."""
        if not self._clock:
            self._stream.write(",".join((TIMES["epoch"], SOURCE, TARGET, *WORD_COLUMNS)).encode() + b"\n")


def _cells(batch: PacketBatch, name: str, word: int) -> list[str]:
    values = batch.words[:, word].tolist()
    texts = [f"0x{value:x}" for value in values] if name in _HEX else list(map(str, values))
    bit = np.uint32(f.visibility_bit(word))
    if not bit:
        return texts
    unseen = (batch.words[:, f.UNSEEN] & bit) != 0
    empty = ~unseen & ((batch.words[:, f.PRESENT] & bit) == 0) & (batch.words[:, word] == 0)
    if unseen.any() or empty.any():
        marks = (unseen + 2 * empty).tolist()
        texts = ["?" if mark == 1 else "" if mark == 2 else text for text, mark in zip(texts, marks, strict=True)]
    return texts


class ArrowWriter:
    """Writes Parquet, or Arrow's file format (Feather, version 2)."""

    def __init__(self, stream: BinaryIO, *, name: str, is_parquet: bool) -> None:
        self._pyarrow = pyarrow(name)
        self._stream = stream
        self._name = name
        self._is_parquet = is_parquet
        self._clock = ""
        self._writer: Any = None

    def write(self, batch: PacketBatch, clock: str) -> None:
        """Write a batch; see ``TableWriter``."""
        self._clock = _same_clock(self._clock, clock, self._name)
        table = arrow_table(self._pyarrow, batch, self._clock)
        if self._writer is None:
            self._writer = self._open(table.schema)
        self._writer.write_table(table) if self._is_parquet else self._writer.write(table)

    def _open(self, schema: Any) -> Any:
        if self._is_parquet:
            from pyarrow import parquet  # noqa: PLC0415 - optional, and only for Parquet

            return parquet.ParquetWriter(self._stream, schema, compression="zstd")
        return self._pyarrow.ipc.new_file(self._stream, schema)

    def close(self) -> None:
        """Write the table's end."""
        if self._writer is not None:
            self._writer.close()


def arrow_table(arrow: Any, batch: PacketBatch, clock: str, *, ahead: Mapping[str, Any] | None = None) -> Any:
    """Return a batch as an Arrow table; ``arrow`` is the library, columns ``ahead`` stand before the others."""
    ends = ends_of(batch)
    columns: dict[str, Any] = {**(ahead or {}), TIMES[clock]: arrow.array(batch.ts_ns)}
    for name in (SOURCE, TARGET):
        columns[name] = arrow.array([text or None for text in ends[name]], arrow.string())
    for name, word in WORD_COLUMNS.items():
        bit = np.uint32(f.visibility_bit(word))
        values = np.ascontiguousarray(batch.words[:, word])
        hidden = ((batch.words[:, f.PRESENT] & bit) == 0) & (values == 0) if bit else None
        columns[name] = arrow.array(values, mask=hidden)
    return arrow.table(columns)


def pyarrow(name: str) -> Any:
    """Return the library; raises SourceError about the file of that name where it is not installed."""
    try:
        import pyarrow as pa  # noqa: PLC0415 - optional: 170 MB, and only for these two
    except ImportError as fault:
        what = "Parquet and Arrow need the Python package pyarrow"
        remedy = "pip install 'craftmark[parquet]', or write .csv"
        raise SourceError(what, name=name, code=ExitCode.USAGE, remedy=remedy) from fault
    return pa
