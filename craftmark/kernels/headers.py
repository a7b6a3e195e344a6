"""From frames in a buffer to rows of packets/fields.py, in one pass without an object per packet.

Everything in a frame is hostile: no step reads behind what was captured, every loop is bounded, and what does not add
up becomes a note. RFC 791, RFC 8200, RFC 4302 (AH), RFC 826 (ARP), RFC 2784, 2890 and 2637 (GRE), RFC 2003, 4213 and
2473 (IP in IP).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from craftmark.kernels._jit import device, inlined, kernel
from craftmark.kernels.links import (
    ARP_MESSAGE,
    CUT,
    ETHERNET,
    IPV4_HEADER,
    IPV6_HEADER,
    be16,
    be32,
    link_layer,
    link_source,
)
from craftmark.kernels.records import ABSURD, IS_ABSURD, NEED_MORE, NS, ROWS_FULL, record_at
from craftmark.kernels.sums import ones_sum
from craftmark.kernels.transport import MASK_32, transport, visible
from craftmark.kernels.tunnels import GRE, IP6_IN_IP, IPIP, NO_LINK, tunnel
from craftmark.kernels.usual import LEAST, usual
from craftmark.packets.fields import (
    ARP,
    ARP_OP,
    IP6_FLOW,
    IP_DST,
    IP_DST_HIGH,
    IP_FLAGS,
    IP_FRAG,
    IP_ID,
    IP_IHL,
    IP_LEN,
    IP_SRC,
    IP_SRC_HIGH,
    IP_TOS,
    IP_TTL,
    IP_VERSION,
    IPV4_WORDS,
    IPV6_WORDS,
    LINK_SRC,
    NOT_IP,
    NOTE_BAD_LENGTH,
    NOTE_CUT,
    NOTE_FIRST_FRAGMENT,
    NOTE_FRAGMENT,
    NOTE_IP_SUM_BAD,
    NOTE_TUNNEL,
    NOTES,
    PAYLOAD_WORDS,
    PRESENT,
    PROTOCOL,
    UNSEEN,
    WORDS,
    visibility_bit,
    visibility_mask,
)

if TYPE_CHECKING:
    from numpy import int64
    from numpy.typing import NDArray

    from craftmark.kernels.links import Octets
    from craftmark.packets.batch import Words

    Integers = NDArray[int64]

#: Tunnels inside tunnels that are followed; deeper ones stay the packets of protocol 4, 41 or 47 that they are.
MAX_TUNNELS: Final = 4
_MAX_EXTENSIONS = 12
_NOWHERE = (-1, 0, 0, -1)

_IPV4 = visibility_mask(*IPV4_WORDS)
_IPV6 = visibility_mask(*IPV6_WORDS)
_PROTOCOL = visibility_bit(PROTOCOL)
_PAYLOAD = visibility_mask(*PAYLOAD_WORDS)
_OP = visibility_bit(ARP_OP)
_VERSION_IHL, _TOS = visibility_mask(IP_VERSION, IP_IHL), visibility_bit(IP_TOS)
_LEN, _ID, _FRAG = visibility_bit(IP_LEN), visibility_bit(IP_ID), visibility_mask(IP_FLAGS, IP_FRAG)
_TTL, _SRC, _DST = visibility_bit(IP_TTL), visibility_bit(IP_SRC), visibility_bit(IP_DST)
_FLOW_TOS = visibility_mask(IP_VERSION, IP_TOS, IP6_FLOW)

_HOP_BY_HOP, _ROUTING, _FRAGMENT, _AUTHENTICATION, _DESTINATION = 0, 43, 44, 51, 60


@kernel
def decode_frames(
    n: int, octets: Octets, starts: Integers, captured: Integers, wire: Integers, links: Integers, words: Words
) -> None:
    """Write ``n`` rows.

    Frame i starts at ``starts[i]``, has ``captured[i]`` octets in the buffer and had ``wire[i]`` on the wire, behind
    a link layer of type ``links[i]``.
    """
    for i in range(n):
        if links[i] != ETHERNET or captured[i] < LEAST or not usual(i, octets, words, starts[i], captured[i]):
            _row(i, octets, words, starts[i], captured[i], wire[i], links[i])


@kernel
def decode_records(
    n: int, octets: Octets, size: int, big: int, header: int, tick_ns: int, lengths: int, link: int,
    starts: Integers, captured: Integers, wire: Integers, times: Integers, words: Words, state: Integers,
) -> int:  # fmt: skip
    """Walk up to ``n`` pcap records from ``state[0]`` on and write the row of each; return how many.

    One pass, since what limits it is the way of the octets from memory. ``header`` is the size of a record's header,
    ``tick_ns`` the unit of its fraction of a second, ``lengths`` the order of the two lengths. Why it ended is told in
    ``state[1]``.
    """
    at = state[0]
    state[1] = ROWS_FULL
    rows = n
    for i in range(n):
        here, there, second, fraction = record_at(octets, size, at, big, header, lengths)
        if here < 0:
            state[1] = ABSURD if here == IS_ABSURD else NEED_MORE
            rows = i
            break
        start = at + header
        starts[i] = start
        captured[i] = here
        wire[i] = there
        times[i] = second * NS + fraction * tick_ns
        if link != ETHERNET or here < LEAST or not usual(i, octets, words, start, here):
            _row(i, octets, words, start, here, there, link)
        at = start + here
    state[0] = at
    return rows


@kernel
def decode_outer(
    n: int, rows: Integers, octets: Octets, starts: Integers, captured: Integers, wire: Integers, links: Integers,
    words: Words,
) -> None:  # fmt: skip
    """Write the outermost IP header of ``n`` frames that carry tunnels, those of ``rows``, whose words are 0 before."""
    for i in range(n):
        row = rows[i]
        end = starts[row] + captured[row]
        at, kind = link_layer(octets, starts[row], end, links[row])
        if _holds_ip(octets, at, end, kind):
            if kind == IPV4_HEADER:
                _ipv4(i, octets, words, at, end, starts[row] + wire[row])
            else:
                _ipv6(i, octets, words, at, end, starts[row] + wire[row])


@device
def _row(i: int, octets: Octets, words: Words, start: int, captured: int, wire: int, link: int) -> None:
    """Write one row of whatever frame."""
    for w in range(WORDS):
        words[i, w] = 0
    at, end, stop, begin = _network(i, octets, words, start, start + captured, start + wire, link)
    if at >= 0:
        transport(i, octets, words, words[i, PROTOCOL] + 0, at, end, stop, begin)


@inlined
def _network(
    i: int, octets: Octets, words: Words, at: int, end: int, stop: int, link: int
) -> tuple[int, int, int, int]:
    """Write the innermost IP header that can be read, or what the frame is instead.

    Returns where the transport header stands (-1: none), the end of the captured octets of the datagram, the end of
    the datagram, and its start (-1: its checksum cannot be told).
    """
    words[i, LINK_SRC] = link_source(octets, at, end, link)
    depth = 0
    place = _NOWHERE
    while depth <= MAX_TUNNELS:
        at_ip, kind = link_layer(octets, at, end, link)
        if not _holds_ip(octets, at_ip, end, kind):
            break
        if depth > 0:
            _clear(i, words)
        if kind == IPV4_HEADER:
            protocol, at, stop, begin = _ipv4(i, octets, words, at_ip, end, stop)
        else:
            protocol, at, stop, begin = _ipv6(i, octets, words, at_ip, end, stop)
        end = min(end, stop)
        depth += 1
        place = (at, end, stop, begin)
        if at < 0 or protocol not in (IPIP, IP6_IN_IP, GRE):
            return place
        at, link = tunnel(octets, at, end, protocol)
        if link == NO_LINK:
            return place
    if depth == 0:
        return _no_ip(i, octets, words, at_ip, end, stop, kind)
    return place


@inlined
def _holds_ip(octets: Octets, at: int, end: int, kind: int) -> bool:
    """Tell whether a whole IP header of the right version starts here."""
    if kind == IPV4_HEADER:
        return at + 20 <= end and octets[at] & 0xF0 == 0x40
    if kind == IPV6_HEADER:
        return at + 40 <= end and octets[at] & 0xF0 == 0x60
    return False


@device
def _clear(i: int, words: Words) -> None:
    """Forget the outer header of a tunnel."""
    source = words[i, LINK_SRC]
    for w in range(WORDS):
        words[i, w] = 0
    words[i, LINK_SRC] = source
    words[i, NOTES] = NOTE_TUNNEL


@inlined
def _ipv4(i: int, octets: Octets, words: Words, at: int, end: int, stop: int) -> tuple[int, int, int, int]:
    """Write an IPv4 header; return protocol, transport (-1: none here), end of the datagram, and its start."""
    head = octets[at : at + 20]
    ihl = head[0] & 15
    fragment = be16(head, 6)
    protocol = head[9] + 0
    length = be16(head, 2)
    words[i, PRESENT] = _IPV4
    words[i, PROTOCOL] = protocol
    words[i, IP_VERSION] = 4
    words[i, IP_IHL] = ihl
    words[i, IP_TOS] = head[1]
    words[i, IP_LEN] = length
    words[i, IP_ID] = be16(head, 4)
    words[i, IP_FLAGS] = fragment >> 13
    words[i, IP_FRAG] = fragment & 0x1FFF
    words[i, IP_TTL] = head[8]
    words[i, IP_SRC] = be32(head, 12)
    words[i, IP_DST] = be32(head, 16)
    header = at + 4 * ihl
    said = at + length if length else stop  # a capture before segmentation offload says 0
    notes = 0
    if length == 0 or said > stop:
        notes = NOTE_BAD_LENGTH
    if ihl < 5 or header > said:
        words[i, NOTES] |= NOTE_BAD_LENGTH
        return protocol, -1, said, -1
    if header > end:
        notes |= NOTE_CUT
    elif ones_sum(octets, at, header) % 0xFFFF != 0:
        notes |= NOTE_IP_SUM_BAD
    if fragment & 0x1FFF:
        words[i, NOTES] |= notes | NOTE_FRAGMENT
        return protocol, -1, said, -1
    if fragment & 0x2000:
        notes |= NOTE_FIRST_FRAGMENT
    words[i, NOTES] |= notes
    return protocol, header, said, at


@device
def _ipv6(i: int, octets: Octets, words: Words, at: int, end: int, stop: int) -> tuple[int, int, int, int]:
    """Write an IPv6 header and walk its extension headers; returns as ``_ipv4`` does."""
    first = be32(octets, at)
    length = be16(octets, at + 4)
    protocol = octets[at + 6] + 0
    words[i, PRESENT] = _IPV6
    words[i, IP_VERSION] = 6
    words[i, IP_TOS] = (first >> 20) & 0xFF
    words[i, IP6_FLOW] = first & 0xFFFFF
    words[i, IP_LEN] = length
    words[i, IP_TTL] = octets[at + 7]
    for k in range(3):
        words[i, IP_SRC_HIGH + k] = be32(octets, at + 8 + 4 * k)
        words[i, IP_DST_HIGH + k] = be32(octets, at + 24 + 4 * k)
    words[i, IP_SRC] = be32(octets, at + 20)
    words[i, IP_DST] = be32(octets, at + 36)
    words[i, PROTOCOL] = protocol
    said = at + 40 + length
    if length == 0 and protocol == _HOP_BY_HOP:
        said = stop  # a jumbogram's length is in its options (RFC 2675)
    if said > stop:
        words[i, NOTES] |= NOTE_BAD_LENGTH
    if protocol not in (_HOP_BY_HOP, _ROUTING, _FRAGMENT, _AUTHENTICATION, _DESTINATION):
        return protocol, at + 40, said, at
    return _extensions(i, octets, words, at, end, said)


@device
def _extensions(i: int, octets: Octets, words: Words, begin: int, end: int, stop: int) -> tuple[int, int, int, int]:
    """Walk IPv6 extension headers up to the transport; returns as ``_ipv4`` does."""
    at = begin + 40
    protocol = octets[begin + 6] + 0
    for _ in range(_MAX_EXTENSIONS):
        if protocol not in (_HOP_BY_HOP, _ROUTING, _FRAGMENT, _AUTHENTICATION, _DESTINATION):
            words[i, PROTOCOL] = protocol
            return protocol, at, stop, begin
        size = 8
        if protocol != _FRAGMENT and at + 2 <= min(end, stop):
            size = (octets[at + 1] + 1) * 8
            if protocol == _AUTHENTICATION:
                size = (octets[at + 1] + 2) * 4
        if at + size > min(end, stop):
            _extension_cut(i, words, protocol, at + size <= stop)
            return protocol, -1, stop, -1
        if protocol == _ROUTING:
            begin = -1  # the checksum is over the last address of the route
        if protocol == _FRAGMENT:
            place = be16(octets, at + 2)
            if place & 0xFFF8:
                words[i, NOTES] |= NOTE_FRAGMENT
                words[i, PROTOCOL] = octets[at]
                return octets[at] + 0, -1, stop, -1
            if place & 1:
                words[i, NOTES] |= NOTE_FIRST_FRAGMENT
        protocol = octets[at] + 0
        at += size
    words[i, NOTES] |= NOTE_BAD_LENGTH
    words[i, PROTOCOL] = protocol
    return protocol, -1, stop, -1


@device
def _extension_cut(i: int, words: Words, protocol: int, exists: bool) -> None:  # noqa: FBT001 - kernels have no keywords
    """Note an extension header that is not wholly here: what follows it is unseen, or there is nothing."""
    words[i, PROTOCOL] = protocol
    if exists:
        words[i, PRESENT] &= MASK_32 ^ _PROTOCOL
        words[i, UNSEEN] |= _PROTOCOL | _PAYLOAD
        words[i, NOTES] |= NOTE_CUT
    else:
        words[i, NOTES] |= NOTE_BAD_LENGTH


@device
def _no_ip(i: int, octets: Octets, words: Words, at: int, end: int, stop: int, kind: int) -> tuple[int, int, int, int]:
    """Write the row of a frame without a whole IP header; returns as ``_network`` does."""
    words[i, PROTOCOL] = NOT_IP
    if kind == ARP_MESSAGE:
        _arp(i, octets, words, at, end, stop)
    elif kind == CUT:
        words[i, NOTES] |= NOTE_CUT if end < stop else NOTE_BAD_LENGTH
        if end < stop:
            words[i, UNSEEN] |= _IPV4
    elif kind == IPV4_HEADER:
        return _ipv4_cut(i, octets, words, at, end, stop)
    elif kind == IPV6_HEADER:
        return _ipv6_cut(i, octets, words, at, end, stop)
    return _NOWHERE


@device
def _arp(i: int, octets: Octets, words: Words, at: int, end: int, stop: int) -> None:
    """Write an ARP message about IPv4 addresses (RFC 826)."""
    words[i, PROTOCOL] = ARP
    if visible(i, words, _OP, 8, end - at, stop - at):
        words[i, ARP_OP] = be16(octets, at + 6)
    if end - at < 8:
        words[i, NOTES] |= NOTE_CUT if end < stop else NOTE_BAD_LENGTH
        words[i, UNSEEN] |= _SRC | _DST if end < stop else 0
        return
    hardware = octets[at + 4] + 0
    if be16(octets, at + 2) != 0x0800 or octets[at + 5] != 4:
        words[i, PROTOCOL] = NOT_IP
        return
    if visible(i, words, _SRC, 12 + hardware, end - at, stop - at):
        words[i, IP_SRC] = be32(octets, at + 8 + hardware)
    if visible(i, words, _DST, 16 + 2 * hardware, end - at, stop - at):
        words[i, IP_DST] = be32(octets, at + 12 + 2 * hardware)
    if 16 + 2 * hardware > end - at:
        words[i, NOTES] |= NOTE_CUT if end < stop else NOTE_BAD_LENGTH


@device
def _ipv4_cut(i: int, octets: Octets, words: Words, at: int, end: int, stop: int) -> tuple[int, int, int, int]:
    """Write what is here of an IPv4 header that was cut, the protocol too if it can be; returns as ``_network``."""
    if stop - at < 20 or (at < end and octets[at] & 0xF0 != 0x40):
        words[i, NOTES] |= NOTE_BAD_LENGTH
        return _NOWHERE
    words[i, NOTES] |= NOTE_CUT
    here = end - at
    if visible(i, words, _VERSION_IHL, 1, here, 20):
        words[i, IP_VERSION] = 4
        words[i, IP_IHL] = octets[at] & 15
    if visible(i, words, _TOS, 2, here, 20):
        words[i, IP_TOS] = octets[at + 1]
    if visible(i, words, _LEN, 4, here, 20):
        words[i, IP_LEN] = be16(octets, at + 2)
    if visible(i, words, _ID, 6, here, 20):
        words[i, IP_ID] = be16(octets, at + 4)
    if visible(i, words, _FRAG, 8, here, 20):
        words[i, IP_FLAGS] = (octets[at + 6] & 0xE0) >> 5
        words[i, IP_FRAG] = be16(octets, at + 6) & 0x1FFF
    if visible(i, words, _TTL, 9, here, 20):
        words[i, IP_TTL] = octets[at + 8]
    if visible(i, words, _PROTOCOL, 10, here, 20):
        words[i, PROTOCOL] = octets[at + 9]
    if visible(i, words, _SRC, 16, here, 20):
        words[i, IP_SRC] = be32(octets, at + 12)
    words[i, UNSEEN] |= _DST
    if here >= 10 and words[i, IP_IHL] >= 5 and words[i, IP_FRAG] == 0:
        return at + 4 * words[i, IP_IHL], end, at + words[i, IP_LEN], -1
    return _NOWHERE


@device
def _ipv6_cut(i: int, octets: Octets, words: Words, at: int, end: int, stop: int) -> tuple[int, int, int, int]:
    """Write what is here of an IPv6 header that was cut, never the last address; returns as ``_network`` does."""
    if stop - at < 40 or (at < end and octets[at] & 0xF0 != 0x60):
        words[i, NOTES] |= NOTE_BAD_LENGTH
        return _NOWHERE
    words[i, NOTES] |= NOTE_CUT
    here = end - at
    if visible(i, words, _FLOW_TOS, 4, here, 40):
        words[i, IP_VERSION] = 6
        words[i, IP_TOS] = (be32(octets, at) >> 20) & 0xFF
        words[i, IP6_FLOW] = be32(octets, at) & 0xFFFFF
    if visible(i, words, _LEN, 6, here, 40):
        words[i, IP_LEN] = be16(octets, at + 4)
    if visible(i, words, _TTL, 8, here, 40):
        words[i, IP_TTL] = octets[at + 7]
    if visible(i, words, _SRC, 24, here, 40):
        words[i, IP_SRC] = be32(octets, at + 20)
        for k in range(3):
            words[i, IP_SRC_HIGH + k] = be32(octets, at + 8 + 4 * k)
    words[i, UNSEEN] |= _DST
    if visible(i, words, _PROTOCOL, 7, here, 40):
        words[i, PROTOCOL] = octets[at + 6]
        if octets[at + 6] in (_HOP_BY_HOP, _ROUTING, _FRAGMENT, _AUTHENTICATION, _DESTINATION):
            _extension_cut(i, words, octets[at + 6] + 0, True)
        else:
            return at + 40, end, at + 40 + be16(octets, at + 4), -1
    return _NOWHERE
