"""Check Point FireWall-1 and later: lines of ``key: value`` parts, in a syslog or as ``fw log`` and its exports print.

What a line shows: action, addresses, protocol, ports (``s_port`` and ``service``), sometimes the length, ICMP's type
and code. No control bits, no sequence numbers, no TTL. A service by name has an unseen port unless it is a number.
Forms: ``src: 192.0.2.1; dst: ...`` (syslog), ``src 192.0.2.1 dst ...`` (``fw log`` of 4.1), ``src:"192.0.2.1"`` (Log
Exporter), and the table of ``fw logexport``, whose first line names the columns.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, BinaryIO, Final

from craftmark.packets import fields as f
from craftmark.sources.loglines import compiled
from craftmark.sources.logtime import LogTime
from craftmark.sources.shown import number, protocol_number, write_shown
from craftmark.sources.tables import Dialect, Record, TableParser
from craftmark.sources.textlines import PacketLog, TextSource

if TYPE_CHECKING:
    from craftmark.sources.base import Provenance, SourceOptions

_KEYS: Final = rb"src|dst|proto|service|s_port|icmp-type|icmp-code|ICMP Type|ICMP Code|len"
_PART: Final = rb"(?<![\w-])(" + _KEYS + rb')(?:: ?|=| )"?([\w.:-]{1,64})'
_LINE: Final = (
    rb"(?:product|rule|action|i/f_dir|Checkpoint|VPN-1|FireWall-1|CheckPoint|drop |accept |reject )[^\r\n]{0,2000}?"
    rb"(?<![\w-])src(?:: ?| )\"?[0-9A-Fa-f.:]{2,45}\"?;? [^\r\n]{0,1000}?(?<![\w-])dst(?:: ?| )\"?[0-9A-Fa-f.:]{2,45}"
)
_NEEDED: Final = (b"src", b"dst", b"proto")


def _export_header(line: bytes) -> tuple[list[bytes], bytes | None] | None:
    if not line.startswith(b"num;"):
        return None
    columns = line.split(b";")
    return (columns, b";") if all(name in columns for name in _NEEDED) else None


def _write_packet(log: PacketLog, cells: dict[bytes, bytes]) -> str | None:
    """Write the row of a line's parts; return what is wrong, None if the line holds no packet."""
    protocol = protocol_number(cells.get(b"proto", b""))
    if protocol is None or b"src" not in cells or b"dst" not in cells:
        return None
    names: tuple[tuple[int, bytes, bytes], ...] = ()
    if protocol in (f.ICMP, f.ICMP6):
        names = ((f.ICMP_TYPE, b"icmp-type", b"ICMP Type"), (f.ICMP_CODE, b"icmp-code", b"ICMP Code"))
    elif protocol in (f.TCP, f.UDP, f.SCTP):
        names = ((f.SPORT, b"s_port", b"s_port"), (f.DPORT, b"service", b"service"))
    words: dict[int, int] = {}
    for word, name, other in names:
        value = number(cells.get(name, cells.get(other, b"")), 0xFFFF)
        if value is not None:
            words[word] = value
    length = number(cells.get(b"len", b""), 0xFFFF)
    if length is not None and b":" not in cells[b"src"]:
        words[f.IP_LEN] = length
    return write_shown(log.rows, (cells[b"src"], cells[b"dst"]), protocol, words)


def _months(date: bytes, time: bytes) -> bytes:
    """Return ``21Aug2007`` and a time as a system log writes them."""
    found = re.match(rb"(\d{1,2})([A-Z][a-z]{2})(\d{4})$", date)
    return b"" if found is None else b"%s %s %s %s" % (found[2], found[1], found[3], time)


class Fw1Parser:
    """Reads lines of parts, and the table of an export."""

    def __init__(self, log: PacketLog, year: int | None) -> None:
        self._log = log
        self._time = LogTime(year)
        self._table = TableParser(log, Dialect(_export_header, self._write_record, (b"num",)))
        self._is_table = False

    @property
    def clock(self) -> str:
        """The clock of the times, told by the first packet."""
        return self._time.clock

    def read(self, line: bytes, byte: int) -> None:
        """Read one line."""
        self._is_table |= _export_header(line.rstrip()) is not None
        if self._is_table:
            self._table.read(line, byte)
            return
        parts: dict[bytes, bytes] = {}
        for name, value in compiled(_PART).findall(line):
            parts.setdefault(name, value)
        fault = _write_packet(self._log, parts)
        if fault is None:
            if line.strip():
                self._log.foreign(line)
        elif fault:
            self._log.damage(byte, fault)
        else:
            self._finish_row(_prefix(line))

    def _write_record(self, record: Record) -> str:
        fault = _write_packet(self._log, record.cells)
        if fault is None:
            self._log.foreign(b";".join(record.cells.values()))
        elif not fault:
            self._finish_row(_months(record.cells.get(b"date", b""), record.cells.get(b"time", b"")))
        return fault or ""

    def _finish_row(self, prefix: bytes) -> None:
        ts_ns, is_told = self._time.ns(prefix)
        if not is_told:
            self._log.rows.note(f.NOTE_NO_TIME)
        self._log.finish_packet(ts_ns)

    def finish(self) -> None:
        """Say how the times were read."""
        for note in self._time.notes():
            self._log.note(note)


def _prefix(line: bytes) -> bytes:
    """Return the time of a line where a system log would have it."""
    found = re.match(rb'"?(\d{1,2}[A-Z][a-z]{2}\d{4}) {1,4}(\d{1,2}:\d\d:\d\d)', line)
    return line[:160] if found is None else _months(found[1], found[2])


class Fw1Format:
    """Logs of Check Point's firewalls."""

    name = "fw1"

    def sniff(self, head: bytes) -> bool:
        """Tell whether a line has the parts that name a packet's ends, or an export's header is here."""
        if any(_export_header(line.rstrip(b"\r")) is not None for line in head.split(b"\n", 16)[:16]):
            return True
        return compiled(_LINE).search(head) is not None

    def open(self, stream: BinaryIO, provenance: Provenance, number: int, options: SourceOptions) -> TextSource:
        """Open a log of Check Point's; see ``Format``."""
        provenance.format = self.name
        log = PacketLog(provenance, number)
        return TextSource(stream, log, Fw1Parser(log, options.year))


FORMAT: Final = Fw1Format()
