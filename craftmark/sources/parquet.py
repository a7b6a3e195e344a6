"""craftmark's own columns as Parquet or Arrow, read through pyarrow; see sources/columns.py.

What pyarrow read is validated before it is looked at: it trusts the offsets in a file, and a broken one would end us.
Files of others with other columns are refused. A compressed input or a stream is read whole first, up to a limit.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import numpy as np

from craftmark.errors import ExitCode, SourceError
from craftmark.packets.batch import INPUT_SHIFT, PacketBatch
from craftmark.packets.columns import CLOCKS, PRESENT, SOURCE, TARGET, UNSEEN, WORD_COLUMNS, batch_of
from craftmark.packets.rows import RowBuilder
from craftmark.sources.base import BATCH_ROWS, Damage
from craftmark.sources.columns import number_batch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from craftmark.sources.base import Provenance, SourceOptions

_PARQUET: Final = b"PAR1"
_ARROW: Final = b"ARROW1"
#: What pyarrow raises of a file that is not what it seems to be.
_FAULTS: Final = (OSError, ValueError, KeyError, IndexError, TypeError, OverflowError, NotImplementedError, MemoryError)
_NEEDED: Final = frozenset((SOURCE, TARGET, PRESENT, UNSEEN))
#: Octets of a stream that are kept in memory, since these files are read from their end.
LARGEST_STREAM: Final = 1 << 30


class ParquetSource:
    """One open file of columns."""

    def __init__(self, stream: BinaryIO, provenance: Provenance, number: int, *, is_parquet: bool) -> None:
        self._provenance = provenance
        self._first_id = (number << INPUT_SHIFT) + 1
        self._shown = RowBuilder()
        provenance.format = "parquet" if is_parquet else "arrow"
        try:
            self._parts = _parts(_seekable(stream, provenance.name), is_parquet=is_parquet)
        except ImportError as fault:
            remedy = "pip install 'craftmark[parquet]'"
            raise SourceError(
                "needs the Python package pyarrow", name=provenance.name, code=ExitCode.UNREADABLE, remedy=remedy
            ) from fault
        except _FAULTS as fault:
            what = f"cannot be read as {provenance.format}: {str(fault)[:200]}"
            raise SourceError(what, name=provenance.name, code=ExitCode.UNREADABLE) from fault

    def batches(self) -> Iterator[PacketBatch]:
        """Yield the packets in the file's order; see ``Source``."""
        while True:
            try:
                part = next(self._parts, None)
                batch = None if part is None else self._batch(part)
            except SourceError:
                raise
            except _FAULTS as fault:
                what = f"the rest cannot be read: {str(fault)[:200]}"
                self._provenance.add_damage(Damage(self._provenance.packets + 1, 0, what))
                batch = None
            if batch is None:
                break
            if len(batch):
                yield batch
        self._provenance.unseen = self._shown.never_shown()

    def _batch(self, part: Any) -> PacketBatch:
        part.validate(full=True)  # offsets that lead out of a buffer would be followed else
        names = part.schema.names
        time = next((name for name in names if name in CLOCKS), None)
        if time is None or not set(names) >= _NEEDED:
            raise SourceError(
                "its columns are not craftmark's", name=self._provenance.name, code=ExitCode.UNKNOWN_FORMAT,
                remedy="only what craftmark convert wrote can be read",
            )  # fmt: skip
        self._provenance.clock = CLOCKS[time]
        words = {
            name: np.array(part.column(name).fill_null(0).to_numpy(zero_copy_only=False), np.uint32)
            for name in names
            if name in WORD_COLUMNS
        }
        ends = {name: [text or "" for text in part.column(name).to_pylist()] for name in (SOURCE, TARGET)}
        batch = batch_of(words, ends, part.column(time).fill_null(0).to_pylist())
        return number_batch(batch, self._provenance, self._shown, self._first_id)

    def describe(self) -> Provenance:
        """Return the provenance; see ``Source``."""
        return self._provenance


def _seekable(stream: BinaryIO, name: str) -> BinaryIO:
    if stream.seekable():
        return stream
    data = stream.read(LARGEST_STREAM + 1)
    if len(data) > LARGEST_STREAM:
        raise SourceError(
            "is too large to be read as a stream", name=name, code=ExitCode.UNREADABLE, remedy="unpack it"
        )
    return io.BytesIO(data)


def _parts(stream: BinaryIO, *, is_parquet: bool) -> Iterator[Any]:
    import pyarrow as pa  # noqa: PLC0415 - optional, and only for such inputs

    if is_parquet:
        from pyarrow import parquet  # noqa: PLC0415 - the same

        parts: Iterator[Any] = parquet.ParquetFile(stream).iter_batches(batch_size=BATCH_ROWS)
        return parts
    reader = pa.ipc.open_file(stream)
    return (
        reader.get_batch(number).slice(start, BATCH_ROWS)
        for number in range(reader.num_record_batches)
        for start in range(0, reader.get_batch(number).num_rows, BATCH_ROWS)
    )


class ParquetFormat:
    """Parquet and Arrow files of our own columns."""

    name = "parquet"

    def sniff(self, head: bytes) -> bool:
        """Tell whether the input starts with Parquet's or Arrow's magic."""
        return head.startswith((_PARQUET, _ARROW))

    def open(self, stream: BinaryIO, provenance: Provenance, number: int, options: SourceOptions) -> ParquetSource:  # noqa: ARG002
        """Open a file; see ``Format``."""
        head = stream.peek(8)[:8] if isinstance(stream, io.BufferedReader) else stream.read(0)
        return ParquetSource(stream, provenance, number, is_parquet=not head.startswith(_ARROW))


FORMAT: Final = ParquetFormat()
