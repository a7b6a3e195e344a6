"""The log of Windows Firewall (pfirewall.log), a table whose columns ``#Fields:`` names.

What the columns show (Microsoft, "Interpreting the Windows Firewall log"): addresses, ports, the packet's size (the IP
total length: an echo of 32 octets of data has 60), TCP's control bits, sequence and acknowledgment numbers and window,
ICMP's type and code. Since Windows Vista, size is 0 and TCP's columns hold ``0`` or ``-`` in all lines: they are unseen
then. Times are local, of whole seconds; the log does not tell the zone, so they are read as UTC.
"""

from __future__ import annotations

from typing import Final

from craftmark.packets import fields as f
from craftmark.sources.logclock import ISO_TIME, iso_ns
from craftmark.sources.shown import bits_of_letters, number, protocol_number, write_shown, write_tight
from craftmark.sources.tables import Dialect, Record, TableFormat
from craftmark.sources.textlines import printable

_NEEDED: Final = (b"date", b"time", b"src-ip", b"dst-ip", b"protocol")
_WORDS: Final = {b"src-port": f.SPORT, b"dst-port": f.DPORT}
_ICMP_WORDS: Final = {b"icmptype": f.ICMP_TYPE, b"icmpcode": f.ICMP_CODE}
_TCP_WORDS: Final = {b"tcpsyn": f.SEQ, b"tcpack": f.ACK, b"tcpwin": f.TCP_WIN}
_IPV6_HEADER: Final = 40


def _header(line: bytes) -> tuple[list[bytes], bytes | None] | None:
    if not line.startswith(b"#Fields:"):
        return None
    columns = line[8:].split()
    return (columns, None) if all(name in columns for name in _NEEDED) else None


def _write(record: Record) -> str:
    cells = record.cells
    if not all(name in cells for name in _NEEDED):
        record.log.foreign(cells.get(b"action", b"a line without addresses"))
        return ""
    found = ISO_TIME.match(cells[b"date"] + b" " + cells[b"time"])
    ts_ns = None if found is None else iso_ns(found)
    protocol = protocol_number(cells[b"protocol"])
    if ts_ns is None or protocol is None:
        return f"no {'time' if ts_ns is None else 'protocol'}: {printable(b' '.join(cells.values()))}"
    fault = write_shown(record.log.rows, (cells[b"src-ip"], cells[b"dst-ip"]), protocol, _words(protocol, cells))
    if not fault:
        write_tight(record.log.rows, protocol)
        record.log.finish_packet(ts_ns)
    return fault


def _words(protocol: int, cells: dict[bytes, bytes]) -> dict[int, int]:
    size = number(cells.get(b"size", b""), 0xFFFF) or 0
    chosen = _ICMP_WORDS if protocol in (f.ICMP, f.ICMP6) else _WORDS
    if protocol == f.TCP and size:
        chosen = chosen | _TCP_WORDS
    words = {word: value for name, word in chosen.items() if (value := number(cells.get(name, b""))) is not None}
    if size:
        words[f.IP_LEN] = size - (_IPV6_HEADER if b":" in cells[b"src-ip"] else 0)
    bits = bits_of_letters(cells.get(b"tcpflags", b"")) if protocol == f.TCP and size else None
    if bits is not None and b"tcpflags" in cells:
        words[f.TCP_FLAGS] = bits
    return words


_DIALECT: Final = Dialect(
    _header, _write, _NEEDED,
    about=("times are local to the machine that wrote them, in whole seconds, and read as UTC",),
)  # fmt: skip
FORMAT: Final = TableFormat("winfirewall", _DIALECT)
