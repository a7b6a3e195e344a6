"""From the first octet behind the IP header to the words of a row: TCP, UDP, ICMP, ICMPv6, SCTP, payload, checksums.

``at`` is where the transport header starts, ``end`` where the captured octets of the datagram end, ``stop`` where the
IP header says that the datagram ends. A field beyond ``end`` is unseen; one beyond ``stop`` does not exist.
RFC 9293, RFC 768, RFC 792, RFC 4443, RFC 9260, RFC 1071.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from craftmark.kernels._jit import device, inlined
from craftmark.kernels.links import be16, be32
from craftmark.kernels.sums import half_words, last_word, ones_sum
from craftmark.packets.fields import (
    ACK,
    DPORT,
    ICMP,
    ICMP6,
    ICMP_CODE,
    ICMP_ID,
    ICMP_SEQ,
    ICMP_TYPE,
    IP_DST,
    IP_DST_HIGH,
    IP_SRC,
    IP_SRC_HIGH,
    IP_VERSION,
    IPV4_WORDS,
    NOTE_BAD_LENGTH,
    NOTE_BAD_OPTIONS,
    NOTE_CUT,
    NOTE_FIRST_FRAGMENT,
    NOTE_QUOTE,
    NOTE_SUM_BAD,
    NOTES,
    PAYLOAD_HASH,
    PAYLOAD_HEAD,
    PAYLOAD_LEN,
    PRESENT,
    QUOTE_DPORT,
    QUOTE_DST,
    QUOTE_IP_ID,
    QUOTE_PROTOCOL,
    QUOTE_SEQ,
    QUOTE_SPORT,
    SCTP,
    SCTP_CHUNK,
    SCTP_VTAG,
    SEQ,
    SPORT,
    TCP,
    TCP_FLAGS,
    TCP_MSS,
    TCP_OFF,
    TCP_OPTIONS,
    TCP_OPTIONS_LOW,
    TCP_RESERVED,
    TCP_TSECR,
    TCP_TSVAL,
    TCP_URP,
    TCP_WIN,
    TCP_WORDS,
    TCP_WSCALE,
    UDP,
    UDP_LEN,
    UDP_SUM,
    UNSEEN,
    visibility_bit,
    visibility_mask,
)

if TYPE_CHECKING:
    from craftmark.kernels.links import Octets
    from craftmark.packets.batch import Words

MASK_32: Final = 0xFFFFFFFF
#: Datagrams up to this long have their transport checksum verified: probes are short, transfers are not.
SUM_UP_TO: Final = 128
HASHED: Final = 64
_FNV_PRIME = 16777619
#: Where the hash of a payload starts.
FNV_BASIS: Final = 2166136261
_MAX_HEADER = 60
_EOL_NIBBLE, _OTHER_NIBBLE = 7, 15

_TCP = visibility_mask(*TCP_WORDS)
_BARE_TCP = visibility_mask(*IPV4_WORDS, *TCP_WORDS, PAYLOAD_LEN)
_TCP_LAYOUT = visibility_mask(TCP_OPTIONS, TCP_OPTIONS_LOW)
_TCP_VALUES = visibility_mask(TCP_MSS, TCP_WSCALE, TCP_TSVAL, TCP_TSECR)
_MSS, _WSCALE = visibility_bit(TCP_MSS), visibility_bit(TCP_WSCALE)
_STAMPS = visibility_mask(TCP_TSVAL, TCP_TSECR)
_PAYLOAD_ALL = visibility_mask(PAYLOAD_LEN, PAYLOAD_HASH, PAYLOAD_HEAD)
_PAYLOAD_LEN, _PAYLOAD_HASH = visibility_bit(PAYLOAD_LEN), visibility_bit(PAYLOAD_HASH)
_PAYLOAD_HEAD = visibility_bit(PAYLOAD_HEAD)
_SPORT, _DPORT, _SEQ, _ACK = visibility_bit(SPORT), visibility_bit(DPORT), visibility_bit(SEQ), visibility_bit(ACK)
_OFF, _FLAGS = visibility_mask(TCP_OFF, TCP_RESERVED), visibility_bit(TCP_FLAGS)
_WIN, _URP = visibility_bit(TCP_WIN), visibility_bit(TCP_URP)
_QUOTE_IP, _QUOTE_ID = visibility_mask(QUOTE_PROTOCOL, QUOTE_DST), visibility_bit(QUOTE_IP_ID)
_QUOTE_PORTS, _QUOTE_SEQ = visibility_mask(QUOTE_SPORT, QUOTE_DPORT), visibility_bit(QUOTE_SEQ)


@device
def transport(i: int, octets: Octets, words: Words, protocol: int, at: int, end: int, stop: int, begin: int) -> None:
    """Write the transport's words of row ``i``; the datagram starts at ``begin``, -1 if its sum cannot be told."""
    if protocol == TCP:
        _tcp(i, octets, words, at, end, stop)
    elif protocol == UDP:
        _udp(i, octets, words, at, end, stop)
    elif protocol in (ICMP, ICMP6):
        _icmp(i, octets, words, protocol, at, end, stop)
    elif protocol == SCTP:
        _sctp(i, octets, words, at, end, stop)
    else:
        _payload(i, octets, words, at, end, stop)
    if begin >= 0 and stop - begin <= SUM_UP_TO and at < stop <= end and words[i, NOTES] & NOTE_FIRST_FRAGMENT == 0:
        _verify(i, octets, words, protocol, at, stop)


