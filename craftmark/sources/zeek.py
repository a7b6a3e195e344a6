"""Zeek's conn.log and weird.log, tab separated or as JSON lines; Bro's too.

What a record of conn.log shows (Zeek's documentation of ``Conn::Info``): the ends, the time of the first packet, the
packets and IP octets of each end, and ``history``: letters for what was seen, upper case from the originator. ``S`` is
a SYN without ACK, ``H`` a SYN with ACK, ``R`` a RST, ``F`` a FIN, ``A`` a pure ACK, ``D`` data; PSH, URG, ECE and CWR
have no letters, so ``S`` is read as SYN alone and a note says so; FIN stays unseen, since ACK beside it is not told.
Without ``history``, ``conn_state`` tells the same more coarsely. One packet's IP octets are its total length.
Neither IP ID, TTL, window, sequence numbers nor options are shown.

A record of weird.log is an event about a connection: its protocol is told by the event's name where that begins with
it; otherwise the packet counts as undecoded.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from craftmark.packets import fields as f
from craftmark.sources.flows import Flow, write_flow
from craftmark.sources.jsonlines import JSON_LINE_CAP, JsonParser
from craftmark.sources.logclock import epoch_ns
from craftmark.sources.shown import number, protocol_number
from craftmark.sources.tables import Dialect, Record, TableParser
from craftmark.sources.textlines import PacketLog, TextSource, printable

if TYPE_CHECKING:
    from craftmark.sources.base import Provenance, SourceOptions

_NEEDED: Final = (b"id.orig_h", b"id.resp_h")
_BITS: Final = {"S": f.SYN, "H": f.SYN | f.ACK_BIT, "R": f.RST, "A": f.ACK_BIT, "D": f.ACK_BIT}
# What a state says where there is no history: the letters it stands for.
_STATES: Final = {
    b"S0": "S", b"REJ": "Sr", b"SF": "ShA", b"S1": "ShA", b"S2": "ShA", b"S3": "ShA", b"RSTO": "ShA", b"RSTR": "ShA",
    b"RSTOS0": "SR", b"RSTRH": "h", b"SH": "S", b"SHR": "h",
}  # fmt: skip
_NAMED: Final = re.compile(rb"(?i)(?:bad_)?(tcp|udp|icmp|syn|fin|rst)(?![a-z])")
_ABOUT: Final = (
    "control bits are told by the history's letters, which know SYN, ACK and RST but not PSH, URG, ECE or CWR"
)


def _header(line: bytes) -> tuple[list[bytes], bytes | None] | None:
    if not line.startswith(b"#fields"):
        return None
    columns = line[8:].split(line[7:8] or b"\t")
    return (columns, line[7:8]) if all(name in columns for name in _NEEDED) else None


def _write(record: Record) -> str:
    cells, log = record.cells, record.log
    ts_ns = epoch_ns(cells.get(b"ts", b""))
    if not all(name in cells for name in _NEEDED):
        log.foreign(cells.get(b"name", b"a record without addresses"))
        return ""
    if ts_ns is None:
        return "a record without a time"
    flow = _flow(cells)
    if flow is None:
        return f"no protocol: {printable(cells.get(b'proto', b''))}"
    for name, first in ((b"id.orig_p", f.SPORT), (b"id.resp_p", f.DPORT)):
        port = number(cells.get(name, b""), 0xFFFF)
        if port is not None:
            flow.words[first] = port
    return write_flow(log, flow, ts_ns)


def _flow(cells: dict[bytes, bytes]) -> Flow | None:
    """Return what a record says, None if its protocol is none."""
    pair = (cells[b"id.orig_h"], cells[b"id.resp_h"])
    name = cells.get(b"proto")
    if name is None:
        return Flow(pair, _named_protocol(cells.get(b"name", b"")))
    protocol = protocol_number(name)
    if protocol == f.ICMP and b":" in pair[0]:
        protocol = f.ICMP6
    if protocol is None:
        return Flow(pair, f.NOT_IP) if name == b"unknown_transport" else None
    flow = Flow(pair, protocol)
    flow.packets = _count(cells, b"orig_pkts")
    flow.octets = _count(cells, b"orig_ip_bytes")
    answers = _count(cells, b"resp_pkts")
    history = cells.get(b"history", b"").decode("latin-1") or _STATES.get(cells.get(b"conn_state", b""), "")
    theirs = [letter for letter in history if letter.islower()]
    flow.answers = len(theirs[:1]) if answers is None else answers
    if protocol == f.TCP:
        flow.bits = _or_of([letter for letter in history if letter.isupper()])
        flow.answer_bits = _or_of([letter.upper() for letter in theirs])
        flow.packets = flow.packets or max(1, len(set(history)))
    return flow


def _or_of(letters: list[str]) -> int | None:
    """Return the bits that letters tell, None where one of them hides some."""
    if not letters or not set(letters) & set(_BITS):
        return None
    bits = 0
    for letter in letters:
        bits |= _BITS.get(letter, 0)
    return bits if bits & f.SYN or not set(letters) & {"F", "Q", "I"} else None


def _count(cells: dict[bytes, bytes], name: bytes) -> int | None:
    text = cells.get(name, b"")
    return int(text) if text.isdigit() and len(text) < 19 else None


def _named_protocol(name: bytes) -> int:
    found = _NAMED.match(name)
    if found is None:
        return f.NOT_IP
    return {b"udp": f.UDP, b"icmp": f.ICMP}.get(found[1].lower(), f.TCP)


DIALECT: Final = Dialect(_header, _write, _NEEDED, about=(_ABOUT,))


class ZeekFormat:
    """Zeek's logs of connections, in both of their forms."""

    name = "zeek"

    def sniff(self, head: bytes) -> bool:
        """Tell whether a header names a connection's ends, or a line of JSON has them."""
        if b'"id.orig_h"' in head and head.lstrip()[:1] in (b"{", b"["):
            return True
        return any(_header(line.rstrip(b"\r")) is not None for line in head.split(b"\n", 64)[:64])

    def open(self, stream: BinaryIO, provenance: Provenance, number: int, options: SourceOptions) -> TextSource:  # noqa: ARG002
        """Open a log of Zeek's; see ``Format``."""
        provenance.format = self.name
        log = PacketLog(provenance, number)
        return TextSource(stream, log, ZeekParser(log), JSON_LINE_CAP)


class ZeekParser:
    """Reads both forms line by line: JSON where a line begins so, else the table."""

    clock = "epoch"

    def __init__(self, log: PacketLog) -> None:
        self._table = TableParser(log, DIALECT)
        self._json = JsonParser(log, self._record)
        self._log = log

    def read(self, line: bytes, byte: int) -> None:
        """Read one line."""
        if line[:1] == b"{" or self._json.is_open:
            self._json.read(line, byte)
        else:
            self._table.read(line, byte)

    def finish(self) -> None:
        """Add the notes."""
        self._json.finish()
        self._table.finish()

    def _record(self, log: PacketLog, record: dict[str, Any], byte: int) -> str:
        cells = {name.encode(): _text(value) for name, value in record.items() if value is not None}
        return _write(Record(log, cells, byte))


def _text(value: object) -> bytes:
    """Return a JSON value as the table would write it; floats of times with all their digits."""
    if isinstance(value, float):
        return f"{value:.6f}".encode()
    return (value if isinstance(value, str) else json.dumps(value)).encode("utf-8", "replace")


FORMAT: Final = ZeekFormat()
