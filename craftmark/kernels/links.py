"""From the first octet of a frame to its network header: link layers, VLAN tags, MPLS labels, PPPoE, LLC/SNAP.

Every step stays below ``end``, the end of what was captured, and answers where the network header starts and what it
is. Single octets are never shifted: Numba makes the result uint64, which no sum may meet.
IEEE 802.1Q, RFC 3032 (MPLS), RFC 2516 (PPPoE), RFC 1661/1662 (PPP), https://www.tcpdump.org/linktypes.html.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from craftmark.kernels._jit import device, inlined

if TYPE_CHECKING:
    from collections.abc import Sequence

    Octets = Sequence[int]  # an array of uint8, or its memoryview

# What follows a link header.
CUT: Final = -1  # the capture ends before it can be told
OTHER: Final = 0
ARP_MESSAGE: Final = 1
IPV4_HEADER: Final = 4
IPV6_HEADER: Final = 6

# Link types, as in packets/links.py: kernels stand below that table.
ETHERNET: Final = 1
RAW: Final = 101
PPP: Final = 9
_NULL, _LOOP, _SLL, _SLL2, _C_HDLC, _NFLOG, _PFLOG = 0, 108, 113, 276, 104, 239, 117
_RAW_BSD, _RAW_OPENBSD, _IPV4, _IPV6 = 12, 14, 228, 229
_PPP_HDLC, _PPP_ETHER, _PPP_WITH_DIR = 50, 51, 204

_TYPE_IPV4, _TYPE_ARP, _TYPE_IPV6 = 0x0800, 0x0806, 0x86DD
_TYPE_VLAN, _TYPE_QINQ, _TYPE_QINQ_OLD, _TYPE_QINQ_OLDER = 0x8100, 0x88A8, 0x9100, 0x9200
_TYPE_MPLS, _TYPE_MPLS_MULTICAST, _TYPE_PPPOE = 0x8847, 0x8848, 0x8864
_FIRST_TYPE = 0x0600  # below: a length, followed by LLC
_SNAP = 0xAAAA03
_MAX_TAGS = 8
_MAX_LABELS = 16
_MAX_TLVS = 32
_NFULA_PAYLOAD = 9
_AF_INET = 2
_ARPHRD_NETLINK = 824


@inlined
def be16(octets: Octets, at: int) -> int:
    """Return the 16-bit number in network order at ``at``."""
    return octets[at] * 256 + octets[at + 1]


@inlined
def be32(octets: Octets, at: int) -> int:
    """Return the 32-bit number in network order at ``at``."""
    return octets[at] * 16777216 + octets[at + 1] * 65536 + octets[at + 2] * 256 + octets[at + 3]


@inlined
def link_layer(octets: Octets, at: int, end: int, link: int) -> tuple[int, int]:
    """Return where the network header of a frame starts, and its kind."""
    if link == ETHERNET:
        if at + 14 > end:
            return at, CUT
        head = octets[at : at + 14]
        return by_type(octets, at + 14, end, be16(head, 12))
    if link in (RAW, _RAW_BSD, _RAW_OPENBSD, _IPV4, _IPV6):
        return by_version(octets, at, end)
    return _other_link(octets, at, end, link)


@device
def _other_link(octets: Octets, at: int, end: int, link: int) -> tuple[int, int]:
    """Return the network header behind the rarer link layers; OTHER for those that are not read."""
    if link in (_NULL, _LOOP):
        return _loopback(octets, at, end)
    if link == _SLL:
        return _cooked(octets, at, end)
    if link == _SLL2:
        return _cooked_2(octets, at, end)
    if link in (PPP, _PPP_HDLC, _PPP_WITH_DIR):
        return _ppp_frame(octets, at + (1 if link == _PPP_WITH_DIR else 0), end)
    if link == _PPP_ETHER:
        return _ppp_protocol(octets, at + 6, end)
    if link == _NFLOG:
        return _nflog(octets, at, end)
    if link == _C_HDLC and at + 4 <= end:
        return by_type(octets, at + 4, end, be16(octets, at + 2))
    if link == _PFLOG and at + 1 <= end:
        return by_version(octets, at + ((octets[at] + 3) & ~3), end)
    return at, CUT if link in (_C_HDLC, _PFLOG) else OTHER


@inlined
def link_source(octets: Octets, at: int, end: int, link: int) -> int:
    """Return the low 32 bits of the link layer's source address, 0 if the link has none."""
    if link in (ETHERNET, _SLL) and at + 12 <= end:
        head = octets[at : at + 12]
        return be32(head, 8)
    if link == _SLL2 and at + 18 <= end:
        return be32(octets, at + 14)
    return 0


