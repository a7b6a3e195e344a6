"""A plain reader of the lab's own captures: Ethernet frames of tcpdump's pcap, one dictionary per IPv4 packet.

Written apart from craftmark's readers on purpose: the truth must not come from the program that it judges.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FLAGS = "FSRPAUEC"
Packet = dict[str, Any]


def frames(path: Path) -> Iterator[tuple[float, bytes]]:
    """Yield time and bytes of every frame of a little-endian microsecond pcap."""
    data = path.read_bytes()
    at = 24
    while at + 16 <= len(data):
        seconds, fraction, kept, _ = struct.unpack_from("<IIII", data, at)
        yield seconds + fraction / 1e6, data[at + 16 : at + 16 + kept]
        at += 16 + kept


def packets(path: Path) -> Iterator[Packet]:
    """Yield every frame as a dictionary: time, MAC addresses, group, and the header fields of its protocol."""
    for ts, frame in frames(path):
        kind = struct.unpack_from("!H", frame, 12)[0]
        packet: Packet = {"ts": ts, "mac_src": frame[6:12].hex(":"), "mac_dst": frame[:6].hex(":"), "ethertype": kind}
        if kind == 0x0806:
            packet |= {"group": "arp" if frame[20:22] == b"\0\1" else "arp-reply"}
            packet |= {"src": dotted(frame[28:32]), "dst": dotted(frame[38:42])}
        elif kind == 0x0800:
            packet |= ip(frame[14:])
        else:
            packet["group"] = f"ether/{kind:04x}"
        yield packet


def dotted(four: bytes) -> str:
    """Write an address."""
    return ".".join(str(byte) for byte in four)


def ip(data: bytes) -> Packet:
    """Return the fields of an IPv4 packet and of its transport header."""
    ihl = (data[0] & 15) * 4
    length, ip_id, fragment = struct.unpack_from("!HHH", data, 2)
    packet: Packet = {
        "src": dotted(data[12:16]), "dst": dotted(data[16:20]), "ttl": data[8], "tos": data[1], "ipid": ip_id,
        "df": fragment >> 14 & 1, "mf": fragment >> 13 & 1, "off": fragment & 0x1FFF, "ln": length, "ihl": ihl,
        "ipproto": data[9],
    }  # fmt: skip
    body = data[ihl:length]
    if packet["off"]:
        return packet | {"group": "fragment"}
    if data[9] == 6 and len(body) >= 14:
        return packet | tcp(body)
    if data[9] == 17 and len(body) >= 8:
        sport, dport, size, _ = struct.unpack_from("!HHHH", body)
        return packet | {"group": "udp", "sport": sport, "dport": dport, "pay": size - 8}
    if data[9] == 1 and len(body) >= 4:
        packet |= {"group": f"icmp/{body[0]}/{body[1]}", "pay": len(body) - 8}
        if len(body) >= 8 and body[0] in {0, 8, 13, 14, 17, 18}:
            packet["icmpid"], packet["icmpseq"] = struct.unpack_from("!HH", body, 4)
        return packet
    return packet | {"group": {132: "sctp", 6: "tcp/?"}.get(data[9], f"ip/{data[9]}")}


def tcp(body: bytes) -> Packet:
    """Return the fields of a TCP header, the options as a word: M1460,S,T,N,W7."""
    sport, dport, seq, ack, offset, flags = struct.unpack_from("!HHIIBB", body)
    win, _, urg = struct.unpack_from("!HHH", body.ljust(20, b"\0"), 14)
    size = (offset >> 4) * 4
    letters = "".join(letter for bit, letter in enumerate(FLAGS) if flags >> bit & 1)
    return {
        "group": f"tcp/{letters or '0'}", "sport": sport, "dport": dport, "seq": seq, "ack": ack, "win": win,
        "urg": urg, "rsv": offset & 15, "pay": max(0, len(body) - size), "opt": options(body[20:size]),
    }  # fmt: skip


def options(data: bytes) -> str:
    """Write TCP options in order, with the values of MSS and window scale."""
    words, at = [], 0
    while at < len(data) and data[at]:
        if data[at] == 1:
            words.append("N")
            at += 1
            continue
        size = data[at + 1] if at + 1 < len(data) else 0
        if size < 2:
            return ",".join([*words, "?"])
        value = data[at + 2 : at + size]
        letter = {2: "M", 3: "W", 4: "S", 5: "K", 8: "T"}.get(data[at], f"o{data[at]}:")
        words.append(letter + (str(int.from_bytes(value, "big")) if data[at] in {2, 3} else ""))
        at += size
    if at < len(data):
        words.append("E")
    return ",".join(words)
