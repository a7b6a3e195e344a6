"""The decoder's twin, written from the RFCs: one packet at a time, dictionaries, no product code.

Knows Ethernet with VLAN tags, raw IP, BSD loopback and both cooked headers. ``decode`` tells what a packet shows
(``fields``), what the capture cut (``unseen``), and what does not add up (``notes``).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address

ARP, NOT_IP = 256, 257
EXTENSIONS = {0, 43, 44, 51, 60}
OPTION_NIBBLES = {0: 7, 1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 8: 6, 14: 8, 19: 9, 30: 11, 34: 10, 253: 13, 254: 12}
IPV4_PARTS = {
    "ip_version": 1, "ip_ihl": 1, "ip_tos": 2, "ip_len": 4, "ip_id": 6, "ip_flags": 8, "ip_frag": 8, "ip_ttl": 9,
    "ip_proto": 10, "ip_src": 16, "ip_dst": 20,
}  # fmt: skip
IPV6_PARTS = {
    "ip_version": 4, "ip_tos": 4, "ip6_flow": 4, "ip_len": 6, "ip_proto": 7, "ip_ttl": 8, "ip_src": 24, "ip_dst": 40,
}  # fmt: skip
TCP_PARTS = {"sport": (0, 2), "dport": (2, 2), "seq": (4, 4), "ack": (8, 4), "win": (14, 2), "urp": (18, 2)}
LAYOUT = ("options", "options_low")
VALUES = ("mss", "wscale", "tsval", "tsecr")
PAYLOAD = ("payload_len", "payload_hash", "payload_head")


@dataclass
class Packet:
    """What one frame tells."""

    protocol: int = NOT_IP
    fields: dict[str, int] = field(default_factory=dict)
    unseen: set[str] = field(default_factory=set)
    notes: set[str] = field(default_factory=set)


@dataclass
class Span:
    """Octets of which the capture may hold only the first; ``size`` is how many there were."""

    octets: bytes
    size: int

    def behind(self, at: int) -> Span:
        return Span(self.octets[at:], self.size - at)

    def number(self, at: int, size: int) -> int:
        return int.from_bytes(self.octets[at : at + size], "big")

    def put(self, packet: Packet, name: str, at: int, size: int, *, exists: int | None = None) -> None:
        """Put a number into the packet, as seen or unseen, or not at all."""
        if at + size <= len(self.octets):
            packet.fields[name] = self.number(at, size)
        elif at + size <= (self.size if exists is None else exists):
            packet.unseen.add(name)


def decode(frame: bytes, wire: int, link: int) -> Packet:
    """Return what a captured frame of a link type tells; ``wire`` is how long it was."""
    span = Span(frame, wire)
    at, kind = _network(span, link)
    packet = _ip(span.behind(at), kind, 0)
    if packet is None:
        packet = Packet()
        _no_ip(packet, span.behind(at), kind)
    return packet


def outermost(frame: bytes, wire: int, link: int) -> dict[str, int]:
    """Return the IP header right behind the link layer of a frame, which must have one."""
    span = Span(frame, wire)
    at, kind = _network(span, link)
    return (_ipv4 if kind == "4" else _ipv6)(span.behind(at))[0].fields


def _network(span: Span, link: int) -> tuple[int, str]:
    have = len(span.octets)
    if link == 101:
        return 0, {4: "4", 6: "6"}.get(span.octets[0] >> 4, "other") if have else "cut"
    if link == 0:
        families = {2: "4", 10: "6", 24: "6", 28: "6", 30: "6"}
        if have < 4:
            return 0, "cut"
        big, little = struct.unpack(">I", span.octets[:4])[0], struct.unpack("<I", span.octets[:4])[0]
        return 4, families.get(big if big < 65536 else little & 0xFFFF, "other")
    size, type_at = {1: (14, 12), 113: (16, 14), 276: (20, 0)}[link]
    if have < size:
        return 0, "cut"
    if link != 1 and span.number({113: 2, 276: 8}[link], 2) == 824:
        return size, "other"
    ether_type = span.number(type_at, 2)
    for _ in range(8):
        if ether_type in (0x8100, 0x88A8, 0x9100, 0x9200):
            if have < size + 4:
                return size, "cut"
            ether_type = span.number(size + 2, 2)
            size += 4
        elif ether_type < 0x600 and span.octets[size : size + 3] == b"\xaa\xaa\x03" and have >= size + 8:
            ether_type = span.number(size + 6, 2)
            size += 8
        else:
            return size, {0x800: "4", 0x86DD: "6", 0x806: "arp"}.get(ether_type, "other")
    return size, "other"


def _ip(span: Span, kind: str, depth: int) -> Packet | None:
    """Decode the IP packet that starts here and those inside it; None if there is no whole header."""
    if depth > 4:
        return None
    if kind == "4" and len(span.octets) >= 20 and span.octets[0] >> 4 == 4:
        packet, inner = _ipv4(span)
    elif kind == "6" and len(span.octets) >= 40 and span.octets[0] >> 4 == 6:
        packet, inner = _ipv6(span)
    else:
        return None
    if inner is None:
        return packet
    inside = _tunnelled(packet.protocol, inner)
    if inside is not None:
        found = _ip(*inside, depth + 1)
        if found is not None:
            found.notes.add("tunnel")
            return found
    _transport(packet, inner)
    if "verify" in packet.notes:
        _verify(packet, inner)
    packet.notes.discard("verify")
    return packet


def _ipv4(span: Span) -> tuple[Packet, Span | None]:
    vihl, tos, length, ident, place, ttl, proto, _, src, dst = struct.unpack(">BBHHHBBHII", span.octets[:20])
    names = ("ip_version", "ip_ihl", "ip_tos", "ip_len", "ip_id", "ip_flags", "ip_frag", "ip_ttl", "ip_proto")
    values = (4, vihl & 15, tos, length, ident, place >> 13, place & 0x1FFF, ttl, proto)
    packet = Packet(proto, dict(zip(names, values, strict=True)))
    packet.fields["ip_src"], packet.fields["ip_dst"] = int(IPv4Address(src)), int(IPv4Address(dst))
    header = 4 * (vihl & 15)
    said = length or span.size
    if header < 20 or header > said:
        packet.notes.add("bad length")
        return packet, None
    if length == 0 or said > span.size:
        packet.notes.add("bad length")
    if header > len(span.octets):
        packet.notes.add("cut")
    elif _sum(span.octets[:header]) != 0xFFFF:
        packet.notes.add("ip sum")
    if place & 0x1FFF:
        packet.notes.add("fragment")
        return packet, None
    if place & 0x2000:
        packet.notes.add("first fragment")
    if said <= 128:
        packet.notes.add("verify")
    return packet, Span(span.octets[header:said], said - header)


def _ipv6(span: Span) -> tuple[Packet, Span | None]:
    first, length, following, ttl = struct.unpack(">IHBB", span.octets[:8])
    packet = Packet(following)
    packet.fields = {
        "ip_version": 6, "ip_tos": first >> 20 & 0xFF, "ip6_flow": first & 0xFFFFF, "ip_len": length, "ip_ttl": ttl,
        "ip_proto": following, "ip_src": int(IPv6Address(span.octets[8:24])),
        "ip_dst": int(IPv6Address(span.octets[24:40])),
    }  # fmt: skip
    said = span.size if length == 0 and following == 0 else 40 + length
    if said > span.size:
        packet.notes.add("bad length")
    rest = Span(span.octets[40:said], said - 40)
    if said <= 128:
        packet.notes.add("verify")
    for _ in range(12):
        if following not in EXTENSIONS:
            break
        step = _extension(packet, rest, following)
        if step is None:
            packet.notes.discard("verify")
            return packet, None
        rest, following = step
        packet.protocol = packet.fields["ip_proto"] = following
    else:
        packet.notes.discard("verify")
        packet.notes.add("bad length")
        return packet, None
    return packet, rest


def _extension(packet: Packet, rest: Span, kind: int) -> tuple[Span, int] | None:
    size = 8
    if kind != 44 and len(rest.octets) >= 2:
        size = (rest.octets[1] + 2) * 4 if kind == 51 else (rest.octets[1] + 1) * 8
    if size > len(rest.octets):
        if size <= rest.size:
            packet.notes.add("cut")
            del packet.fields["ip_proto"]
            packet.unseen |= {"ip_proto", *PAYLOAD}
        else:
            packet.notes.add("bad length")
        return None
    following = rest.octets[0]
    if kind == 43:
        packet.notes.discard("verify")
    if kind == 44:
        place = rest.number(2, 2)
        if place >> 3:
            packet.notes.add("fragment")
            packet.protocol = packet.fields["ip_proto"] = following
            return None
        if place & 1:
            packet.notes.add("first fragment")
    return rest.behind(size), following


def _tunnelled(protocol: int, inner: Span) -> tuple[Span, str] | None:
    def by_version(span: Span) -> tuple[Span, str] | None:
        return (span, str(span.octets[0] >> 4)) if span.octets else None

    if protocol in (4, 41):
        return by_version(inner)
    if protocol != 47 or len(inner.octets) < 4:
        return None
    flags, inside = struct.unpack(">HH", inner.octets[:4])
    if flags & 0x4007 or inside not in (0x800, 0x86DD, 0x6558):
        return None
    rest = inner.behind(4 + 4 * (bool(flags & 0x8000) + bool(flags & 0x2000) + bool(flags & 0x1000)))
    if inside == 0x6558:
        at, kind = _network(rest, 1)
        return rest.behind(at), kind
    return by_version(rest)


def _no_ip(packet: Packet, span: Span, kind: str) -> None:
    short = "cut" if len(span.octets) < span.size else "bad length"
    if kind == "cut":
        packet.notes.add(short)
        if short == "cut":
            packet.unseen |= set(IPV4_PARTS)
    elif kind == "arp":
        _arp(packet, span, short)
    elif kind in "46":
        size, parts = (20, IPV4_PARTS) if kind == "4" else (40, IPV6_PARTS)
        if span.size < size or (span.octets and span.octets[0] >> 4 != int(kind)):
            packet.notes.add("bad length")
            return
        packet.notes.add("cut")
        whole, _ = (_ipv4 if kind == "4" else _ipv6)(Span(span.octets + bytes(4096), 8192))
        for name, need in parts.items():
            if need <= len(span.octets):
                packet.fields[name] = whole.fields[name]
            else:
                packet.unseen.add(name)
        _cut_ip(packet, span, kind)


def _cut_ip(packet: Packet, span: Span, kind: str) -> None:
    """Note what is unseen of the transport behind a cut IP header."""
    fields = packet.fields
    if "ip_proto" not in fields:
        return
    if kind == "6":
        packet.protocol = fields["ip_proto"] = span.octets[6]
        if packet.protocol in EXTENSIONS:
            del fields["ip_proto"]
            packet.unseen |= {"ip_proto", *PAYLOAD}
        else:
            _transport(packet, Span(b"", fields["ip_len"]))
        return
    packet.protocol = fields["ip_proto"]
    if fields["ip_ihl"] >= 5 and fields["ip_frag"] == 0:
        _transport(packet, Span(b"", fields["ip_len"] - 4 * fields["ip_ihl"]))


def _arp(packet: Packet, span: Span, short: str) -> None:
    packet.protocol = ARP
    span.put(packet, "arp_op", 6, 2)
    if len(span.octets) < 8:
        packet.notes.add(short)
        if short == "cut":
            packet.unseen |= {"ip_src", "ip_dst"}
        return
    if span.number(2, 2) != 0x800 or span.octets[5] != 4:
        packet.protocol = NOT_IP
        return
    hardware = span.octets[4]
    span.put(packet, "ip_src", 8 + hardware, 4)
    span.put(packet, "ip_dst", 12 + 2 * hardware, 4)
    if len(span.octets) < 16 + 2 * hardware:
        packet.notes.add(short)


def _transport(packet: Packet, span: Span) -> None:
    size = {6: 20, 17: 8, 1: 8, 58: 8, 132: 12}.get(packet.protocol)
    if size is None:
        _payload(packet, span)
        return
    exists = span.size
    if len(span.octets) < size:
        if "first fragment" in packet.notes:
            exists = 60
        else:
            if span.size < size:
                packet.notes.add("bad length")
            if len(span.octets) < span.size:
                packet.notes.add("cut")
    {6: _tcp, 17: _udp, 1: _icmp, 58: _icmp, 132: _sctp}[packet.protocol](packet, span, exists)


def _tcp(packet: Packet, span: Span, exists: int) -> None:
    for name, (at, size) in TCP_PARTS.items():
        span.put(packet, name, at, size, exists=exists)
    span.put(packet, "flags", 13, 1, exists=exists)
    span.put(packet, "off", 12, 1, exists=exists)
    if "off" in packet.fields:
        packet.fields["reserved"] = packet.fields["off"] & 15
        packet.fields["off"] >>= 4
    elif "off" in packet.unseen:
        packet.unseen.add("reserved")
    header = 4 * packet.fields.get("off", 0)
    if header == 20 or len(span.octets) >= 20:
        packet.fields |= dict.fromkeys(LAYOUT, 0)
        if header > 20:
            _options(packet, span.octets[20:header], min(header, span.size) - 20)
        if header < 20:
            packet.notes.add("bad length")
        else:
            _payload(packet, span.behind(header))
    elif exists >= 20:
        packet.unseen |= {*LAYOUT, *VALUES, *PAYLOAD}


def _options(packet: Packet, octets: bytes, size: int) -> None:
    if len(octets) < size:
        for name in LAYOUT:
            del packet.fields[name]
        packet.unseen |= {*LAYOUT, *VALUES}
        packet.notes.add("cut")
        return
    nibbles = []
    rest = octets
    while rest:
        kind = rest[0]
        nibbles.append(OPTION_NIBBLES.get(kind, 15))
        if kind == 0:
            break
        length = 1 if kind == 1 else rest[1] if len(rest) > 1 else 0
        if length > len(rest) or (kind != 1 and length < 2):
            packet.notes.add("bad options")
            break
        value, rest = rest[2:length], rest[length:]
        if (kind, length) == (2, 4):
            packet.fields["mss"] = int.from_bytes(value, "big")
        elif (kind, length) == (3, 3):
            packet.fields["wscale"] = value[0]
        elif (kind, length) == (8, 10):
            packet.fields["tsval"], packet.fields["tsecr"] = struct.unpack(">II", value)
        elif kind in (2, 3, 8):
            packet.notes.add("bad options")
    digits = "".join(f"{nibble:x}" for nibble in nibbles[:16]).ljust(16, "0")
    packet.fields["options"], packet.fields["options_low"] = int(digits[:8], 16), int(digits[8:], 16)


def _udp(packet: Packet, span: Span, exists: int) -> None:
    for at, name in enumerate(("sport", "dport", "udp_len", "udp_sum")):
        span.put(packet, name, 2 * at, 2, exists=exists)
    said = packet.fields.get("udp_len", 0)
    if said not in (0, span.size) and "first fragment" not in packet.notes:
        packet.notes.add("bad length")
    if exists >= 8:
        _payload(packet, span.behind(8))


def _sctp(packet: Packet, span: Span, exists: int) -> None:
    for name, at, size in (("sport", 0, 2), ("dport", 2, 2), ("vtag", 4, 4), ("chunk", 12, 1)):
        span.put(packet, name, at, size, exists=exists)
    if exists >= 12:
        _payload(packet, span.behind(12))


def _icmp(packet: Packet, span: Span, exists: int) -> None:
    span.put(packet, "icmp_type", 0, 1, exists=exists)
    span.put(packet, "icmp_code", 1, 1, exists=exists)
    kind = packet.fields.get("icmp_type")
    queries, errors = (
        ({128, 129}, {1, 2, 3, 4}) if packet.protocol == 58 else ({0, 8, *range(13, 19)}, {3, 4, 5, 11, 12})
    )
    if kind is None or kind in queries:
        span.put(packet, "icmp_id", 4, 2, exists=exists)
        span.put(packet, "icmp_seq", 6, 2, exists=exists)
    elif kind in errors:
        _quote(packet, span.behind(8))
    if exists >= 8:
        _payload(packet, span.behind(8))


def _quote(packet: Packet, span: Span) -> None:
    version = span.octets[0] >> 4 if span.octets else 4
    size = 40 if version == 6 else 20
    if len(span.octets) < size:
        if size <= span.size:
            packet.unseen |= {"quote_protocol", "quote_dst"}
            packet.notes.add("cut")
        return
    fields = packet.fields
    if version == 6:
        fields["quote_protocol"], fields["quote_dst"] = span.octets[6], span.number(36, 4)
    elif version == 4 and span.octets[0] & 15 >= 5:
        fields["quote_protocol"], fields["quote_dst"] = span.octets[9], span.number(16, 4)
        fields["quote_ip_id"] = span.number(4, 2)
        size = 4 * (span.octets[0] & 15)
    else:
        packet.notes.add("bad length")
        return
    packet.notes.add("quote")
    if version == 4 and span.number(6, 2) & 0x1FFF:
        return
    rest, protocol = span.behind(size), fields["quote_protocol"]
    if protocol in (6, 17, 132):
        if min(len(rest.octets), rest.size) >= 4 or rest.size >= 4:
            rest.put(packet, "quote_sport", 0, 2, exists=-1)
            rest.put(packet, "quote_dport", 2, 2, exists=-1)
            if len(rest.octets) < 4:
                fields.pop("quote_sport", None)
                packet.unseen |= {"quote_sport", "quote_dport"}
        if protocol == 6:
            rest.put(packet, "quote_seq", 4, 4)
    elif protocol in (1, 58):
        if rest.size >= 2 and len(rest.octets) < 2:
            packet.unseen |= {"quote_sport", "quote_dport"}
        elif len(rest.octets) >= 2:
            fields["quote_sport"], fields["quote_dport"] = rest.octets[0], rest.octets[1]
        rest.put(packet, "quote_seq", 4, 4)


def _payload(packet: Packet, span: Span) -> None:
    if span.size < 0:
        packet.notes.add("bad length")
        return
    packet.fields["payload_len"] = span.size
    if span.size == 0:
        return
    head, hashed = min(span.size, 4), min(span.size, 64)
    if len(span.octets) >= head:
        packet.fields["payload_head"] = int.from_bytes(span.octets[:head].ljust(4, b"\0"), "big")
    else:
        packet.unseen.add("payload_head")
    if len(span.octets) >= hashed:
        packet.fields["payload_hash"] = _hash(span.octets[:hashed])
    else:
        packet.unseen.add("payload_hash")


def _hash(octets: bytes) -> int:
    """FNV-1a over big-endian 32-bit words with one shift per word, then over the length."""
    value = 0x811C9DC5
    padded = octets.ljust(-(-len(octets) // 4) * 4, b"\0")
    for (word,) in struct.iter_unpack(">I", padded):
        value = (value ^ word) * 0x01000193 % 2**32
        value ^= value >> 15
    value = (value ^ len(octets)) * 0x01000193 % 2**32
    return value ^ value >> 13


def _sum(octets: bytes) -> int:
    """The ones' complement sum of RFC 1071, before it is complemented."""
    total = sum(word for (word,) in struct.iter_unpack(">H", octets + bytes(len(octets) % 2)))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def _verify(packet: Packet, span: Span) -> None:
    if span.size != len(span.octets) or span.size <= 0 or "first fragment" in packet.notes:
        return
    octets, protocol = span.octets, packet.protocol
    if protocol not in (1, 6, 17, 58) or (protocol == 17 and packet.fields.get("udp_sum", 0) == 0):
        return
    pseudo = b""
    if protocol != 1:
        width = 16 if packet.fields["ip_version"] == 6 else 4
        pseudo = packet.fields["ip_src"].to_bytes(width, "big") + packet.fields["ip_dst"].to_bytes(width, "big")
        pseudo += struct.pack(">II", span.size, protocol)
    if _sum(pseudo + octets) != 0xFFFF:
        packet.notes.add("sum")
