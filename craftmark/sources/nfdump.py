"""NetFlow and IPFIX through nfdump's CSV (``nfdump -o csv``), of 1.6, 1.7 and later.

What a record shows (nfdump(1)): ends, protocol, the OR of the control bits as ``CEUAPRSF`` with dots for those not set
(not in the short form of 1.7.3 and later), TOS, packets and octets of IP each way, and when the flow began, to the
second or millisecond, in the local time of whoever ran nfdump. For ICMP the destination port is type and code.
"""

from __future__ import annotations

from typing import Final

from craftmark.packets import fields as f
from craftmark.sources.flows import Flow, write_flow
from craftmark.sources.logclock import ISO_TIME, iso_ns
from craftmark.sources.shown import bits_of_letters, number, protocol_number
from craftmark.sources.tables import Dialect, Record, TableFormat
from craftmark.sources.textlines import printable

_NAMES: Final = {
    b"firstSeen": b"ts", b"srcAddr": b"sa", b"dstAddr": b"da", b"srcPort": b"sp", b"dstPort": b"dp", b"proto": b"pr",
    b"packets": b"ipkt", b"bytes": b"ibyt", b"flags": b"flg", b"tos": b"stos",
    b"first": b"ts", b"src4Addr": b"sa", b"dst4Addr": b"da", b"inPackets": b"ipkt", b"inBytes": b"ibyt",
}  # fmt: skip
_NEEDED: Final = (b"ts", b"sa", b"da", b"pr")


def _header(line: bytes) -> tuple[list[bytes], bytes | None] | None:
    if not line.startswith((b"ts,", b"firstSeen,", b"first,")):
        return None
    columns = [_NAMES.get(name, name) for name in line.split(b",")]
    return (columns, b",") if all(name in columns for name in _NEEDED) else None


def _write(record: Record) -> str:
    cells = {name: cell.strip() for name, cell in record.cells.items()}
    found = ISO_TIME.match(cells.get(b"ts", b""))
    ts_ns = None if found is None else iso_ns(found)
    protocol = protocol_number(cells.get(b"pr", b""))
    if ts_ns is None or protocol is None:
        return f"no {'time' if ts_ns is None else 'protocol'}: {printable(b','.join(cells.values()))}"
    flow = Flow((cells.get(b"sa", b""), cells.get(b"da", b"")), protocol, _ends(protocol, cells))
    tos = number(cells.get(b"stos", b""), 255)
    if tos is not None:
        flow.words[f.IP_TOS] = tos
    flow.packets, flow.octets = number(cells.get(b"ipkt", b"")), number(cells.get(b"ibyt", b""))
    flow.answers = number(cells.get(b"opkt", b"")) or 0
    if protocol == f.TCP and b"flg" in cells:
        flow.bits = bits_of_letters(cells[b"flg"], b".")
    return write_flow(record.log, flow, ts_ns)


def _ends(protocol: int, cells: dict[bytes, bytes]) -> dict[int, int]:
    if protocol in (f.ICMP, f.ICMP6):
        kind, _, code = cells.get(b"dp", b"").partition(b".")
        if not code and kind.isdigit() and len(kind) < 6:
            kind, code = (b"%d" % part for part in divmod(int(kind), 256))
        shown = ((f.ICMP_TYPE, kind, 255), (f.ICMP_CODE, code, 255))
    elif protocol in (f.TCP, f.UDP, f.SCTP):
        shown = ((f.SPORT, cells.get(b"sp", b""), 0xFFFF), (f.DPORT, cells.get(b"dp", b""), 0xFFFF))
    else:
        return {}
    return {word: value for word, text, most in shown if (value := number(text, most)) is not None}


_DIALECT: Final = Dialect(
    _header, _write, _NEEDED, footer=b"Summary",
    about=("a record sums up a flow; times are local to whoever ran nfdump, and read as UTC",),
)  # fmt: skip
FORMAT: Final = TableFormat("nfdump", _DIALECT)
