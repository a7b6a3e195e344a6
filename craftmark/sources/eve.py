"""Suricata's EVE records, JSON one a line or in an array: flows, alerts, drops and what else names two ends.

What the records show (Suricata's user guide, "Eve JSON Format"):

- ``packet`` with ``packet_info.linktype`` is the packet itself, in base64: decoded, nothing of it is unseen.
- ``flow`` (event types flow and netflow) counts packets and octets each way; ``tcp_flags_ts`` and ``tcp_flags_tc`` are
  the OR of the control bits of each direction. One packet's octets include the link header and tell no total length.
- ``drop`` events show the header: lengths, TOS, TTL, IP ID, sequence number, window, control bits.
- Any other event with addresses shows the ends and when, nothing more.

An alert on a stream may stand for many packets, and its direction is that of the packet that set it off.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from craftmark.packets import fields as f
from craftmark.packets.links import link_type
from craftmark.sources.flows import Flow, write_flow
from craftmark.sources.jsonlines import JSON_LINE_CAP, JsonParser, count_in, table_in, text_in
from craftmark.sources.logclock import ISO_TIME, iso_ns
from craftmark.sources.shown import protocol_number, write_shown
from craftmark.sources.textlines import PacketLog, TextSource

if TYPE_CHECKING:
    from craftmark.sources.base import Provenance, SourceOptions

_MOST_FRAME: Final = 262_144
_DROP_BITS: Final = {
    "fin": f.FIN, "syn": f.SYN, "rst": f.RST, "psh": f.PSH, "ack": f.ACK_BIT, "urg": f.URG, "ece": f.ECE, "cwr": f.CWR,
}  # fmt: skip
_DROP_WORDS: Final = {"len": f.IP_LEN, "tos": f.IP_TOS, "ttl": f.IP_TTL, "ipid": f.IP_ID}
_DROP_TCP: Final = {"tcpseq": f.SEQ, "tcpack": f.ACK, "tcpwin": f.TCP_WIN, "tcpurgp": f.TCP_URP}
_FLOWS: Final = ("flow", "netflow")


class EveWriter:
    """Writes records as packets; ``skipped`` counts records of kinds that hold none."""

    def __init__(self) -> None:
        self.frames = 0
        self.skipped: dict[str, int] = {}

    def write(self, log: PacketLog, record: dict[str, Any], byte: int) -> str:  # noqa: ARG002 - a RecordWriter
        """Write one record; return what is wrong with it."""
        kind = text_in(record, "event_type")
        if "src_ip" not in record or "dest_ip" not in record:
            self.skipped[kind[:24]] = self.skipped.get(kind[:24], 0) + 1 if len(self.skipped) < 64 else 1
            return ""
        ts_ns = _time_ns(text_in(record, "timestamp"))
        if ts_ns is None:
            return "a record without a time"
        frame = _frame(record)
        if frame is not None:
            self.frames += 1
            log.add_frame(frame[0], frame[1], ts_ns)
            return ""
        flow = _flow(record)
        if isinstance(flow, str):
            return flow
        if kind in _FLOWS:
            start = _time_ns(text_in(table_in(record, kind), "start"))
            _write_counts(flow, record, kind)
            return write_flow(log, flow, ts_ns if start is None else start)
        return _write_packet(log, flow, table_in(record, "drop"), ts_ns)


def _write_packet(log: PacketLog, flow: Flow, drop: dict[str, Any], ts_ns: int) -> str:
    words = dict(flow.words)
    shown = _DROP_WORDS if flow.protocol != f.TCP else _DROP_WORDS | _DROP_TCP
    for name, word in shown.items():
        value = drop.get(name)
        if isinstance(value, int):
            words[word] = value
    if ":" in flow.pair[0].decode("latin-1"):
        words.pop(f.IP_LEN, None)
    bits = [bit for name, bit in _DROP_BITS.items() if drop.get(name) is True]
    if flow.protocol == f.TCP and any(name in drop for name in _DROP_BITS):
        words[f.TCP_FLAGS] = sum(bits)
    fault = write_shown(log.rows, flow.pair, flow.protocol, words)
    if not fault:
        log.finish_packet(ts_ns)
    return fault


def _flow(record: dict[str, Any]) -> Flow | str:
    """Return the ends of a record, or what is wrong with them."""
    protocol = protocol_number(text_in(record, "proto").encode("ascii", "replace"))
    if protocol is None:
        return f"no protocol: {text_in(record, 'proto')[:40]!a}"
    flow = Flow((text_in(record, "src_ip").encode(), text_in(record, "dest_ip").encode()), protocol)
    names = (("icmp_type", f.ICMP_TYPE), ("icmp_code", f.ICMP_CODE))
    for name, word in names if protocol in (f.ICMP, f.ICMP6) else (("src_port", f.SPORT), ("dest_port", f.DPORT)):
        value = record.get(name)
        if isinstance(value, int):
            flow.words[word] = value
    return flow


def _write_counts(flow: Flow, record: dict[str, Any], kind: str) -> None:
    """Fill in what each direction sent."""
    counts, tcp = table_in(record, kind), table_in(record, "tcp")
    flow.packets = count_in(counts, "pkts_toserver") or count_in(counts, "pkts")
    flow.answers = count_in(counts, "pkts_toclient") or 0
    flow.bits = _hex(tcp, "tcp_flags_ts") if kind == "flow" else _hex(tcp, "tcp_flags")
    flow.answer_bits = _hex(tcp, "tcp_flags_tc")
    flow.octets = count_in(counts, "bytes_toserver") if flow.packets != 1 else None


def _frame(record: dict[str, Any]) -> tuple[bytes, int] | None:
    """Return the packet that a record holds, with its link type, None if it holds none that can be read."""
    packet, link = record.get("packet"), table_in(record, "packet_info").get("linktype")
    if not isinstance(packet, str) or not isinstance(link, int) or not link_type(link).is_read:
        return None
    try:
        frame = base64.b64decode(packet, validate=True)
    except (binascii.Error, ValueError):
        return None
    return (frame, link) if 20 <= len(frame) <= _MOST_FRAME else None


def _time_ns(text: str) -> int | None:
    found = ISO_TIME.match(text.encode("ascii", "replace"))
    return None if found is None else iso_ns(found)


def _hex(record: dict[str, Any], name: str) -> int | None:
    try:
        return int(text_in(record, name)[:4], 16) & 0xFF
    except ValueError:
        return None


class EveParser:
    """Reads lines of EVE."""

    clock = "epoch"

    def __init__(self, log: PacketLog) -> None:
        self._log = log
        self._writer = EveWriter()
        self._json = JsonParser(log, self._writer.write)

    def read(self, line: bytes, byte: int) -> None:
        """Read one line."""
        self._json.read(line, byte)

    def finish(self) -> None:
        """Say what the records were."""
        self._json.finish()
        for kind, count in sorted(self._writer.skipped.items()):
            self._log.note(f"{count} records of kind {kind or 'none'} hold no packet")
        if self._writer.frames:
            self._log.note(f"{self._writer.frames} records hold the packet itself, which was decoded")


class EveFormat:
    """Suricata's EVE."""

    name = "eve"

    def sniff(self, head: bytes) -> bool:
        """Tell whether a JSON record has Suricata's names."""
        return head.lstrip()[:1] in (b"{", b"[") and b'"event_type"' in head and b'"timestamp"' in head

    def open(self, stream: BinaryIO, provenance: Provenance, number: int, options: SourceOptions) -> TextSource:  # noqa: ARG002
        """Open a file of EVE records; see ``Format``."""
        provenance.format = self.name
        log = PacketLog(provenance, number)
        return TextSource(stream, log, EveParser(log), JSON_LINE_CAP)


FORMAT: Final = EveFormat()
