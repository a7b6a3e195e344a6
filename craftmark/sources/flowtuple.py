"""FlowTuple files of telescopes (CAIDA's corsaro 3): Avro records of packets that are alike within one interval.

A record is all packets of an interval with the same ends, ports, protocol, TTL, control bits and length (corsaro,
``corsaro_flowtuple.h``): it is shown as one packet, whose time is only known to lie in the interval. SYNs also tell
their header's length and window. Version 4 sums up destinations by network and shows no packet: it is refused.
Container files of the Avro specification 1.11, codecs null and deflate; blocks are bounded however they are packed.
"""

from __future__ import annotations

import json
import zlib
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from craftmark.errors import ExitCode, SourceError
from craftmark.packets import fields as f
from craftmark.sources.base import BATCH_ROWS
from craftmark.sources.shown import write_shown, write_tight
from craftmark.sources.textlines import PacketLog

if TYPE_CHECKING:
    from collections.abc import Iterator

    from craftmark.packets.batch import PacketBatch
    from craftmark.sources.base import Provenance, SourceOptions

_MAGIC: Final = b"Obj\x01"
_SYNC: Final = 16
#: Octets that the header, and a block packed or unpacked, may have.
_MOST_HEADER, _MOST_BLOCK = 1 << 20, 1 << 26
_NEEDED: Final = frozenset(("time", "src_ip", "dst_ip", "protocol"))
_FIXED: Final = {"null": 0, "boolean": 1, "float": 4, "double": 8}
_MOST_S: Final = 1 << 33
_ABOUT: Final = "a record stands for all packets alike in one interval: times are those of intervals"


class FlowTupleSource:
    """One open file."""

    def __init__(self, stream: BinaryIO, log: PacketLog) -> None:
        self._stream = stream
        self._log = log
        self._byte = 0
        log.note(_ABOUT)

    def batches(self) -> Iterator[PacketBatch]:
        """Yield the packets in the file's order; see ``Source``."""
        try:
            fields, unpacked, sync = self._header()
            while (block := self._block(sync, unpacked=unpacked)) is not None:
                yield from self._packets(fields, *block)
        except SourceError:
            raise
        except (ValueError, IndexError, RecursionError, zlib.error) as fault:
            self._log.damage(self._byte, f"the rest cannot be read: {str(fault)[:200]}")
        self._log.close()
        if len(self._log.rows):
            yield self._log.take()

    def _header(self) -> tuple[list[tuple[str, str]], bool, bytes]:
        """Return the fields with their types, whether blocks are as they are, and the mark behind each."""
        self._read(len(_MAGIC))
        described: dict[bytes, bytes] = {}
        while count := self._long():
            if count < 0:
                self._long()
            for _ in range(abs(count)):
                key = self._read(self._long(), _MOST_HEADER)
                described[key] = self._read(self._long(), _MOST_HEADER)
                if len(described) > 100:
                    msg = "a header of too many parts"
                    raise ValueError(msg)
        codec = described.get(b"avro.codec", b"null")
        if codec not in (b"null", b"deflate"):
            raise self._refusal(f"is packed with {codec.decode('ascii', 'replace')[:20]}", "pack it anew with deflate")
        return self._fields(described.get(b"avro.schema", b"")), codec == b"null", self._read(_SYNC)

    def _fields(self, schema: bytes) -> list[tuple[str, str]]:
        tree = json.loads(schema)
        listed = tree.get("fields") if isinstance(tree, dict) else None
        listed = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
        found = [(str(one.get("name")), one.get("type")) for one in listed]
        names = {name for name, _ in found}
        if "dst_net" in names:
            what = "is of FlowTuple's version 4, which sums up networks and shows no packet"
            raise self._refusal(what, "give version 3")
        known = {"int", "long", "string", "bytes", *_FIXED}
        if not names >= _NEEDED or any(not isinstance(kind, str) or kind not in known for _, kind in found):
            raise self._refusal("is Avro, but not of FlowTuple", "give records of corsaro's flowtuple plugin")
        return [(name, str(kind)) for name, kind in found]

    def _refusal(self, what: str, remedy: str) -> SourceError:
        name = self._log.provenance.name
        return SourceError(what, name=name, code=ExitCode.UNKNOWN_FORMAT, remedy=remedy)

    def _block(self, sync: bytes, *, unpacked: bool) -> tuple[int, bytes] | None:
        """Return the number of the next block's records and its octets, None behind the last."""
        first = self._stream.read(1)
        if not first:
            return None
        self._byte += 1
        count, packed = self._long(first), self._read(self._long(), _MOST_BLOCK)
        if self._read(_SYNC) != sync:
            msg = "a block does not end with the file's mark"
            raise ValueError(msg)
        if unpacked:
            return count, packed
        unpacker = zlib.decompressobj(-15)
        block = unpacker.decompress(packed, _MOST_BLOCK)
        if unpacker.unconsumed_tail:
            msg = f"a block of more than {_MOST_BLOCK} bytes"
            raise ValueError(msg)
        return count, block

    def _packets(self, fields: list[tuple[str, str]], count: int, block: bytes) -> Iterator[PacketBatch]:
        at = 0
        for _ in range(count):
            record: dict[str, Any] = {}
            for name, kind in fields:
                record[name], at = _value(block, at, kind)
            fault = _write(self._log, record)
            if fault:
                self._log.damage(self._byte, fault)
            if len(self._log.rows) >= BATCH_ROWS:
                yield self._log.take()

    def _read(self, size: int, most: int = _MOST_BLOCK) -> bytes:
        if not 0 <= size <= most:
            msg = f"a length of {size}"
            raise ValueError(msg)
        octets = self._stream.read(size)
        if len(octets) < size:
            msg = "the file is cut"
            raise ValueError(msg)
        self._byte += size
        return octets

    def _long(self, first: bytes = b"") -> int:
        octets = first or self._read(1)
        while octets[-1] & 0x80 and len(octets) < 10:
            octets += self._read(1)
        return _number(octets, 0)[0]

    def describe(self) -> Provenance:
        """Return the provenance; see ``Source``."""
        return self._log.provenance


