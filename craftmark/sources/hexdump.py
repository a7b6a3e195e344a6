"""Packets printed as hex dumps: pasted from a mail or a book, from Wireshark, xxd, hexdump -C, od or text2pcap's input.

A packet is a run of lines with rising offsets from 0 on, or of bare octets up to another line. Whether it begins with
Ethernet's header or with IP's is told by its octets; what is neither is damage. A line in front that begins with a
time, as logs and Wireshark's text exports write it, gives the packet its time; otherwise it has none.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, BinaryIO, Final

from craftmark.packets import fields as f
from craftmark.sources.framesintext import link_of
from craftmark.sources.hexlines import HexDump
from craftmark.sources.logtime import LogTime
from craftmark.sources.textlines import PacketLog, TextSource

if TYPE_CHECKING:
    from craftmark.sources.base import Provenance, SourceOptions

_SNIFF_LINES: Final = 400
# tshark and Wireshark print the packet's number in front of its time.
_NUMBERED: Final = re.compile(rb"^ {0,8}\d{1,9} (?=\d{4}-)")


class HexDumpParser:
    """Reads hex dumps."""

    def __init__(self, log: PacketLog, year: int | None) -> None:
        self._log = log
        self._dump = HexDump()
        self._time = LogTime(year)
        self._timed = (0, False)
        self._byte = 0
        self._untimed = 0

    @property
    def clock(self) -> str:
        """The clock of the times; "since-boot", which tells no date, where there are none."""
        return self._time.clock or "since-boot"

    def read(self, line: bytes, byte: int) -> None:
        """Read one line."""
        if self._dump and self._dump.begins(line):
            self._finish_open()
        before = len(self._dump)
        if self._dump.add(line, bare=True):
            self._byte = self._byte if before else byte
            return
        self._finish_open()
        if line.strip():
            self._timed = self._time.peek(_NUMBERED.sub(b"", line, count=1))
            if not self._timed[1]:
                self._log.foreign(line)

    def finish(self) -> None:
        """End the last packet and say how many have no time."""
        self._finish_open()
        for note in self._time.notes():
            self._log.note(note)
        if self._untimed:
            self._log.note(f"{self._untimed} packets have no time")

    def _finish_open(self) -> None:
        frame = self._dump.take()
        if not frame:
            return
        link = link_of(frame)
        if link is None:
            self._log.damage(
                self._byte, f"{len(frame)} octets that begin with neither Ethernet nor IP: {frame[:8].hex()}"
            )
            return
        ts_ns, is_timed = self._timed
        self._untimed += not is_timed
        self._log.add_frame(frame, link, ts_ns, notes=0 if is_timed else f.NOTE_NO_TIME)
        self._timed = (ts_ns, False)


class HexDumpFormat:
    """Hex dumps of packets."""

    name = "hexdump"

    def sniff(self, head: bytes) -> bool:
        """Tell whether one of the first dumps in it is a packet."""
        dump, tried = HexDump(), 0
        for line in [*head.split(b"\n", _SNIFF_LINES)[:_SNIFF_LINES], b""]:
            if (dump and dump.begins(line)) or not dump.add(line, bare=True):
                frame = dump.take()
                tried += bool(frame)
                if len(frame) >= 20 and link_of(frame) is not None:
                    return True
                if tried > 8:
                    return False
                dump.add(line, bare=True)
        return False

    def open(self, stream: BinaryIO, provenance: Provenance, number: int, options: SourceOptions) -> TextSource:
        """Open a text with hex dumps; see ``Format``."""
        provenance.format = self.name
        log = PacketLog(provenance, number)
        return TextSource(stream, log, HexDumpParser(log, options.year))


FORMAT: Final = HexDumpFormat()
