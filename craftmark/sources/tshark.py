"""Wireshark's fields as tshark prints them: ``-T fields -E header=y``, and ``-T json`` or ``ek``.

Columns and keys have Wireshark's names. What they show is what was asked for: ``tcp.seq`` and ``tcp.ack`` are relative
unless told otherwise and are not used, ``tcp.seq_raw`` and ``tcp.ack_raw`` are. JSON made with ``-x`` holds the frame
itself, which is decoded. A field that occurs twice (an ICMP error quotes a packet) counts with its first value.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from craftmark.packets import fields as f
from craftmark.packets.links import ETHERNET
from craftmark.packets.rows import parse_address
from craftmark.sources.jsonlines import JSON_LINE_CAP, JsonParser
from craftmark.sources.logclock import epoch_ns
from craftmark.sources.shown import number, protocol_number, write_shown
from craftmark.sources.tables import Dialect, Record, TableParser
from craftmark.sources.textlines import PacketLog, TextSource, printable

if TYPE_CHECKING:
    from craftmark.sources.base import Provenance, SourceOptions

_SOURCES: Final = (b"ip.src", b"ipv6.src", b"ip.src_host", b"arp.src.proto_ipv4")
_TARGETS: Final = (b"ip.dst", b"ipv6.dst", b"ip.dst_host", b"arp.dst.proto_ipv4")
_IPV4: Final = {b"ip.dsfield": f.IP_TOS, b"ip.len": f.IP_LEN, b"ip.id": f.IP_ID, b"ip.ttl": f.IP_TTL}
_IPV6: Final = {b"ipv6.tclass": f.IP_TOS, b"ipv6.plen": f.IP_LEN, b"ipv6.hlim": f.IP_TTL, b"ipv6.flow": f.IP6_FLOW}
_BY_PROTOCOL: Final[dict[int, dict[bytes, int]]] = {
    f.TCP: {
        b"tcp.srcport": f.SPORT, b"tcp.dstport": f.DPORT, b"tcp.seq_raw": f.SEQ, b"tcp.ack_raw": f.ACK,
        b"tcp.window_size_value": f.TCP_WIN, b"tcp.urgent_pointer": f.TCP_URP, b"tcp.options.mss_val": f.TCP_MSS,
        b"tcp.options.wscale.shift": f.TCP_WSCALE, b"tcp.options.timestamp.tsval": f.TCP_TSVAL,
        b"tcp.options.timestamp.tsecr": f.TCP_TSECR, b"tcp.len": f.PAYLOAD_LEN,
    },
    f.UDP: {
        b"udp.srcport": f.SPORT, b"udp.dstport": f.DPORT, b"udp.length": f.UDP_LEN, b"udp.checksum": f.UDP_SUM,
    },
    f.ICMP: {
        b"icmp.type": f.ICMP_TYPE, b"icmp.code": f.ICMP_CODE, b"icmp.ident": f.ICMP_ID, b"icmp.seq": f.ICMP_SEQ,
    },
    f.ICMP6: {
        b"icmpv6.type": f.ICMP_TYPE, b"icmpv6.code": f.ICMP_CODE, b"icmpv6.echo.identifier": f.ICMP_ID,
        b"icmpv6.echo.sequence_number": f.ICMP_SEQ,
    },
    f.SCTP: {
        b"sctp.srcport": f.SPORT, b"sctp.dstport": f.DPORT, b"sctp.verification_tag": f.SCTP_VTAG,
        b"sctp.chunk_type": f.SCTP_CHUNK,
    },
}  # fmt: skip
_EXTENSIONS: Final = (0, 43, 44, 60)
_ERRORS: Final = (3, 4, 5, 11, 12)
_QUOTE: Final = (f.QUOTE_PROTOCOL, f.QUOTE_DST, f.QUOTE_SPORT, f.QUOTE_DPORT, f.QUOTE_IP_ID, f.QUOTE_SEQ)
_LAYERS: Final = ((b"tcp.", f.TCP), (b"udp.", f.UDP), (b"icmp.", f.ICMP), (b"icmpv6.", f.ICMP6), (b"sctp.", f.SCTP))


def _header(line: bytes) -> tuple[list[bytes], bytes | None] | None:
    for parted_by in (b"\t", b",", b";", b"|"):
        columns = [name.strip(b'" ') for name in line.split(parted_by)]
        if len(columns) > 1 and any(name in columns for name in _SOURCES) and any(n in columns for n in _TARGETS):
            return columns, parted_by
    return None


def _first(cells: dict[bytes, bytes], names: tuple[bytes, ...]) -> bytes | None:
    """Return the first value of the first of some fields that has one."""
    for name in names:
        value = cells.get(name)
        if value:
            return value.strip(b'"').split(b",")[0]
    return None


def _protocol(cells: dict[bytes, bytes]) -> int | None:
    told = _first(cells, (b"ip.proto", b"ipv6.nxt"))
    if told is not None:
        found = protocol_number(told)
        if found is not None and (b"ip.proto" in cells or found not in _EXTENSIONS):
            return found
    return next((protocol for prefix, protocol in _LAYERS if any(name.startswith(prefix) for name in cells)), None)


def write_fields(record: Record) -> str:
    """Write the packet of a record whose cells have Wireshark's names."""
    cells, log = record.cells, record.log
    source, target = _first(cells, _SOURCES), _first(cells, _TARGETS)
    if source is None or target is None:
        log.foreign(b" ".join(cells.values()))
        return ""
    ts_ns = epoch_ns((_first(cells, (b"frame.time_epoch", b"frame.time")) or b"").strip())
    operation = number(_first(cells, (b"arp.opcode",)) or b"", 0xFFFF)
    protocol = f.ARP if operation is not None else _protocol(cells)
    if protocol is None:
        return "no protocol: give tshark -e ip.proto"
    fault = _write_arp(log, source, target, operation or 0) if protocol == f.ARP else ""
    if protocol != f.ARP:
        fault = write_shown(log.rows, (source, target), protocol, _words(protocol, cells))
    if fault:
        return fault
    if protocol == f.ICMP and log.rows.get(f.ICMP_TYPE) in _ERRORS:
        log.rows.expect(*_QUOTE)
    if ts_ns is None:
        log.rows.note(f.NOTE_NO_TIME)
    log.finish_packet(ts_ns or 0)
    return ""


