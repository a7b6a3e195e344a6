"""Where the frames stand in the records of ERF and snoop files.

Walks stop at the end of the octets or at a record that cannot be; they never read behind either. ERF: Endace's
"Extensible Record Format" (EDM11-01) and Wireshark's ``wiretap/erf.c``; snoop: RFC 1761.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from craftmark.kernels._jit import device, kernel
from craftmark.kernels.records import ABSURD, FRAME_LIMIT, NEED_MORE, NS, ROWS_FULL, number32
from craftmark.packets.fields import NOT_IP

if TYPE_CHECKING:
    from craftmark.kernels.links import Octets
    from craftmark.kernels.records import Integers

ERF_HEADER: Final = 16
_EXTENSION = 8
SNOOP_HEADER: Final = 24
# Types of ERF records, without the bit of extension headers.
_EXTENDED = 0x80
_HDLC, _ETH, _COLOR_HDLC, _COLOR_ETH, _DSM_ETH, _IPV4, _IPV6, _PAD = 1, 2, 10, 11, 16, 22, 23, 48
_ETHERNET_LINK, _HDLC_LINK, _RAW_LINK, _UNREAD_LINK = 1, 50, 101, NOT_IP + 65_536
_FCS = 4
#: ERF types above are none.
LAST_ERF_TYPE: Final = 48
_MICRO = 1_000_000


@device
def erf_link(kind: int) -> int:
    """Return the link type of an ERF record's frame; one that is not read for types without a frame we know."""
    if kind in (_ETH, _COLOR_ETH, _DSM_ETH):
        return _ETHERNET_LINK
    if kind in (_HDLC, _COLOR_HDLC):
        return _HDLC_LINK
    if kind in (_IPV4, _IPV6):
        return _RAW_LINK
    return _UNREAD_LINK


@device
def extensions_end(octets: Octets, size: int, at: int, end: int) -> int:
    """Return where the extension headers of the ERF record at ``at`` end, at most ``end``."""
    place = at + ERF_HEADER
    more = octets[at + 8] & _EXTENDED
    while more and place + _EXTENSION <= end and place < size:
        more = octets[place] & _EXTENDED
        place += _EXTENSION
    return place


@kernel
def walk_erf(
    n: int, octets: Octets, size: int, starts: Integers, captured: Integers, wire: Integers, links: Integers,
    times: Integers, state: Integers,
) -> int:  # fmt: skip
    """Write where up to ``n`` frames stand, from ``state[0]`` on; return how many, and in ``state[1]`` why it ended.

    state[2] counts the extension headers passed. Pad records are no frames.
    """
    at = state[0]
    i = 0
    state[1] = ROWS_FULL
    while i < n:
        if at + ERF_HEADER > size:
            state[1] = NEED_MORE
            break
        kind = octets[at + 8] & 0x7F
        length = octets[at + 10] * 256 + octets[at + 11]
        if length < ERF_HEADER or kind == 0 or kind > LAST_ERF_TYPE:
            state[1] = ABSURD
            break
        if at + length > size:
            state[1] = NEED_MORE
            break
        begin = extensions_end(octets, size, at, at + length)
        state[2] += (begin - at - ERF_HEADER) // _EXTENSION
        link = erf_link(kind)
        on_wire = octets[at + 14] * 256 + octets[at + 15]
        if link == _ETHERNET_LINK:
            begin += 2
            on_wire = max(on_wire - _FCS, 0)
        if kind != _PAD and begin <= at + length:
            starts[i] = begin
            captured[i] = min(at + length - begin, on_wire)
            wire[i] = max(on_wire, captured[i])
            links[i] = link
            times[i] = number32(octets, at + 4, 0) * NS + ((number32(octets, at, 0) * NS) >> 32)
            i += 1
        at += length
    state[0] = at
    return i


@kernel
def walk_snoop(
    n: int, octets: Octets, size: int, link: int, starts: Integers, captured: Integers, wire: Integers, links: Integers,
    times: Integers, state: Integers,
) -> int:  # fmt: skip
    """Write where up to ``n`` frames stand, from ``state[0]`` on; return how many, and in ``state[1]`` why it ended.

    state[2] adds up the packets that the capturing program lost.
    """
    at = state[0]
    i = 0
    state[1] = ROWS_FULL
    while i < n:
        if at + SNOOP_HEADER > size:
            state[1] = NEED_MORE
            break
        here, length = number32(octets, at + 4, 1), number32(octets, at + 8, 1)
        if here > FRAME_LIMIT or length < SNOOP_HEADER + here or length > SNOOP_HEADER + FRAME_LIMIT + 65_536:
            state[1] = ABSURD
            break
        if at + length > size:
            state[1] = NEED_MORE
            break
        starts[i] = at + SNOOP_HEADER
        captured[i] = here
        wire[i] = max(here, number32(octets, at, 1))
        links[i] = link
        times[i] = number32(octets, at + 16, 1) * NS + min(number32(octets, at + 20, 1), _MICRO - 1) * 1000
        state[2] = max(state[2], number32(octets, at + 12, 1))
        i += 1
        at += length
    state[0] = at
    return i