@inlined
def by_type(octets: Octets, at: int, end: int, ether_type: int) -> tuple[int, int]:
    """Return the network header behind an EtherType whose contents start at ``at``."""
    for _ in range(_MAX_TAGS):
        if ether_type == _TYPE_IPV4:
            return at, IPV4_HEADER
        if ether_type == _TYPE_IPV6:
            return at, IPV6_HEADER
        if ether_type == _TYPE_ARP:
            return at, ARP_MESSAGE
        if ether_type in (_TYPE_VLAN, _TYPE_QINQ, _TYPE_QINQ_OLD, _TYPE_QINQ_OLDER):
            if at + 4 > end:
                return at, CUT
            ether_type = be16(octets, at + 2)
            at += 4
        elif ether_type in (_TYPE_MPLS, _TYPE_MPLS_MULTICAST):
            return _mpls(octets, at, end)
        elif ether_type == _TYPE_PPPOE:
            return _ppp_protocol(octets, at + 6, end)
        elif ether_type < _FIRST_TYPE:
            if at + 8 > end or be32(octets, at) >> 8 != _SNAP:
                return at, OTHER
            ether_type = be16(octets, at + 6)
            at += 8
        else:
            return at, OTHER
    return at, OTHER


@device
def by_version(octets: Octets, at: int, end: int) -> tuple[int, int]:
    """Return the kind of an IP header by its version number."""
    if at >= end:
        return at, CUT
    version = (octets[at] & 0xF0) >> 4
    if version in (IPV4_HEADER, IPV6_HEADER):
        return at, version
    return at, OTHER


@device
def _mpls(octets: Octets, at: int, end: int) -> tuple[int, int]:
    """Skip labels to the bottom of the stack; what follows is told by its first four bits."""
    for _ in range(_MAX_LABELS):
        if at + 4 > end:
            return at, CUT
        bottom = octets[at + 2] & 1
        at += 4
        if bottom:
            return by_version(octets, at, end)
    return at, OTHER


@device
def _ppp_frame(octets: Octets, at: int, end: int) -> tuple[int, int]:
    """Skip address and control, or Cisco's header where PPP was asked for."""
    if at + 4 <= end:
        if octets[at] == 0xFF and octets[at + 1] == 0x03:
            return _ppp_protocol(octets, at + 2, end)
        if octets[at] in (0x0F, 0x8F) and octets[at + 1] == 0:
            return by_type(octets, at + 4, end, be16(octets, at + 2))
    return _ppp_protocol(octets, at, end)


@device
def _ppp_protocol(octets: Octets, at: int, end: int) -> tuple[int, int]:
    """Return the network header behind PPP's protocol field, which may be one octet (RFC 1661 section 6.5)."""
    if at + 2 > end:
        return at, CUT
    if octets[at] & 1:
        protocol = octets[at]
        at += 1
    else:
        protocol = be16(octets, at)
        at += 2
    if protocol == 0x0021:
        return at, IPV4_HEADER
    if protocol == 0x0057:
        return at, IPV6_HEADER
    if protocol in (0x0281, 0x0283):
        return _mpls(octets, at, end)
    return at, OTHER


@device
def _loopback(octets: Octets, at: int, end: int) -> tuple[int, int]:
    """Return the network header behind BSD's address family, in the byte order of whatever host captured."""
    if at + 4 > end:
        return at, CUT
    family = be32(octets, at)
    if family >> 16:
        family = octets[at] + octets[at + 1] * 256
    if family == _AF_INET:
        return at + 4, IPV4_HEADER
    if family in (10, 24, 28, 30):  # AF_INET6 of Linux, of NetBSD and OpenBSD, of FreeBSD, of macOS
        return at + 4, IPV6_HEADER
    return at + 4, OTHER


@device
def _cooked(octets: Octets, at: int, end: int) -> tuple[int, int]:
    """Return the network header behind Linux's cooked header."""
    if at + 16 > end:
        return at, CUT
    if be16(octets, at + 2) == _ARPHRD_NETLINK:
        return at + 16, OTHER
    return by_type(octets, at + 16, end, be16(octets, at + 14))


@device
def _cooked_2(octets: Octets, at: int, end: int) -> tuple[int, int]:
    """Return the network header behind Linux's second cooked header."""
    if at + 20 > end:
        return at, CUT
    if be16(octets, at + 8) == _ARPHRD_NETLINK:
        return at + 20, OTHER
    return by_type(octets, at + 20, end, be16(octets, at))


@device
def _nflog(octets: Octets, at: int, end: int) -> tuple[int, int]:
    """Find the payload among the TLVs, whose numbers are in the capturing host's byte order."""
    at += 4
    if at + 4 > end:
        return at, CUT
    first = octets[at] + octets[at + 1] * 256
    little = 4 <= first <= end - at
    for _ in range(_MAX_TLVS):
        if at + 4 > end:
            return at, CUT
        size = be16(octets, at)
        kind = be16(octets, at + 2)
        if little:
            size = (size & 0xFF) << 8 | size >> 8
            kind = (kind & 0xFF) << 8 | kind >> 8
        if kind & 0x3FFF == _NFULA_PAYLOAD:
            return by_version(octets, at + 4, end)
        if size < 4:
            return at, OTHER
        at += (size + 3) & ~3
    return at, OTHER
