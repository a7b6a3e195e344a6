"""Which packets an alert rule fires on, by the rule languages' manuals, written from them alone.

Snort Users Manual 2.9, sections 3.5 and 3.6 (payload and non-payload options); Suricata User Guide, "IP Keywords",
"TCP keywords", "ICMP keywords". Frames are Ethernet; IPv6 without extension headers.
"""

from __future__ import annotations

import re
import struct

_LETTERS = {"F": 1, "S": 2, "R": 4, "P": 8, "A": 16, "U": 32, "E": 64, "C": 128, "0": 0}
_PROTOCOLS = {"tcp": {6}, "udp": {17}, "icmp": {1, 58}, "ip": set(range(256))}


def parse(line):
    """Return the protocol of a rule and its options in order."""
    header, _, body = line.partition("(")
    assert header.split()[0] == "alert"
    assert header.split()[2:] == ["any", "any", "->", "any", "any"]
    assert body.endswith(";)")
    options = [tuple(one.strip().partition(":")[::2]) for one in re.findall(r'(?:[^;"]|"[^"]*")+', body[:-1])]
    return header.split()[1], options


def fires(line, frame):
    """Tell whether a rule fires on a frame."""
    protocol, options = parse(line)
    packet = _packet(frame)
    return (
        packet is not None and packet["ip_proto"] in _PROTOCOLS[protocol] and all(_holds(packet, *o) for o in options)
    )


def _holds(packet, name, text):
    if name in ("msg", "sid", "rev"):
        return True
    if name == "flags":
        return packet.get("flags") == sum(_LETTERS[letter] for letter in text)
    if name == "fragbits":
        if packet["fragbits"] is None:
            return False
        wanted = sum({"M": 1, "D": 2, "R": 4}[letter] for letter in text.lstrip("!"))
        return packet["fragbits"] & wanted == 0 if text.startswith("!") else packet["fragbits"] == wanted
    return packet.get(name) == int(text)


def _packet(frame):
    kind = struct.unpack_from("!H", frame, 12)[0]
    if kind == 0x0800:
        size, at = 4 * (frame[14] & 15), 14
        length, number, fragment = struct.unpack_from("!HHH", frame, 16)
        found = {"ip_proto": frame[23], "id": number, "fragbits": fragment >> 13}
        start, end = at + size, at + length
    elif kind == 0x86DD:
        found = {"ip_proto": frame[20], "fragbits": None}
        start, end = 54, 54 + struct.unpack_from("!H", frame, 18)[0]
    else:
        return None
    return found | _transport(found["ip_proto"], frame[start:end])


def _transport(protocol, octets):
    if protocol == 6 and len(octets) >= 20:
        seq, ack, offset, flags, window = struct.unpack_from("!IIBBH", octets, 4)
        found = {"seq": seq, "ack": ack, "flags": flags, "window": window, "dsize": len(octets) - offset // 16 * 4}
        return found | _mss(octets[20 : offset // 16 * 4])
    if protocol == 17:
        return {"dsize": len(octets) - 8}
    if protocol in (1, 58) and len(octets) >= 8:
        kind, code, _, number, serial = struct.unpack_from("!BBHHH", octets)
        return {"itype": kind, "icode": code, "icmp_id": number, "icmp_seq": serial, "dsize": len(octets) - 8}
    return {"dsize": len(octets)}


def _mss(options):
    while options and options[0]:
        if options[0] == 2:
            return {"tcp.mss": struct.unpack_from("!H", options, 2)[0]}
        options = options[1:] if options[0] == 1 else options[max(2, options[1]) :]
    return {}
