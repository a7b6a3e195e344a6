"""Where the frames stand in the blocks of a pcapng section.

The walk hands back to its caller whatever it does not read itself: section headers and interface descriptions, the end
of the octets, and blocks that cannot be. https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcapng/.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from craftmark.kernels._jit import device, kernel
from craftmark.kernels.records import ABSURD, FRAME_LIMIT, NEED_MORE, ROWS_FULL, number16, number32

if TYPE_CHECKING:
    from craftmark.kernels.links import Octets
    from craftmark.kernels.records import Integers

SECTION_HEADER: Final = 0x0A0D0D0A
INTERFACE: Final = 1
_OLD_PACKET, _SIMPLE, _ENHANCED = 2, 3, 6
_NAMES, _STATISTICS = 4, 5
#: Larger blocks are taken for damage; decryption secrets and custom blocks stay far below.
BLOCK_LIMIT: Final = 1 << 24

# Why a walk ended, beside those of records.py.
SPECIAL: Final = 3  # a section header or an interface description
UNDECLARED: Final = 4  # a packet of an interface that was not described

# Columns of the table of interfaces: link type, snaplen (0: none), and the clock: divisor of the time stamp, units
# per second after that, seconds to add.
LINK: Final = 0
SNAPLEN: Final = 1
DIVISOR: Final = 2
PER_SECOND: Final = 3
OFFSET_S: Final = 4
COLUMNS: Final = 5

# Why a packet has no time of its own: its block has none, or one that cannot be.
NO_TIME: Final = 1
IMPOSSIBLE: Final = 2

_NS = 1_000_000_000
_LAST_SECOND = 0xFFFFFFFF  # the last of pcap too; nanoseconds up to here fit 63 bits twice


@kernel
def walk_blocks(
    n: int, octets: Octets, size: int, big: int, interfaces: Integers, declared: int,
    starts: Integers, captured: Integers, wire: Integers, links: Integers, times: Integers, untimed: Integers,
    state: Integers,
) -> int:  # fmt: skip
    """Write where up to ``n`` frames stand, from ``state[0]`` on; return how many, and in ``state`` why it ended.

    state: where the walk stands, why it ended, the last time read. A simple packet block has no time, and a time
    before 1970 or after 2106 cannot be: such a packet repeats the last time and is marked in ``untimed``.
    """
    at = state[0]
    i = 0
    state[1] = ROWS_FULL
    while i < n:
        kind, length = block_at(octets, size, at, big)
        if length <= 0:
            state[1] = NEED_MORE if length == 0 else ABSURD
            break
        if kind in (SECTION_HEADER, INTERFACE):
            state[1] = SPECIAL
            break
        if kind in (_OLD_PACKET, _SIMPLE, _ENHANCED):
            reason = _packet(i, octets, at, length, big, kind, interfaces, declared, starts, captured, wire, links)
            if reason != ROWS_FULL:
                state[1] = reason
                break
            untimed[i] = NO_TIME
            if kind != _SIMPLE:
                time_ns = _time(octets, at + 12, big, interfaces, _interface(octets, at, big, kind))
                untimed[i] = IMPOSSIBLE if time_ns < 0 else 0
                state[2] = state[2] if time_ns < 0 else time_ns
            times[i] = state[2]
            i += 1
        at += length
    state[0] = at
    return i


@device
def block_at(octets: Octets, size: int, at: int, big: int) -> tuple[int, int]:
    """Return type and length of the block at ``at``; length 0: more octets are needed, -1: it cannot be."""
    if at + 12 > size:
        return 0, 0
    kind = number32(octets, at, big)
    if kind == SECTION_HEADER:
        return kind, 12  # its length is in an order only its reader knows
    length = number32(octets, at + 4, big)
    if length < 12 or length % 4 != 0 or length > BLOCK_LIMIT:
        return kind, -1
    if at + length > size:
        return kind, 0
    if number32(octets, at + length - 4, big) != length:
        return kind, -1
    return kind, length


@device
def _interface(octets: Octets, at: int, big: int, kind: int) -> int:
    if kind == _SIMPLE:
        return 0
    if kind == _OLD_PACKET:
        return number16(octets, at + 8, big)
    return number32(octets, at + 8, big)


@device
def _packet(
    i: int, octets: Octets, at: int, length: int, big: int, kind: int, interfaces: Integers, declared: int,
    starts: Integers, captured: Integers, wire: Integers, links: Integers,
) -> int:  # fmt: skip
    """Write where the frame of one packet block stands; return why it cannot be, or ROWS_FULL."""
    head = 12 if kind == _SIMPLE else 28
    if length < head + 4:
        return ABSURD
    interface = _interface(octets, at, big, kind)
    if interface >= declared:
        return UNDECLARED
    if kind == _SIMPLE:
        there = number32(octets, at + 8, big)
        here = min(there, length - 16)
        if interfaces[0, SNAPLEN] > 0:
            here = min(here, interfaces[0, SNAPLEN])
    else:
        here = number32(octets, at + 20, big)
        there = number32(octets, at + 24, big)
    if here > length - head - 4 or here > FRAME_LIMIT:
        return ABSURD
    starts[i] = at + head
    captured[i] = here
    wire[i] = max(here, there)
    links[i] = interfaces[interface, LINK]
    return ROWS_FULL


@device
def _time(octets: Octets, at: int, big: int, interfaces: Integers, interface: int) -> int:
    """Return the time stamp at ``at`` in nanoseconds since the epoch; -1 for one outside 32 bits of seconds."""
    if number32(octets, at, big) >> 31:
        return -1
    stamp = (number32(octets, at, big) & 0x7FFFFFFF) * 4294967296 + number32(octets, at + 4, big)
    stamp = stamp // interfaces[interface, DIVISOR]
    per_second = interfaces[interface, PER_SECOND]
    second = min(stamp // per_second, 2 * _LAST_SECOND) + interfaces[interface, OFFSET_S]
    if second < 0 or second > _LAST_SECOND:
        return -1
    time_ns: int = second * _NS + (stamp % per_second) * _NS // per_second
    return time_ns


@kernel
def find_block(n: int, octets: Octets, size: int, big: int, at: int) -> int:
    """Return the first place from ``at`` on, at most ``n`` further, where blocks follow one another; -1 if none."""
    for place in range(at, min(at + n, size - 12)):
        kind, length = block_at(octets, size, place, big)
        if kind == SECTION_HEADER:
            return place
        if length > 0 and 1 <= kind <= _ENHANCED:
            following = place + length
            kind, length = block_at(octets, size, following, big)
            if following == size or length > 0:
                return place
    return -1