def _write_arp(log: PacketLog, source: bytes, target: bytes, operation: int) -> str:
    sender, asked = parse_address(source), parse_address(target)
    if sender is None or asked is None:
        return f"no addresses: {printable(source)} {printable(target)}"
    log.rows.put_kind(f.ARP)
    for word, value in ((f.IP_SRC, sender[-1]), (f.IP_DST, asked[-1]), (f.ARP_OP, operation)):
        log.rows.put(word, value)
    return ""


def _words(protocol: int, cells: dict[bytes, bytes]) -> dict[int, int]:
    names = _IPV4 if b"ip.src" in cells or b"ip.src_host" in cells else _IPV6
    words = {}
    for name, word in (names | _BY_PROTOCOL.get(protocol, {})).items():
        if name in cells:
            value = number(_first(cells, (name,)) or b"")
            if value is not None:
                words[word] = value
    _add_scaled(words, cells)
    bits = number(_first(cells, (b"tcp.flags",)) or b"")
    if bits is not None and protocol == f.TCP:
        words[f.TCP_FLAGS] = bits & 0xFF
        words[f.TCP_RESERVED] = bits >> 8 & 15
    return words


def _add_scaled(words: dict[int, int], cells: dict[bytes, bytes]) -> None:
    """Add the fields that Wireshark shows in other units: header lengths in octets, IP's flags in one octet."""
    for name, word in ((b"ip.hdr_len", f.IP_IHL), (b"tcp.hdr_len", f.TCP_OFF)):
        value = number(_first(cells, (name,)) or b"", 60)
        if value is not None:
            words[word] = value >> 2
    flags = number(_first(cells, (b"ip.flags",)) or b"", 255)
    if flags is not None:
        words[f.IP_FLAGS] = flags >> 5 if flags > 7 else flags
    offset = number(_first(cells, (b"ip.frag_offset",)) or b"", 0xFFFF)
    if offset is not None:
        words[f.IP_FRAG] = offset


