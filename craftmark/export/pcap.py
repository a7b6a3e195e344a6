"""Frames to a pcap file with nanoseconds, octet for octet as they were captured."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, BinaryIO

from craftmark.errors import ExitCode, SourceError

if TYPE_CHECKING:
    from craftmark.packets.batch import PacketBatch

_MAGIC_NS = 0xA1B23C4D
_VERSION = (2, 4)
_SNAPLEN = 262_144
_NS = 1_000_000_000
_FILE_HEADER = struct.Struct("<IHHiIII")
_RECORD = struct.Struct("<IIII")

#: Seconds that a record's time can hold: until 2106, as libpcap reads it.
_LAST_S = (1 << 32) - 1


class PcapWriter:
    """Writes frames of one link type; the file's header goes before the first."""

    def __init__(self, stream: BinaryIO, *, name: str) -> None:
        self._stream = stream
        self._name = name
        self._link: int | None = None
        self.written = 0

    def write(self, batch: PacketBatch, row: int) -> None:
        """Write the frame of one row.

        Raises SourceError if the batch has no frames, as a log's has none, or if its link type is another than before.
        """
        raw = batch.raw
        if raw is None:
            what = "packets read from a log are no frames that could be written"
            raise SourceError(what, name=self._name, code=ExitCode.USAGE, remedy="name captures only")
        self._begin(int(raw.links[row]))
        seconds, ns = divmod(int(batch.ts_ns[row]), _NS)
        if not 0 <= seconds <= _LAST_S:
            raise self._refusal(f"a packet's time, {seconds} s since the epoch, is none that pcap can hold")
        first, size = int(raw.starts[row]), int(raw.captured[row])
        self._stream.write(_RECORD.pack(seconds, ns, size, min(int(raw.wire[row]), _LAST_S)))
        self._stream.write(raw.octets[first : first + size].tobytes())
        self.written += 1

    def _begin(self, link: int) -> None:
        if self._link is None:
            self._link = link
            self._stream.write(_FILE_HEADER.pack(_MAGIC_NS, *_VERSION, 0, 0, _SNAPLEN, link))
        elif link != self._link:
            raise self._refusal(f"its packets have link types {self._link} and {link}, and pcap holds one")

    def _refusal(self, what: str) -> SourceError:
        return SourceError(f"cannot be written: {what}", name=self._name, code=ExitCode.LINK_TYPE)


def write_frames(stream: BinaryIO, batch: PacketBatch, *, name: str) -> None:
    """Write all frames of a batch as pcap, in its order; ``name`` is the output's, for errors."""
    writer = PcapWriter(stream, name=name)
    for row in range(len(batch)):
        writer.write(batch, row)
