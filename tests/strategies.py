"""Packets, frames and capture files for Hypothesis, written with struct alone."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from hypothesis import strategies as st

OCTET, SHORT, LONG = st.integers(0, 255), st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF)
BIG, LITTLE = ">", "<"
PCAP_FLAVOURS = [
    (magic, order, header) for order in (BIG, LITTLE)
    for magic, header in ((0xA1B2C3D4, 16), (0xA1B23C4D, 16), (0xA1B2CD34, 24))
]  # fmt: skip


@dataclass(frozen=True)
class Record:
    """One captured frame: time in nanoseconds, octets, length on the wire."""

    ts_ns: int
    frame: bytes
    wire: int


def checksum(octets: bytes) -> int:
    """Return the Internet checksum of some octets."""
    total = sum(word for (word,) in struct.iter_unpack(">H", octets + bytes(len(octets) % 2)))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def tcp(sport: int = 1, dport: int = 2, *, flags: int = 2, options: bytes = b"", payload: bytes = b"") -> bytes:
    """Return a TCP segment without a checksum; options are padded with zeros."""
    options += bytes(-len(options) % 4)
    offset = (20 + len(options)) // 4 << 4
    return struct.pack(">HHIIBBHHH", sport, dport, 7, 8, offset, flags, 1024, 0, 9) + options + payload


def udp(sport: int = 1, dport: int = 2, payload: bytes = b"") -> bytes:
    """Return a UDP datagram without a checksum."""
    return struct.pack(">HHHH", sport, dport, 8 + len(payload), 0) + payload


def ipv4(protocol: int, payload: bytes, *, options: bytes = b"", place: int = 0, ttl: int = 44) -> bytes:
    """Return an IPv4 datagram; ``place`` holds flags and fragment offset."""
    options += bytes(-len(options) % 4)
    size = 20 + len(options)
    head = struct.pack(
        ">BBHHHBBHII", 0x40 | size // 4, 0x10, size + len(payload), 242, place, ttl, protocol, 0, 0xC0A00D04, 0xAC100165
    )
    total = checksum(head + options)
    return head[:10] + struct.pack(">H", total) + head[12:] + options + payload


def ipv6(following: int, payload: bytes) -> bytes:
    """Return an IPv6 datagram."""
    return struct.pack(">IHBB", 0x6BA12345, len(payload), following, 60) + bytes(range(32)) + payload


def ethernet(payload: bytes, ether_type: int, tags: tuple[int, ...] = ()) -> bytes:
    """Return an Ethernet frame with VLAN tags of the given types."""
    types = [*tags, ether_type]
    head = b"\x02\0\0\0\0\1" + b"\x02\0\x0a\x0b\x0c\x0d" + struct.pack(">H", types[0])
    return head + b"".join(struct.pack(">HH", 5, following) for following in types[1:]) + payload


OPTION = st.one_of(
    st.sampled_from([b"\1", b"\0", b"\2\4\5\xb4", b"\3\3\7", b"\4\2", b"\2\3\1", b"\x08\2", b"\x22\2", b"\x1e\4\0\0"]),
    st.builds(lambda a, b: b"\x08\x0a" + struct.pack(">II", a, b), LONG, LONG),
    st.builds(lambda kind, size: bytes([kind, size]), OCTET, OCTET),
)
OPTIONS = st.lists(OPTION, max_size=12).map(lambda parts: b"".join(parts)[:40])
PAYLOAD = st.one_of(st.just(b""), st.binary(max_size=12), st.binary(min_size=60, max_size=80))
TCP = st.builds(lambda a, b, flags, options, payload: tcp(a, b, flags=flags, options=options, payload=payload),
                SHORT, SHORT, OCTET, OPTIONS, PAYLOAD)  # fmt: skip
UDP = st.builds(udp, SHORT, SHORT, PAYLOAD)
SCTP = st.builds(lambda a, b, tag, rest: struct.pack(">HHII", a, b, tag, 0) + rest, SHORT, SHORT, LONG, PAYLOAD)


def _ipv4s(protocol: int, payloads: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    places = st.sampled_from([0, 0, 0, 0x4000, 0x2000, 0x2005, 0x0007])
    options = st.sampled_from([b"", b"", b"\1\1\1\0"])
    return st.builds(lambda payload, place, option: ipv4(protocol, payload, place=place, options=option),
                     payloads, places, options)  # fmt: skip


def _chain(kinds: list[int], last: int, payload: bytes) -> bytes:
    """Return an IPv6 datagram with extension headers of these kinds before the last."""
    following = [*kinds[1:], last][: len(kinds)]
    bodies = {44: b"\0\0\0\0\0\0\7", 51: b"\1" + bytes(10)}
    parts = [bytes([after]) + bodies.get(kind, bytes(7)) for kind, after in zip(kinds, following, strict=True)]
    return ipv6([*kinds, last][0], b"".join(parts) + payload)


def _ipv6s(protocol: int, payloads: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    kinds = st.lists(st.sampled_from([0, 43, 44, 51, 60]), max_size=3)
    return st.builds(lambda chain, payload: _chain(chain, protocol, payload), kinds, payloads)


def _either(protocol: int, payloads: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    return st.one_of(_ipv4s(protocol, payloads), _ipv6s(protocol, payloads))


SIMPLE = st.one_of(
    _either(6, TCP), _either(17, UDP), _either(132, SCTP), _ipv4s(1, st.binary(max_size=20)),
    _ipv6s(58, st.binary(max_size=20)), _either(2, PAYLOAD),
)  # fmt: skip
ERROR = st.builds(lambda kind, quote, cut: bytes([kind, 1]) + bytes(6) + quote[:cut], st.sampled_from([3, 5, 11, 1, 4]),
                  SIMPLE, st.integers(0, 120))  # fmt: skip


def _tunnels(inner: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Return packets that carry other packets."""
    flags = st.sampled_from([0, 0x8000, 0x2000, 0x3000, 0xB000, 0x4000, 1])
    gre = st.builds(
        lambda packet, bits: struct.pack(">HH", bits, 0x86DD if packet[0] >> 4 == 6 else 0x800)
        + bytes(4 * (bits >> 15) + 4 * (bits >> 13 & 1) + 4 * (bits >> 12 & 1)) + packet,
        inner, flags,
    )  # fmt: skip
    bridged = inner.map(lambda packet: struct.pack(">HH", 0, 0x6558) + ethernet(packet, _ether_type(packet)))
    return st.one_of(_either(4, inner), _either(41, inner), _either(47, gre), _either(47, bridged))


