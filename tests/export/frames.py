"""A scan over IPv6 of three kinds of probe with known marks, among ordinary packets, as a pcap file."""

from __future__ import annotations

import random
import struct
from ipaddress import IPv6Address

from tests.strategies import Record, pcap_file

FLAVOUR = (0xA1B2C3D4, "<", 16)
SOURCE, TARGETS = IPv6Address("2001:db8::5c"), [IPv6Address(f"2001:db8:1::{n:x}") for n in range(1, 61)]


def ipv6_scan():
    """Return the file's octets: 60 SYNs whose sequence number is the target's last word, 60 echoes, 60 datagrams."""
    dice, frames = random.Random(7), []
    for number, target in enumerate(TARGETS):
        low, sport = int(target) & 0xFFFFFFFF, dice.randrange(1024, 65536)
        syn = struct.pack("!HHIIBBHHH", sport, 443, low ^ 0x5EED, 0, 0x60, 2, 4321, 0, 0) + b"\2\4\5\xa0"
        echo = struct.pack("!BBHHH", 128, 0, 0, dice.randrange(65536), 0) + b"craftmark"
        data = struct.pack("!HHHH", sport, 53, 8 + 4, dice.randrange(1, 65536)) + b"\0\0\0\1"
        frames += [_frame(SOURCE, target, *one) for one in ((6, syn), (58, echo), (17, data))]
        other = struct.pack("!HHIIBBHHH", 443, sport, 7 * number, low, 0x50, 16, 501, 0, 0) + b"x" * number
        frames.append(_frame(IPv6Address("2001:db8:9::1"), IPv6Address("2001:db8:9::2"), 6, other))
    records = [Record(1_600_000_000_000_000_000 + 10_000_000 * n, frame, len(frame)) for n, frame in enumerate(frames)]
    return pcap_file(records, FLAVOUR), frames


def _frame(source, target, protocol, octets):
    head = struct.pack("!IHBB", 0x6_0000000, len(octets), protocol, 60)
    return bytes(12) + b"\x86\xdd" + head + source.packed + target.packed + octets
