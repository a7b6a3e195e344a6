"""Where frames stand in ERF and snoop files, written from their definitions: one record at a time with struct.

ERF: 16 octets of header (time stamp in 2^-32 s, little-endian; type, flags, rlen, lctr, wlen, big-endian), extension
headers of 8 while the highest bit of a type octet says so, two octets of padding before an Ethernet frame.
Snoop: RFC 1761.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from fractions import Fraction

PAD = 48
LINKS = {1: 50, 10: 50, 2: 1, 11: 1, 16: 1, 22: 101, 23: 101}


@dataclass
class Walked:
    """The frames found, where the walk ended and why, and what it counted."""

    frames: list[tuple[int, int, int, int | None, int]]  # start, captured, on the wire, link (None: not read), time
    at: int
    why: str
    counted: int


def walk_erf(data: bytes, at: int = 0) -> Walked:
    """Return the frames of ERF records; ``counted``: extension headers."""
    found = Walked([], at, "more", 0)
    while len(data) - found.at >= 16:
        stamp, kind, _, rlen, _, wlen = (
            *struct.unpack_from("<Q", data, found.at),
            *struct.unpack_from(">BBHHH", data, found.at + 8),
        )
        if rlen < 16 or not 1 <= kind & 0x7F <= 48:
            found.why = "absurd"
            return found
        end = found.at + rlen
        if end > len(data):
            return found
        start, more = found.at + 16, kind
        while more & 0x80 and start + 8 <= end:
            more, start = data[start], start + 8
            found.counted += 1
        link = LINKS.get(kind & 0x7F)
        if link == 1:
            start, wlen = start + 2, max(wlen - 4, 0)
        if kind & 0x7F != PAD and start <= end:
            captured = min(end - start, wlen)
            time_ns = int(Fraction(stamp & 0xFFFFFFFF, 1 << 32) * 10**9) + (stamp >> 32) * 10**9
            found.frames.append((start, captured, max(wlen, captured), link, time_ns))
        found.at = end
    return found


def walk_snoop(data: bytes, at: int = 0) -> Walked:
    """Return the frames of snoop records; ``counted``: the most packets that were lost before any."""
    found = Walked([], at, "more", 0)
    while len(data) - found.at >= 24:
        original, included, length, drops, second, micro = struct.unpack_from(">6I", data, found.at)
        if included > 262_144 or not 24 + included <= length <= 24 + 262_144 + 65_536:
            found.why = "absurd"
            return found
        if found.at + length > len(data):
            return found
        time_ns = second * 10**9 + min(micro, 999_999) * 1000
        found.frames.append((found.at + 24, included, max(original, included), 1, time_ns))
        found.counted = max(found.counted, drops)
        found.at += length
    return found