PACKETS = st.one_of(SIMPLE, _ipv4s(1, ERROR), _ipv6s(58, ERROR), st.recursive(SIMPLE, _tunnels, max_leaves=6))


def _ether_type(packet: bytes) -> int:
    return 0x86DD if packet[0] >> 4 == 6 else 0x800


def _framed(packet: bytes, link: int, tags: tuple[int, ...]) -> bytes:
    kind = struct.pack(">H", _ether_type(packet))
    if link == 1:
        return ethernet(packet, _ether_type(packet), tags)
    if link == 0:
        return struct.pack("<I", 30 if packet[0] >> 4 == 6 else 2) + packet
    if link == 113:
        return bytes(14) + kind + packet
    return kind + bytes(18) + packet if link == 276 else packet


ARPS = st.builds(lambda op, rest: ethernet(struct.pack(">HHBBH", 1, 0x800, 6, 4, op) + rest, 0x806), SHORT,
                 st.binary(min_size=20, max_size=24))  # fmt: skip


@st.composite
def frames(draw: st.DrawFn) -> tuple[bytes, int, int]:
    """Return a frame, possibly with octets overwritten and cut, its length on the wire, and its link type."""
    link = draw(st.sampled_from([1, 1, 1, 0, 101, 113, 276]))
    tags = draw(st.sampled_from([(), (), (0x8100,), (0x88A8, 0x8100)]))
    octets = bytearray(draw(ARPS) if link == 1 and draw(st.booleans()) else _framed(draw(PACKETS), link, tags))
    for place, value in draw(st.lists(st.tuples(st.integers(0, 90), OCTET), max_size=3)):
        if place < len(octets):
            octets[place] = value
    octets += bytes(draw(st.sampled_from([0, 0, 6])))
    wire = len(octets)
    if draw(st.booleans()):
        del octets[draw(st.integers(0, len(octets))) :]
    return bytes(octets), wire if draw(st.integers(0, 9)) else len(octets), link


def pcap_file(records: list[Record], flavour: tuple[int, str, int], *, link: int = 1) -> bytes:
    """Return a pcap file; times lose what the flavour's unit cannot hold."""
    magic, order, header = flavour
    unit = 1 if magic == 0xA1B23C4D else 1000
    parts = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 262144, link)]
    for record in records:
        second, rest = divmod(record.ts_ns, 10**9)
        parts.append(struct.pack(order + "IIII", second, rest // unit, len(record.frame), record.wire))
        parts.append(bytes(header - 16) + record.frame)
    return b"".join(parts)


def block(order: str, kind: int, body: bytes) -> bytes:
    """Return a pcapng block."""
    body += bytes(-len(body) % 4)
    size = struct.pack(order + "I", 12 + len(body))
    return struct.pack(order + "I", kind) + size + body + size


def section(order: str) -> bytes:
    """Return a section header block."""
    return block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))


def interface(order: str, *, link: int = 1, resolution: int | None = None, offset_s: int | None = None) -> bytes:
    """Return an interface description block."""
    options = b""
    if resolution is not None:
        options += struct.pack(order + "HHBxxx", 9, 1, resolution)
    if offset_s is not None:
        options += struct.pack(order + "HHq", 14, 8, offset_s)
    options += struct.pack(order + "HH", 0, 0) if options else b""
    return block(order, 1, struct.pack(order + "HHI", link, 0, 0) + options)


def enhanced(order: str, stamp: int, record: Record, *, number: int = 0) -> bytes:
    """Return an enhanced packet block."""
    sizes = (len(record.frame), record.wire)
    head = struct.pack(order + "IIIII", number, stamp >> 32, stamp & 0xFFFFFFFF, *sizes)
    return block(order, 6, head + record.frame)


@st.composite
def records(draw: st.DrawFn) -> Record:
    """Return a record with any frame and any time of 32-bit seconds."""
    frame = draw(st.binary(max_size=80))
    wire = len(frame) + draw(st.sampled_from([0, 0, 1, 1400]))
    return Record(draw(st.integers(0, 2**32 * 10**9 - 1)), frame, wire)