@device
def visible(i: int, words: Words, bits: int, need: int, here: int, limit: int) -> bool:
    """Tell whether a field that ends ``need`` octets into a header is here; mark it present, unseen or neither."""
    if need <= here:
        words[i, PRESENT] |= bits
        return True
    if need <= limit:
        words[i, UNSEEN] |= bits
    return False


@device
def note_short(i: int, words: Words, need: int, at: int, end: int, stop: int) -> int:
    """Note why a header of ``need`` octets is not here; return how many octets of it exist."""
    if words[i, NOTES] & NOTE_FIRST_FRAGMENT:
        return _MAX_HEADER  # the rest is in the next fragment
    if stop - at < need:
        words[i, NOTES] |= NOTE_BAD_LENGTH
    if end < stop and end - at < need:
        words[i, NOTES] |= NOTE_CUT
    return stop - at


@inlined
def _tcp(i: int, octets: Octets, words: Words, at: int, end: int, stop: int) -> None:
    if end - at < 20:
        _tcp_cut(i, octets, words, at, end, stop)
        return
    head = octets[at : at + 20]
    words[i, SPORT] = be16(head, 0)
    words[i, DPORT] = be16(head, 2)
    words[i, SEQ] = be32(head, 4)
    words[i, ACK] = be32(head, 8)
    size = (head[12] & 0xF0) >> 4
    words[i, TCP_OFF] = size
    words[i, TCP_RESERVED] = head[12] & 15
    words[i, TCP_FLAGS] = head[13]
    words[i, TCP_WIN] = be16(head, 14)
    words[i, TCP_URP] = be16(head, 18)
    words[i, PRESENT] |= _TCP
    if size > 5:
        options(i, octets, words, at + 20, end, min(at + 4 * size, stop))
    elif size < 5:
        words[i, NOTES] |= NOTE_BAD_LENGTH
        return
    _payload(i, octets, words, at + 4 * size, end, stop)


