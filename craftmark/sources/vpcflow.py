"""Flow logs of AWS VPC: a table parted by blanks, with its columns in a header or in the default order.

What a record shows (Amazon VPC User Guide, "Flow log records"): one direction of a flow: ends, protocol, packets and
octets between two whole seconds; ``tcp-flags`` (version 3 and later) is the OR of FIN, SYN, RST and SYN+ACK's bits,
ACK alone and PSH are never told. Without ``tcp-flags`` control bits are unseen. A flow of several packets is shown by
its first, and by one inside the connection where its octets prove that data were carried.
"""

from __future__ import annotations

import re
from typing import Final

from craftmark.packets import fields as f
from craftmark.sources.flows import Flow, write_flow
from craftmark.sources.logclock import SECOND_NS
from craftmark.sources.shown import number, protocol_number
from craftmark.sources.tables import Dialect, Record, TableFormat
from craftmark.sources.textlines import printable

_NEEDED: Final = (b"srcaddr", b"dstaddr", b"protocol")
_DEFAULT: Final = (
    b"version", b"account-id", b"interface-id", b"srcaddr", b"dstaddr", b"srcport", b"dstport", b"protocol", b"packets",
    b"bytes", b"start", b"end", b"action", b"log-status",
)  # fmt: skip
_RECORD: Final = re.compile(
    rb"2 \S{1,40} eni-[0-9a-f]{8,32} [0-9a-f.:-]{1,45} [0-9a-f.:-]{1,45} [\d-]{1,5} [\d-]{1,5} [\d-]{1,3} [\d-]{1,20} "
    rb"[\d-]{1,20} \d{1,11} \d{1,11} (?:ACCEPT|REJECT|-) (?:OK|NODATA|SKIPDATA)"
)


def _header(line: bytes) -> tuple[list[bytes], bytes | None] | None:
    columns = line.replace(b"${", b"").replace(b"}", b"").split()
    if all(name in columns for name in _NEEDED):
        return columns, None
    return None


def _write(record: Record) -> str:
    cells = record.cells
    if b"srcaddr" not in cells or b"dstaddr" not in cells:
        record.log.foreign(b" ".join(cells.values()))
        return ""
    protocol = protocol_number(cells.get(b"protocol", b""))
    start = number(cells.get(b"start", b""))
    if protocol is None or start is None:
        return f"no {'protocol' if protocol is None else 'time'}: {printable(b' '.join(cells.values()))}"
    flow = Flow((cells[b"srcaddr"], cells[b"dstaddr"]), protocol)
    if protocol in (f.TCP, f.UDP, f.SCTP):
        for name, word in ((b"srcport", f.SPORT), (b"dstport", f.DPORT)):
            port = number(cells.get(name, b""), 0xFFFF)
            if port is not None:
                flow.words[word] = port
    flow.packets, flow.octets = number(cells.get(b"packets", b"")), number(cells.get(b"bytes", b""))
    flow.bits = _bits(number(cells.get(b"tcp-flags", b""), 255), flow.packets)
    return write_flow(record.log, flow, start * SECOND_NS, f.NOTE_NO_TIME if flow.packets != 1 else 0)


def _bits(flags: int | None, packets: int | None) -> int | None:
    """Return control bits that are told in full: SYN alone, and SYN+ACK of an answer; ACK and PSH are not reported."""
    if flags is None or not flags & f.SYN:
        return None
    if flags & f.ACK_BIT:
        return f.SYN | f.ACK_BIT
    return f.SYN if packets == 1 or flags == f.SYN else None


_DIALECT: Final = Dialect(
    _header, _write, _NEEDED, columns=_DEFAULT, record=_RECORD,
    about=("a record sums up one direction of a flow: times are of whole seconds",),
)  # fmt: skip


FORMAT: Final = TableFormat("vpcflow", _DIALECT)
