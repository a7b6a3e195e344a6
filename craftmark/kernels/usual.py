"""The frame that most frames are: Ethernet, IPv4 without options, whole, with a TCP or UDP header or a ping inside.

It is read in one piece, in half the time. A row says what ``headers`` and ``transport`` would say of the same frame;
whatever is odd about a frame, however little, is left to them. RFC 791, RFC 9293, RFC 768, RFC 792, RFC 1071.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from craftmark.kernels._jit import inlined
from craftmark.kernels.links import be16, be32
from craftmark.kernels.sums import last_word, ones_sum
from craftmark.kernels.transport import FNV_BASIS, HASHED, SUM_UP_TO, finished, mixed, options
from craftmark.packets.fields import (
    ACK,
    DPORT,
    ICMP,
    ICMP_CODE,
    ICMP_TYPE,
    IP_DST,
    IP_FLAGS,
    IP_ID,
    IP_IHL,
    IP_LEN,
    IP_SRC,
    IP_TOS,
    IP_TTL,
    IP_VERSION,
    IPV4_WORDS,
    LINK_SRC,
    NOTE_IP_SUM_BAD,
    NOTE_SUM_BAD,
    NOTES,
    PAYLOAD_HASH,
    PAYLOAD_HEAD,
    PAYLOAD_LEN,
    PRESENT,
    PROTOCOL,
    SEQ,
    SPORT,
    TCP,
    TCP_FLAGS,
    TCP_MSS,
    TCP_OFF,
    TCP_OPTIONS,
    TCP_RESERVED,
    TCP_URP,
    TCP_WIN,
    TCP_WORDS,
    UDP,
    UDP_SUM,
    WORDS,
    visibility_bit,
    visibility_mask,
)

if TYPE_CHECKING:
    from craftmark.kernels.links import Octets
    from craftmark.packets.batch import Words

#: Octets that are looked at in every frame: Ethernet, IPv4 and TCP headers without options.
LEAST: Final = 54
_LINK, _IP, _BARE = 14, 20, 20  # octets of headers: Ethernet, IPv4 and TCP without options
_TYPE_IPV4: Final = 0x0800
_VERSION_IHL: Final = 0x45
_FRAGMENT: Final = 0x3FFF
_ECHO, _ECHO_REPLY = 8, 0
_MSS_ALONE: Final = 0x0204
_MSS_LAYOUT: Final = 0x20000000
_TCP_PRESENT = visibility_mask(*IPV4_WORDS, *TCP_WORDS, PAYLOAD_LEN)
_OTHER_PRESENT = visibility_mask(*IPV4_WORDS, SPORT, DPORT, SEQ, ACK, PAYLOAD_LEN)
_PAYLOAD_OCTETS = visibility_mask(PAYLOAD_HASH, PAYLOAD_HEAD)
_MSS = visibility_bit(TCP_MSS)


@inlined
def usual(i: int, octets: Octets, words: Words, start: int, captured: int) -> bool:
    """Write the row of a usual frame; return False, with nothing written, for all others.

    The order of the steps matters: the compiler reads a whole word at once only where its octets serve nothing else
    until the next write to the row.
    """
    head = octets[start : start + LEAST]
    size = be16(head, 16)
    protocol = head[23] + 0
    if be16(head, 12) != _TYPE_IPV4 or head[14] != _VERSION_IHL or be16(head, 20) & _FRAGMENT:
        return False
    header = _header_size(head, protocol, size)
    rest = size - _IP - header
    if header == 0 or rest < 0 or size + _LINK > captured:
        return False
    for w in range(WORDS):
        words[i, w] = 0
    source, target = be32(head, 26), be32(head, 30)
    addresses = source + target
    total = be32(head, 14) + be32(head, 18) + be32(head, 22) + addresses
    words[i, NOTES] = 0 if total % 0xFFFF == 0 else NOTE_IP_SUM_BAD
    words[i, IP_SRC] = source
    words[i, IP_DST] = target
    words[i, PROTOCOL] = protocol
    words[i, IP_VERSION] = 4
    words[i, IP_IHL] = 5
    words[i, IP_TOS] = head[15]
    words[i, IP_LEN] = size
    words[i, IP_ID] = be16(head, 18)
    words[i, IP_FLAGS] = (head[20] & 0xE0) >> 5
    words[i, IP_TTL] = head[22]
    words[i, PAYLOAD_LEN] = rest
    words[i, LINK_SRC] = be32(head, 8)
    if protocol == TCP:
        words[i, PRESENT] = _TCP_PRESENT
        total = _tcp(i, octets, head, words, start, header) + addresses + TCP + size - _IP
        at = start + 34 + header
    else:
        words[i, PRESENT] = _OTHER_PRESENT
        total = _short(i, head, words)
        at = start + 42
        if protocol == UDP:
            total += addresses + UDP + size - _IP
    if rest > 0:
        total += _contents(i, octets, words, at, rest)
    if size <= SUM_UP_TO and total % 0xFFFF != 0 and (protocol != UDP or words[i, UDP_SUM] != 0):
        words[i, NOTES] |= NOTE_SUM_BAD
    return True


@inlined
def _header_size(head: Octets, protocol: int, size: int) -> int:
    """Return how long the transport header of a datagram of ``size`` octets says it is; 0 if it is not a usual one."""
    if protocol == TCP:
        offset = (head[46] & 0xF0) >> 2
        return offset if offset >= _BARE else 0
    if protocol == UDP:
        return 8 if be16(head, 38) == size - _IP else 0
    return 8 if protocol == ICMP and (head[34] == _ECHO or head[34] == _ECHO_REPLY) else 0


@inlined
def _tcp(i: int, octets: Octets, head: Octets, words: Words, start: int, header: int) -> int:
    """Write a TCP header that is wholly here; return the sum of its words."""
    sequence, acknowledged = be32(head, 38), be32(head, 42)
    total = be32(head, 34) + sequence + acknowledged + be32(head, 46) + be32(head, 50)
    words[i, SEQ] = sequence
    words[i, ACK] = acknowledged
    words[i, SPORT] = be16(head, 34)
    words[i, DPORT] = be16(head, 36)
    words[i, TCP_OFF] = header >> 2
    words[i, TCP_RESERVED] = head[46] & 15
    words[i, TCP_FLAGS] = head[47]
    words[i, TCP_WIN] = be16(head, 48)
    words[i, TCP_URP] = be16(head, 52)
    if header == _BARE:
        return total
    at = start + LEAST
    stop = at + header - _BARE
    part = octets[at : at + 4]
    if header == 24 and be16(part, 0) == _MSS_ALONE:
        words[i, TCP_OPTIONS] = _MSS_LAYOUT
        words[i, TCP_MSS] = be16(part, 2)
        words[i, PRESENT] = _TCP_PRESENT | _MSS
        return total + be32(part, 0)
    options(i, octets, words, at, stop, stop)
    return total + ones_sum(octets, at, stop)


@inlined
def _short(i: int, head: Octets, words: Words) -> int:
    """Write the eight octets of a UDP header or of an ICMP query; return the sum of their words."""
    if head[23] == UDP:
        words[i, SPORT] = be16(head, 34)
        words[i, DPORT] = be16(head, 36)
    else:
        words[i, ICMP_TYPE] = head[34]
        words[i, ICMP_CODE] = head[35]
    words[i, SEQ] = be16(head, 38)
    words[i, ACK] = be16(head, 40)
    return be32(head, 34) + be32(head, 38)


@inlined
def _contents(i: int, octets: Octets, words: Words, at: int, size: int) -> int:
    """Write the first octets and the hash of a payload that is wholly here; return the sum of its words."""
    hashed = min(size, HASHED)
    part = octets[at : at + hashed]
    words[i, PRESENT] |= _PAYLOAD_OCTETS
    words[i, PAYLOAD_HEAD] = be32(part, 0) if size >= 4 else last_word(part, size)
    h = FNV_BASIS
    total = 0
    k = 0
    while k + 4 <= hashed:  # of a range, Numba would fear negative places
        word = be32(part, k)
        total += word
        h = mixed(h, word)
        k += 4
    if hashed & 3:
        word = last_word(part, hashed)
        total += word
        h = mixed(h, word)
    words[i, PAYLOAD_HASH] = finished(h, hashed)
    if size > HASHED and size <= SUM_UP_TO:
        total += ones_sum(octets, at + HASHED, at + size)
    return total