@device
def _tcp_cut(i: int, octets: Octets, words: Words, at: int, end: int, stop: int) -> None:
    here = end - at
    limit = note_short(i, words, 20, at, end, stop)
    if visible(i, words, _SPORT, 2, here, limit):
        words[i, SPORT] = be16(octets, at)
    if visible(i, words, _DPORT, 4, here, limit):
        words[i, DPORT] = be16(octets, at + 2)
    if visible(i, words, _SEQ, 8, here, limit):
        words[i, SEQ] = be32(octets, at + 4)
    if visible(i, words, _ACK, 12, here, limit):
        words[i, ACK] = be32(octets, at + 8)
    size = 0
    if visible(i, words, _OFF, 13, here, limit):
        size = (octets[at + 12] & 0xF0) >> 4
        words[i, TCP_OFF] = size
        words[i, TCP_RESERVED] = octets[at + 12] & 15
    if visible(i, words, _FLAGS, 14, here, limit):
        words[i, TCP_FLAGS] = octets[at + 13]
    if visible(i, words, _WIN, 16, here, limit):
        words[i, TCP_WIN] = be16(octets, at + 14)
    visible(i, words, _URP, 20, here, limit)
    if size == 5:
        words[i, PRESENT] |= _TCP_LAYOUT
        _payload(i, octets, words, at + 20, end, stop)
    elif limit >= 20:
        words[i, UNSEEN] |= _TCP_LAYOUT | _TCP_VALUES | _PAYLOAD_ALL


@device
def options(i: int, octets: Octets, words: Words, at: int, end: int, stop: int) -> None:
    """Write the layout of the options between ``at`` and ``stop``, and the values of those that have some."""
    if end < stop:
        words[i, PRESENT] &= MASK_32 ^ _TCP_LAYOUT
        words[i, UNSEEN] |= _TCP_LAYOUT | _TCP_VALUES
        words[i, NOTES] |= NOTE_CUT
        return
    part = octets[at:stop]
    limit = stop - at
    here = 0
    place = 0
    first = 0
    second = 0
    while here < limit:
        kind = part[here] + 0
        if place < 8:
            first |= nibble_of(kind) << (28 - 4 * place)
        elif place < 16:
            second |= nibble_of(kind) << (60 - 4 * place)
        place += 1
        if kind == 0:
            break
        if kind == 1:
            here += 1
            continue
        size = 0
        if here + 1 < limit:
            size = part[here + 1] + 0
        if size < 2 or here + size > limit:
            words[i, NOTES] |= NOTE_BAD_OPTIONS
            break
        if kind <= 8:
            _option_value(i, part, words, kind, size, here + 2)
        here += size
    words[i, TCP_OPTIONS] = first
    words[i, TCP_OPTIONS_LOW] = second


@inlined
def nibble_of(kind: int) -> int:
    """Return the nibble of an option kind (fields.OPTION_NIBBLES)."""
    if kind == 0:
        return _EOL_NIBBLE
    if kind <= 5:
        return kind + 0
    if kind == 8:
        return 6
    if kind == 14:
        return 8
    if kind == 19:
        return 9
    if kind == 34:
        return 10
    if kind == 30:
        return 11
    if kind == 254:
        return 12
    if kind == 253:
        return 13
    return _OTHER_NIBBLE


@inlined
def _option_value(i: int, octets: Octets, words: Words, kind: int, size: int, at: int) -> None:
    if kind == 2 and size == 4:
        words[i, TCP_MSS] = be16(octets, at)
        words[i, PRESENT] |= _MSS
    elif kind == 3 and size == 3:
        words[i, TCP_WSCALE] = octets[at]
        words[i, PRESENT] |= _WSCALE
    elif kind == 8 and size == 10:
        words[i, TCP_TSVAL] = be32(octets, at)
        words[i, TCP_TSECR] = be32(octets, at + 4)
        words[i, PRESENT] |= _STAMPS
    elif kind in (2, 3, 8):
        words[i, NOTES] |= NOTE_BAD_OPTIONS


