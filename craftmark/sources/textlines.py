"""What all text logs share: lines of a bounded length with their byte, and the sum of what was not understood.

A format that is text brings a ``LineParser``; ``TextSource`` reads the lines, hands out batches in constant memory and
completes the provenance. Lines may hold any bytes. What is not a packet is either damage (it should have been one) or
foreign (some other program's line), and both are counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Final, Protocol

from craftmark.errors import ExitCode, SourceError
from craftmark.packets.batch import INPUT_SHIFT
from craftmark.packets.rows import RowBuilder
from craftmark.sources.base import BATCH_ROWS, Damage
from craftmark.sources.framesintext import FramesInText

if TYPE_CHECKING:
    from collections.abc import Iterator

    from craftmark.packets.batch import PacketBatch
    from craftmark.sources.base import Provenance

#: Octets of a line that are looked at; the rest is skipped and counted.
LINE_CAP: Final = 65_536
_CHUNK: Final = 1 << 20
#: Characters of a foreign line that a message may quote.
_QUOTE: Final = 60


def read_lines(stream: BinaryIO, cap: int = LINE_CAP) -> Iterator[tuple[int, bytes]]:
    """Yield each line with the byte it starts at; without its end, cut at ``cap`` octets."""
    rest, start, skipping = b"", 0, False
    while chunk := stream.read(_CHUNK):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if not skipping:
                yield start, line[:cap]
            skipping = False
            start += len(line) + 1
        if len(rest) > cap:
            if not skipping:
                yield start, rest[:cap]
            start += len(rest)
            rest, skipping = b"", True
    if rest and not skipping:
        yield start, rest


def printable(line: bytes) -> str:
    """Return the start of a line with everything but printable ASCII as dots: safe in any message."""
    return "".join(chr(octet) if 32 <= octet < 127 else "." for octet in line[:_QUOTE])


class PacketLog:
    """Where a parser puts what it reads: the row being built, finished packets, damage and foreign lines."""

    def __init__(self, provenance: Provenance, number: int) -> None:
        self.rows = RowBuilder()
        self.provenance = provenance
        self._id = number << INPUT_SHIFT
        self._foreign = 0
        self._first_foreign = ""
        self._frames = FramesInText()
        self.packets = 0

    def finish_packet(self, ts_ns: int) -> None:
        """End the row being built as the next packet."""
        self.packets += 1
        self.rows.finish_row(ts_ns, self._id | self.packets)

    def add_frame(self, frame: bytes, link: int, ts_ns: int, *, wire: int = 0, notes: int = 0) -> None:
        """Add a packet that the text holds octet for octet; ``wire`` is its length if it is not all here."""
        self._frames.add(len(self.rows), frame, link, wire, notes)
        self.finish_packet(ts_ns)

    def take(self) -> PacketBatch:
        """Return the packets finished since the last batch."""
        batch = self._frames.decode(self.rows.take())
        times = batch.ts_ns.tolist() if len(batch) else []
        provenance = self.provenance
        known = [time for time in (provenance.first_ns, provenance.last_ns) if time is not None]
        if times:
            provenance.first_ns, provenance.last_ns = min(times + known), max(times + known)
        return batch

    def damage(self, byte: int, what: str) -> None:
        """Record that a line that should have been a packet could not be read."""
        self.rows.drop_row()
        self.provenance.add_damage(Damage(self.packets + 1, byte, what))

    def foreign(self, line: bytes) -> None:
        """Count a line that is not of this format."""
        self._foreign += 1
        if not self._first_foreign:
            self._first_foreign = printable(line)

    def note(self, text: str) -> None:
        """Add a note to the provenance, once."""
        if text not in self.provenance.notes:
            self.provenance.notes.append(text)

    def close(self) -> None:
        """Complete the provenance after the last line; raises SourceError if there was no packet at all."""
        provenance = self.provenance
        provenance.packets = self.packets
        provenance.unseen = self.rows.never_shown()
        if self._foreign:
            self.note(f"{self._foreign} lines are not {provenance.format} packets, the first: {self._first_foreign!r}")
        if self.packets == 0:
            raise SourceError(self._why_empty(), name=provenance.name, code=ExitCode.NO_PACKETS)

    def _why_empty(self) -> str:
        name, total = self.provenance.format, self.provenance.damage_total
        if not total:
            return f"no {name} packet in it"
        first = self.provenance.damage[0]
        return f"{total} lines begin like {name} packets, none can be read; at byte {first.byte}: {first.what}"


class LineParser(Protocol):
    """Reads the lines of one text format into a ``PacketLog``."""

    @property
    def clock(self) -> str:
        """The clock of the times, as in ``Provenance``; known after the first packet."""

    def read(self, line: bytes, byte: int) -> None:
        """Read one line that starts at ``byte``."""

    def finish(self) -> None:
        """Read what the last line left open and add notes."""


class TextSource:
    """An open text log: the Source of every format that is lines."""

    def __init__(self, stream: BinaryIO, log: PacketLog, parser: LineParser, cap: int = LINE_CAP) -> None:
        self._stream = stream
        self._cap = cap
        self._log = log
        self._parser = parser

    def batches(self) -> Iterator[PacketBatch]:
        """Yield the packets in the order of the lines; see ``Source``."""
        read, rows = self._parser.read, self._log.rows
        for byte, line in read_lines(self._stream, self._cap):
            read(line, byte)
            if len(rows) >= BATCH_ROWS:
                yield self._log.take()
        self._parser.finish()
        self._log.provenance.clock = self._parser.clock
        self._log.close()
        if len(rows):
            yield self._log.take()

    def describe(self) -> Provenance:
        """Return the provenance; see ``Source``."""
        return self._log.provenance
