"""scanlogd's lines: one per scan it noticed, with the first ports and the control bits they had in common.

What a line shows (scanlogd(8)): addresses, the ports it names, eight letters ``fsrpauxy`` for the control bits and the
two reserved ones, upper case where always set, lower case where never, ``?`` where both; TOS and TTL where all packets
had the same. One row is written per port named; the packets behind ``...`` are not shown. The time is the line's, not
the packet's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Final

from craftmark.packets import fields as f
from craftmark.sources.loglines import compiled
from craftmark.sources.logtime import LogTime
from craftmark.sources.shown import number, write_shown
from craftmark.sources.textlines import PacketLog, TextSource, printable

if TYPE_CHECKING:
    import re

    from craftmark.sources.base import Provenance, SourceOptions

_PATTERN: Final = (
    rb"scanlogd(?:\[\d{1,9}\])?: ([0-9.]{7,15})(?::(\d{1,5}))? to ([0-9.]{7,15})(?::(\d{1,5}))? ports? "
    rb"((?:\d{1,5}, ?){0,64}(?:\d{1,5}|\.\.\.)), ([fFsSrRpPaAuUxXyY?]{8})"
    rb"(?:, TOS ([0-9A-Fa-f]{2}))?(?:, TTL (\d{1,3}))? @"
)
_BITS: Final = (f.FIN, f.SYN, f.RST, f.PSH, f.ACK_BIT, f.URG, f.ECE, f.CWR)


class ScanlogdParser:
    """Reads scanlogd's lines."""

    def __init__(self, log: PacketLog, year: int | None) -> None:
        self._log = log
        self._time = LogTime(year)
        self._more = 0

    @property
    def clock(self) -> str:
        """The clock of the times, told by the first packet."""
        return self._time.clock

    def read(self, line: bytes, byte: int) -> None:
        """Read one line."""
        found = compiled(_PATTERN).search(line)
        if found is None:
            if line.strip():
                self._log.foreign(line)
            return
        ts_ns, _ = self._time.ns(line[: found.start()])
        self._more += found[5].endswith(b"...")
        for port in found[5].replace(b" ", b"").split(b","):
            if port.isdigit():
                fault = self._write(found, int(port))
                if fault:
                    self._log.damage(byte, fault)
                    return
                self._log.rows.note(f.NOTE_NO_TIME)
                self._log.finish_packet(ts_ns)

    def _write(self, found: re.Match[bytes], port: int) -> str:
        words = {f.DPORT: port}
        sport = number(found[2] or b"", 0xFFFF)
        if sport is not None:
            words[f.SPORT] = sport
        letters = found[6]
        if b"?" not in letters:
            words[f.TCP_FLAGS] = sum(bit for bit, letter in zip(_BITS, letters, strict=True) if 65 <= letter <= 90)
        if found[7] is not None:
            words[f.IP_TOS] = int(found[7], 16)
        if found[8] is not None:
            words[f.IP_TTL] = int(found[8])
        fault = write_shown(self._log.rows, (found[1], found[3]), f.TCP, words)
        return f"{fault}: {printable(found[0])}" if fault else ""

    def finish(self) -> None:
        """Say what the lines leave out."""
        for note in self._time.notes():
            self._log.note(note)
        self._log.note("one packet per port that a line names, at the line's time: scanlogd sums up a scan in a line")
        if self._more:
            self._log.note(f"{self._more} lines name only the first ports")


class ScanlogdFormat:
    """scanlogd's lines in a system log."""

    name = "scanlogd"

    def sniff(self, head: bytes) -> bool:
        """Tell whether a line is scanlogd's."""
        return compiled(_PATTERN).search(head) is not None

    def open(self, stream: BinaryIO, provenance: Provenance, number: int, options: SourceOptions) -> TextSource:
        """Open a log with scanlogd's lines; see ``Format``."""
        provenance.format = self.name
        log = PacketLog(provenance, number)
        return TextSource(stream, log, ScanlogdParser(log, options.year))


FORMAT: Final = ScanlogdFormat()