def _number(octets: bytes, at: int) -> tuple[int, int]:
    """Return the number at a place (zig-zag, seven bits an octet, the lowest first), and the place behind it."""
    value = 0
    for shift in range(0, 70, 7):
        octet = octets[at]
        at += 1
        value |= (octet & 0x7F) << shift
        if not octet & 0x80:
            return (value >> 1) ^ -(value & 1), at
    msg = "a number of more than ten octets"
    raise ValueError(msg)


def _value(octets: bytes, at: int, kind: str) -> tuple[int | None, int]:
    """Return a number, None for what is none, and the place behind it."""
    if kind in ("int", "long"):
        return _number(octets, at)
    size = _FIXED.get(kind)
    if size is None:
        size, at = _number(octets, at)
    if not 0 <= size <= len(octets) - at:
        msg = f"a text of {size} octets"
        raise ValueError(msg)
    return None, at + size


def _write(log: PacketLog, record: dict[str, Any]) -> str:
    """Write one record's packet; return what is wrong with it."""
    time, protocol = record["time"], record["protocol"]
    ends = [record["src_ip"], record["dst_ip"]]
    if not all(isinstance(end, int) and 0 <= end < 1 << 32 for end in ends):
        return "addresses that are none"
    if not (isinstance(time, int) and 0 <= time < _MOST_S and isinstance(protocol, int) and 0 <= protocol < 256):
        return "a record without time or protocol"
    names = {"ttl": f.IP_TTL, "ip_len": f.IP_LEN}
    if protocol in (f.TCP, f.UDP, f.SCTP, f.ICMP):
        names |= {"src_port": f.SPORT, "dst_port": f.DPORT}
    if protocol == f.TCP:
        names["tcp_flags"] = f.TCP_FLAGS
        if record.get("tcp_flags") == f.SYN and (record.get("tcp_synlen") or 0) >= 20:
            names["tcp_synwinlen"] = f.TCP_WIN
    words = {word: record[name] for name, word in names.items() if isinstance(record.get(name), int)}
    if f.TCP_WIN in words:
        words[f.TCP_OFF] = record["tcp_synlen"] // 4
    source, target = (str(IPv4Address(end)).encode() for end in ends)
    fault = write_shown(log.rows, (source, target), protocol, words)
    if fault:
        log.rows.drop_row()
        return fault
    write_tight(log.rows, protocol)
    log.rows.note(f.NOTE_NO_TIME)
    log.finish_packet(time * 1_000_000_000)
    return ""


class FlowTupleFormat:
    """FlowTuple in Avro."""

    name = "flowtuple"

    def sniff(self, head: bytes) -> bool:
        """Tell whether the input is an Avro container."""
        return head.startswith(_MAGIC)

    def open(self, stream: BinaryIO, provenance: Provenance, number: int, options: SourceOptions) -> FlowTupleSource:  # noqa: ARG002
        """Open a file; see ``Format``."""
        provenance.format = self.name
        return FlowTupleSource(stream, PacketLog(provenance, number))


FORMAT: Final = FlowTupleFormat()
