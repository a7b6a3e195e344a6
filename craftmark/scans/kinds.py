"""What a packet is for, by its protocol and control bits alone: opening, answering, in the middle, or none of these.

RFC 9293 section 3.10 for the segments of a connection, RFC 792 and RFC 4443 for ICMP's requests and answers.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from craftmark.packets import fields as f

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from craftmark.evidence.finished import Finished


class Kind(IntEnum):
    """Purpose of a strand's packets in an exchange."""

    UNDECODED = 0
    FRAGMENT = 1
    SYN = 2
    SYN_ACK = 3
    RST = 4
    MIDDLE = 5  # ACK without SYN or RST: inside a connection, or an ACK probe
    ODD = 6  # control bits that no connection shows
    UDP = 7
    ECHO = 8
    ASK = 9  # ICMP timestamp, information and mask requests
    REPLY = 10  # ICMP replies and errors
    NEIGHBOUR = 11  # ICMPv6 neighbour discovery and multicast listeners
    SCTP_OPEN = 12
    SCTP_OTHER = 13
    ARP_ASK = 14
    ARP_REPLY = 15
    OTHER = 16  # IP protocols without ports
    ROUTING = 17  # protocols that routers and tunnels speak by themselves
    UNTOLD = 18  # TCP whose control bits the input does not show


#: Kinds that ask, so that an answer may come back.
ASKING = (Kind.SYN, Kind.ODD, Kind.UDP, Kind.ECHO, Kind.ASK, Kind.SCTP_OPEN, Kind.ARP_ASK, Kind.OTHER, Kind.UNTOLD)

#: Kinds that only ever answer, unless somebody crafts them.
ANSWERING = (Kind.SYN_ACK, Kind.RST, Kind.REPLY, Kind.ARP_REPLY)

_ICMP_ASK = (13, 15, 17, 10)
_ROUTING = (2, 50, 51, 88, 89, 103, 112)  # IGMP, ESP, AH, EIGRP, OSPF, PIM, VRRP
_ECN = f.ECE | f.CWR


def kinds_of(finished: Finished) -> NDArray[np.int64]:
    """Return the Kind of every strand."""
    protocol, bits = finished.protocol, finished.bits
    kind = np.full(len(finished), int(Kind.OTHER), np.int64)
    kind[protocol == f.NOT_IP] = Kind.UNDECODED
    kind[np.isin(protocol, _ROUTING)] = Kind.ROUTING
    kind[protocol == f.TCP] = _tcp_kind(bits[protocol == f.TCP])
    kind[protocol == f.UDP] = Kind.UDP
    kind[protocol == f.ARP] = np.where(bits[protocol == f.ARP] == 1, Kind.ARP_ASK, Kind.ARP_REPLY)
    kind[protocol == f.ICMP] = _icmp_kind(bits[protocol == f.ICMP] >> 8, echo=8, asks=_ICMP_ASK)
    six = protocol == f.ICMP6
    kind[six] = _icmp_kind(bits[six] >> 8, echo=128, asks=(139,))
    kind[six & (bits >> 8 >= 130) & (bits >> 8 <= 137)] = Kind.NEIGHBOUR
    kind[finished.hides_bits] = np.where(protocol[finished.hides_bits] == f.TCP, Kind.UNTOLD, Kind.OTHER)
    transport = np.uint32(f.visibility_bit(f.SPORT))
    bare = ((finished.keys[:, 8] | finished.keys[:, 9]) & transport) == 0
    kind[bare & np.isin(protocol, (f.TCP, f.UDP, f.ICMP, f.ICMP6, f.SCTP))] = Kind.FRAGMENT
    return kind


def _tcp_kind(bits: NDArray[np.int64]) -> NDArray[np.int64]:
    plain = bits & ~_ECN & 0x3F
    kind = np.full(len(bits), int(Kind.ODD), np.int64)
    kind[plain == f.SYN] = Kind.SYN
    kind[plain == (f.SYN | f.ACK_BIT)] = Kind.SYN_ACK
    kind[(plain & ~f.ACK_BIT) == f.RST] = Kind.RST
    middle = ((plain & f.ACK_BIT) != 0) & ((plain & (f.SYN | f.RST)) == 0)
    kind[middle & ((plain & f.URG) == 0)] = Kind.MIDDLE
    kind[middle & (plain == (f.URG | f.ACK_BIT))] = Kind.MIDDLE
    kind[middle & (plain == (f.URG | f.PSH | f.ACK_BIT))] = Kind.MIDDLE
    return kind


def _icmp_kind(types: NDArray[np.int64], *, echo: int, asks: tuple[int, ...]) -> NDArray[np.int64]:
    kind = np.full(len(types), int(Kind.REPLY), np.int64)
    kind[types == echo] = Kind.ECHO
    kind[np.isin(types, asks)] = Kind.ASK
    return kind


def by_rows(kind: NDArray[np.int64], finished: Finished) -> NDArray[np.int64]:
    """Return the kinds with those told apart that only the packets themselves tell, by the known ones of a strand."""
    _sctp_kinds(kind, finished)
    _tiny_fragments(kind, finished)
    return kind


def _sctp_kinds(kind: NDArray[np.int64], finished: Finished) -> None:
    """Tell SCTP apart by the first chunk: INIT and COOKIE ECHO open."""
    strands = np.flatnonzero((finished.protocol == f.SCTP) & (kind != Kind.FRAGMENT))
    if len(strands):
        opens = _most(np.isin(finished.known(f.SCTP_CHUNK), (1, 10)), finished)
        kind[strands] = np.where(opens[strands], Kind.SCTP_OPEN, Kind.SCTP_OTHER)


def _tiny_fragments(kind: NDArray[np.int64], finished: Finished) -> None:
    """Take first fragments that end within the TCP header for crafted: no network cuts so short (RFC 791, RFC 1858)."""
    if (kind == Kind.UNTOLD).any():
        notes = finished.known(f.NOTES)
        is_tiny = (notes & (f.NOTE_FIRST_FRAGMENT | f.NOTE_CUT | f.NOTE_QUOTE)) == f.NOTE_FIRST_FRAGMENT
        kind[(kind == Kind.UNTOLD) & _most(is_tiny, finished)] = Kind.ODD


def _most(rows: NDArray[np.bool_], finished: Finished) -> NDArray[np.bool_]:
    """Tell of every strand whether something holds for more than half of its known rows."""
    owner, strands = finished.known_strand, len(finished)
    held: NDArray[np.bool_] = 2 * np.bincount(owner[rows], minlength=strands) > np.bincount(owner, minlength=strands)
    return held