@device
def _udp(i: int, octets: Octets, words: Words, at: int, end: int, stop: int) -> None:
    here = end - at
    limit = 8
    if here < 8:
        limit = note_short(i, words, 8, at, end, stop)
    if visible(i, words, _SPORT, 2, here, limit):
        words[i, SPORT] = be16(octets, at)
    if visible(i, words, _DPORT, 4, here, limit):
        words[i, DPORT] = be16(octets, at + 2)
    if visible(i, words, _SEQ, 6, here, limit):
        size = be16(octets, at + 4)
        words[i, UDP_LEN] = size
        if size != stop - at and size != 0 and words[i, NOTES] & NOTE_FIRST_FRAGMENT == 0:
            words[i, NOTES] |= NOTE_BAD_LENGTH
    if visible(i, words, _ACK, 8, here, limit):
        words[i, UDP_SUM] = be16(octets, at + 6)
    if limit >= 8:
        _payload(i, octets, words, at + 8, end, stop)


@device
def _sctp(i: int, octets: Octets, words: Words, at: int, end: int, stop: int) -> None:
    here = end - at
    limit = stop - at
    if here < 12:
        limit = note_short(i, words, 12, at, end, stop)
    if visible(i, words, _SPORT, 2, here, limit):
        words[i, SPORT] = be16(octets, at)
    if visible(i, words, _DPORT, 4, here, limit):
        words[i, DPORT] = be16(octets, at + 2)
    if visible(i, words, _SEQ, 8, here, limit):
        words[i, SCTP_VTAG] = be32(octets, at + 4)
    if visible(i, words, _ACK, 13, here, limit):
        words[i, SCTP_CHUNK] = octets[at + 12]
    if limit >= 12:
        _payload(i, octets, words, at + 12, end, stop)


@device
def _icmp(i: int, octets: Octets, words: Words, protocol: int, at: int, end: int, stop: int) -> None:
    here = end - at
    limit = stop - at
    if here < 8:
        limit = note_short(i, words, 8, at, end, stop)
    kind = -1
    if visible(i, words, _SPORT, 1, here, limit):
        kind = octets[at]
        words[i, ICMP_TYPE] = kind
    if visible(i, words, _DPORT, 2, here, limit):
        words[i, ICMP_CODE] = octets[at + 1]
    if kind < 0 or is_query(protocol, kind):
        if visible(i, words, _SEQ, 6, here, limit):
            words[i, ICMP_ID] = be16(octets, at + 4)
        if visible(i, words, _ACK, 8, here, limit):
            words[i, ICMP_SEQ] = be16(octets, at + 6)
    elif is_error(protocol, kind):
        _quote(i, octets, words, at + 8, end, stop)
    if limit >= 8:
        _payload(i, octets, words, at + 8, end, stop)


@device
def is_query(protocol: int, kind: int) -> bool:
    """Tell whether messages of this type have an identifier and a sequence number."""
    if protocol == ICMP6:
        return kind in (128, 129)
    return kind in (0, 8, 13, 14, 15, 16, 17, 18)


@device
def is_error(protocol: int, kind: int) -> bool:
    """Tell whether messages of this type quote the packet they answer."""
    if protocol == ICMP6:
        return 1 <= kind <= 4
    return kind in (3, 4, 5, 11, 12)


@device
def _quote(i: int, octets: Octets, words: Words, at: int, end: int, stop: int) -> None:
    """Write what an ICMP error quotes; of a quoted ICMP message type, code and the four octets behind the checksum."""
    version = 4
    if at < end:
        version = (octets[at] & 0xF0) >> 4
    size = 40 if version == 6 else 20
    if not visible(i, words, _QUOTE_IP, size, end - at, stop - at):
        if size <= stop - at:
            words[i, NOTES] |= NOTE_CUT
        return
    if version == 6:
        protocol = octets[at + 6]
        words[i, QUOTE_DST] = be32(octets, at + 36)
    elif version == 4 and octets[at] & 15 >= 5:
        protocol = octets[at + 9]
        size = (octets[at] & 15) * 4
        words[i, QUOTE_DST] = be32(octets, at + 16)
        words[i, QUOTE_IP_ID] = be16(octets, at + 4)
        words[i, PRESENT] |= _QUOTE_ID
    else:
        words[i, PRESENT] &= MASK_32 ^ _QUOTE_IP
        words[i, NOTES] |= NOTE_BAD_LENGTH
        return
    words[i, QUOTE_PROTOCOL] = protocol
    words[i, NOTES] |= NOTE_QUOTE
    if version == 6 or be16(octets, at + 6) & 0x1FFF == 0:
        _quoted_transport(i, octets, words, protocol, at + size, end, stop)