_DIALECT: Final = Dialect(_header, write_fields, (), unset=frozenset((b"", b'""')), comment=b"\x00")


class TsharkParser:
    """Reads both forms line by line."""

    def __init__(self, log: PacketLog) -> None:
        self._table = TableParser(log, _DIALECT)
        self._json = JsonParser(log, self._record)
        self._frames = 0
        self._log = log

    @property
    def clock(self) -> str:
        """The clock of the times."""
        return "epoch"

    def read(self, line: bytes, byte: int) -> None:
        """Read one line."""
        if self._json.is_open or line.lstrip()[:1] in (b"{", b"[", b"]"):
            self._json.read(line, byte)
        else:
            self._table.read(line, byte)

    def finish(self) -> None:
        """Add the notes."""
        self._json.finish()
        if self._frames:
            self._log.note(f"{self._frames} packets were decoded from the frames in the JSON")

    def _record(self, log: PacketLog, record: dict[str, Any], byte: int) -> str:
        source = record.get("_source")
        layers = source.get("layers") if isinstance(source, dict) else record.get("layers")
        if not isinstance(layers, dict):
            return ""
        cells: dict[bytes, bytes] = {}
        _flatten(layers, cells, depth=0)
        frame = _frame(layers)
        ts_ns = epoch_ns(cells.get(b"frame.time_epoch", b""))
        if frame is not None and ts_ns is not None:
            self._frames += 1
            log.add_frame(frame, ETHERNET, ts_ns)
            return ""
        return write_fields(Record(log, cells, byte))


def _frame(layers: dict[str, Any]) -> bytes | None:
    """Return the octets of an Ethernet frame that ``-x`` added."""
    raw = layers.get("frame_raw")
    text = raw[0] if isinstance(raw, list) and raw else raw
    if not isinstance(text, str) or ("eth" not in layers and "eth_raw" not in layers):
        return None
    try:
        return bytes.fromhex(text)
    except ValueError:
        return None


def _flatten(layer: dict[str, Any], cells: dict[bytes, bytes], *, depth: int) -> None:
    """Gather the fields of all layers by name; the first value counts. ek writes underscores between layers."""
    for name, value in layer.items():
        if isinstance(value, list) and value and isinstance(value[0], str):
            value = value[0]  # noqa: PLW2901 - the first value is the one that counts
        if isinstance(value, str):
            cells.setdefault(_dotted(name), value.encode("utf-8", "replace"))
        elif isinstance(value, dict) and depth < 4:
            _flatten(value, cells, depth=depth + 1)


_KNOWN: Final = (
    *_SOURCES, *_TARGETS, *_IPV4, *_IPV6, *(name for names in _BY_PROTOCOL.values() for name in names),
    b"frame.time_epoch", b"frame.time", b"ip.proto", b"ipv6.nxt", b"arp.opcode", b"tcp.flags", b"ip.hdr_len",
    b"tcp.hdr_len", b"ip.flags", b"ip.frag_offset",
)  # fmt: skip
_JOINED: Final = {name.decode().replace(".", "_"): name for name in _KNOWN}


@lru_cache(maxsize=4096)
def _dotted(name: str) -> bytes:
    """Return a field's name as Wireshark writes it; ``-T ek`` repeats the layer and joins by underscores."""
    head, _, rest = name.partition("_")
    joined = rest if rest.startswith(head + "_") else name
    return _JOINED.get(joined, joined.encode("utf-8", "replace"))


class TsharkFormat:
    """tshark's fields."""

    name = "tshark"

    def sniff(self, head: bytes) -> bool:
        """Tell whether the first lines are a header of Wireshark's names, or its JSON."""
        if b'"layers"' in head and head.lstrip()[:1] in (b"{", b"["):
            return True
        return any(_header(line.rstrip(b"\r")) is not None for line in head.split(b"\n", 3)[:3])

    def open(self, stream: BinaryIO, provenance: Provenance, number: int, options: SourceOptions) -> TextSource:  # noqa: ARG002
        """Open what tshark printed; see ``Format``."""
        provenance.format = self.name
        log = PacketLog(provenance, number)
        return TextSource(stream, log, TsharkParser(log), JSON_LINE_CAP)


FORMAT: Final = TsharkFormat()