@device
def _quoted_transport(i: int, octets: Octets, words: Words, protocol: int, at: int, end: int, stop: int) -> None:
    here = end - at
    limit = stop - at
    if protocol in (TCP, UDP, SCTP):
        if visible(i, words, _QUOTE_PORTS, 4, here, limit):
            words[i, QUOTE_SPORT] = be16(octets, at)
            words[i, QUOTE_DPORT] = be16(octets, at + 2)
        if protocol == TCP and visible(i, words, _QUOTE_SEQ, 8, here, limit):
            words[i, QUOTE_SEQ] = be32(octets, at + 4)
    elif protocol in (ICMP, ICMP6):
        if visible(i, words, _QUOTE_PORTS, 2, here, limit):
            words[i, QUOTE_SPORT] = octets[at]
            words[i, QUOTE_DPORT] = octets[at + 1]
        if visible(i, words, _QUOTE_SEQ, 8, here, limit):
            words[i, QUOTE_SEQ] = be32(octets, at + 4)


@inlined
def _payload(i: int, octets: Octets, words: Words, at: int, end: int, stop: int) -> None:
    """Write length, hash and first octets of what follows the transport header."""
    size = stop - at
    if size < 0:
        words[i, NOTES] |= NOTE_BAD_LENGTH
        return
    words[i, PAYLOAD_LEN] = size
    words[i, PRESENT] |= _PAYLOAD_LEN
    if size == 0:
        return
    if visible(i, words, _PAYLOAD_HEAD, min(size, 4), end - at, size):
        part = octets[at:stop]
        words[i, PAYLOAD_HEAD] = be32(part, 0) if size >= 4 else last_word(part, size)
    if visible(i, words, _PAYLOAD_HASH, min(size, HASHED), end - at, size):
        words[i, PAYLOAD_HASH] = hash_octets(octets, at, min(at + HASHED, stop))


@device
def hash_octets(octets: Octets, at: int, stop: int) -> int:
    """Return a 32-bit hash of some octets: FNV-1a over 32-bit words, the last padded with zeros, then the length."""
    size = stop - at
    part = octets[at:stop]
    h = FNV_BASIS
    k = 0
    while k + 4 <= size:
        h = mixed(h, be32(part, k))
        k += 4
    if size & 3:
        h = mixed(h, last_word(part, size))
    return finished(h, size)


@inlined
def mixed(h: int, word: int) -> int:
    """Return a payload's hash after one more word."""
    h = ((h ^ word) * _FNV_PRIME) & MASK_32
    return h ^ (h >> 15)


@inlined
def finished(h: int, size: int) -> int:
    """Return a payload's hash after its last word."""
    h = ((h ^ size) * _FNV_PRIME) & MASK_32
    return h ^ (h >> 13)


@inlined
def _verify(i: int, octets: Octets, words: Words, protocol: int, at: int, stop: int) -> None:
    """Note a transport checksum that does not hold (RFC 1071); the datagram is wholly here."""
    total = ones_sum(octets, at, stop)
    if protocol == UDP:
        if words[i, UDP_SUM] == 0:
            return
    elif protocol not in (TCP, ICMP, ICMP6):
        return
    if protocol != ICMP:
        total += protocol + stop - at
        total += half_words(words[i, IP_SRC]) + half_words(words[i, IP_DST])
        if words[i, IP_VERSION] == 6:
            for k in range(3):
                total += half_words(words[i, IP_SRC_HIGH + k]) + half_words(words[i, IP_DST_HIGH + k])
    if total == 0 or total % 0xFFFF != 0:  # the sum of zeros alone is +0, one that holds is -0
        words[i, NOTES] |= NOTE_SUM_BAD
