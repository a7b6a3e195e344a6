"""Which groups of packets probe: told by what the packets are, never by a time window.

Thresholds carry a sentence each. A group that probes is not yet a scan; scans.py joins groups to acts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from craftmark.packets import fields as f
from craftmark.scans.conversations import scramble
from craftmark.scans.kinds import Kind

if TYPE_CHECKING:
    from craftmark.evidence.finished import Finished
    from craftmark.scans.conversations import Conversations
    from craftmark.scans.features import Groups

Flags = NDArray[np.bool_]

#: Ports of one address that a standard stack tries in vain before it counts as a port scan (psad: 5).
PORTS = 5
#: Addresses tried on the same port, mostly in vain, before it counts as an address scan.
ADDRESSES = 8
#: Addresses sent an echo request before it counts as a ping sweep.
PINGED = 5
#: Addresses asked for by ARP before it counts as a scan of the LAN: a gateway asks for a few.
ASKED_BY_ARP = 16
#: IP protocols tried on one address before it counts as a protocol scan.
PROTOCOLS = 5
LAST_PROTOCOL = 255
#: Bare acknowledgments out of nowhere, each in a conversation of its own, before they count as probes.
LONE = 5
#: Kinds of TCP packet that closed ports answer, and lone answers per one of them that a capture may have lost.
_REQUESTS = (Kind.SYN, Kind.ODD, Kind.MIDDLE)
LOST = 4
#: Requests of one source at one address, all of one header, that no stack sends.
REPEATED = 10


def probing_groups(finished: Finished, groups: Groups, rows: Conversations) -> Flags:
    """Tell of every group whether its packets probe."""
    g = groups
    vain = 2 * g.completed < g.known
    kind = g.kind
    probing = np.zeros(len(kind), bool)
    probing |= (kind == Kind.SYN) & vain & g.crafted & ((_several(g) & ~_calling_again(g)) | (g.probes >= REPEATED))
    probing |= (kind == Kind.SYN) & vain & (2 * g.half_open > g.answered)
    probing |= (kind == Kind.SYN) & g.crafted & _many_ports(g)
    probing |= (kind == Kind.SYN) & vain & ~g.crafted & (_many_ports(g) | _many_addresses(g, share=4))
    probing |= (kind == Kind.ODD) & (2 * g.lone > g.known) & ((_several(g) & (g.malformed == 0)) | (g.probes >= LONE))
    probing |= (kind == Kind.MIDDLE) & (2 * g.lone > g.known) & (g.lone >= LONE) & _toward_service(g) & _spread(g)
    answers = np.isin(kind, (Kind.RST, Kind.SYN_ACK))
    answers &= (2 * g.lone > g.known) & (g.known >= LONE) & _toward_service(g) & _spread(g)
    probing |= answers & ~_beside_requests(groups, rows, answers)
    quiet = (2 * g.asked < g.known) & (2 * g.answered < g.known)
    told_by_ports = np.isin(kind, (Kind.UDP, Kind.UNTOLD))
    probing |= told_by_ports & quiet & _toward_service(g) & (_many_ports(g) | _many_addresses(g, share=4))
    probing |= (kind == Kind.UDP) & quiet & (g.empty == g.known) & (g.known >= REPEATED) & (2 * g.sports > g.known)
    probing |= (kind == Kind.ECHO) & (g.addresses >= PINGED)
    probing |= (kind == Kind.ASK) & (g.known >= 2)
    probing |= (kind == Kind.SCTP_OPEN) & ((g.ports_of_one >= PORTS) | (g.addresses >= PINGED))
    probing |= (kind == Kind.ARP_ASK) & (g.addresses >= ASKED_BY_ARP) & ~_forwarding(finished, groups)
    probing |= _few_of_many_kinds(g, vain)
    probing |= _pinging_with_a_crafter(finished, groups)
    probing |= (kind == Kind.OTHER) & (g.probes >= REPEATED) & (2 * g.answered < g.known) & (2 * g.multicast < g.known)
    return probing


def _several(g: Groups) -> Flags:
    """More than one packet, in more than one conversation."""
    return (g.probes >= 2) & (g.conversations >= 2)


def _calling_again(g: Groups) -> Flags:
    """One port of one address is called with all that a connection needs: an unknown stack whose service is down."""
    again: Flags = (g.endpoints <= 1) & (g.negotiating == g.known)
    return again


def _few_of_many_kinds(g: Groups, vain: Flags) -> Flags:
    """Single packets of one source that no stack sends, of several kinds: together they probe, each says little."""
    odd = (
        (((g.kind == Kind.SYN) & g.crafted & ~_calling_again(g)) | (g.kind == Kind.ODD))
        & vain
        & (g.lone == g.known)
        & (g.malformed == 0)
    )
    together = np.bincount(g.source[odd], g.conversations[odd], minlength=int(g.source.max(initial=0)) + 1)
    found: Flags = odd & (together[g.source] >= 2)
    return found


def _many_ports(g: Groups) -> Flags:
    return g.ports_of_one >= PORTS


def _many_addresses(g: Groups, *, share: int) -> Flags:
    """Many addresses on few ports: peers that each listen on a port of their own are no scan."""
    return (g.addresses >= ADDRESSES) & (g.ports * share <= g.addresses + share)


def _spread(g: Groups) -> Flags:
    """Each packet in a conversation of its own (twice for a retry)."""
    return g.conversations * 3 >= g.known


def _toward_service(g: Groups) -> Flags:
    """The fixed end is the target's: answers and backscatter come from few ports and go to many high ones.

    Or they come from the many ports, low ones too, that somebody whom nobody saw scanned from one high port.
    """
    backwards = (g.sports * 4 <= g.ports) & (g.low_ports * 4 < g.known)
    each = g.sports * g.addresses  # decoys are answered too, each from every port
    refused = (g.ports == 1) & (g.low_ports == 0) & (2 * each > g.conversations) & (64 * g.low_sports > g.known)
    served = (2 * g.low_sports > g.known) & (g.low_ports == 0)  # from services to clients
    backwards = (backwards & ~_from_ephemeral_to_dense(g)) | refused | served
    one_pair = (g.ports == 1) & (g.sports == 1)
    toward: Flags = (g.known > 0) & ~backwards & (~one_pair | _from_client(g))
    return toward


def _from_client(g: Groups) -> Flags:
    """From one port to one port, and the sender's is the client's: high where the target's is low, or it says nothing.

    A datagram without data answers nothing, least of all at a service's port, and hardly any service listens on an
    ephemeral port: from one to a port below (SSDP's, SIP's, memcached's) a client asks. Protocols whose both ends have
    the service's own port (IKE, NTP, SIP) show no direction: nobody asked, so the sender does.
    """
    bare = (g.empty == g.known) & (g.low_ports == g.known)
    silent = (g.empty == g.known) & (g.high_sports == g.known)
    registered = (g.high_sports == g.known) & (g.high_ports == 0)
    high = (g.low_sports == 0) & ((g.low_ports > 0) | ((g.kind == Kind.UDP) & (silent | registered)))
    asking: Flags = high | ((g.kind == Kind.UDP) & (bare | (g.mirrored == g.known)))
    return asking


def _from_ephemeral_to_dense(g: Groups) -> Flags:
    """From a port that no service listens on to ports side by side: a scan that began above the low ports.

    Where only a sample is known, nearly each row with a port of its own, the other packets had theirs too.
    """
    once = 50 * g.ports >= 49 * g.rows
    ports = np.where(once, g.ports * g.probes // np.maximum(g.rows, 1), g.ports)
    dense: Flags = (g.high_sports == g.known) & (2 * ports >= g.port_span)
    return dense


def _beside_requests(groups: Groups, rows: Conversations, candidates: Flags) -> Flags:
    """Answers between hosts one of which asks the other too: to what the capture lost, or by the asker itself."""
    if not candidates.any():
        return candidates
    group = groups.of_strand[rows.strand]
    asking, answering = np.isin(groups.kind[group], _REQUESTS), candidates[group]
    inside = np.flatnonzero(asking | answering)
    src, dst = rows.src[inside], rows.dst[inside]
    pair = scramble(np.minimum(src, dst)) ^ np.maximum(src, dst)
    _, pair = np.unique(pair, return_inverse=True)
    asked, answered = np.bincount(pair, asking[inside]), np.bincount(pair, answering[inside])
    beside = answering[inside] & (LOST * asked >= answered)[pair]
    counts = np.bincount(group[inside][beside], minlength=len(candidates))
    found: Flags = candidates & (2 * counts > np.bincount(group, minlength=len(candidates)))
    return found


def _forwarding(finished: Finished, groups: Groups) -> Flags:
    """Askers by ARP whose link address mostly carries other sources' packets: routers ask for whom others seek."""
    forwarding = np.zeros(len(groups.kind), bool)
    candidates = np.flatnonzero((groups.kind == Kind.ARP_ASK) & (groups.addresses >= ASKED_BY_ARP))
    if not len(candidates):
        return forwarding
    link, group = finished.known(f.LINK_SRC), groups.of_strand[finished.known_strand]
    packets = (finished.known(f.IP_VERSION) == 4) & (finished.protocol[finished.known_strand] <= LAST_PROTOCOL)
    for candidate in candidates[:4096]:
        mine = np.unique(link[group == candidate])
        sent = packets & (link == mine[0])
        own = sent & (groups.source[group] == groups.source[candidate])
        forwarding[candidate] = len(mine) == 1 and mine[0] != 0 and bool(2 * own.sum() < sent.sum())
    return forwarding


def _pinging_with_a_crafter(finished: Finished, groups: Groups) -> Flags:
    """Echo requests that ping programs do not send: no payload, or one sequence number or IP ID for all."""
    probing = np.zeros(len(groups.kind), bool)
    candidates = np.flatnonzero((groups.kind == Kind.ECHO) & (groups.probes >= 3))
    for group in candidates[:4096]:
        rows = finished.fair_rows(np.flatnonzero(groups.of_strand == group)).words
        present = rows[:, f.PRESENT]
        empty = bool((rows[:, f.PAYLOAD_LEN] == 0).all() and (present & f.visibility_bit(f.PAYLOAD_LEN)).all())
        numbered = bool((present & f.visibility_bit(f.ICMP_SEQ)).all())
        one_number = numbered and len(np.unique(rows[:, f.ICMP_SEQ])) == 1
        ids = np.unique(rows[:, f.IP_ID])
        one_id = len(ids) == 1 and ids[0] != 0 and bool((rows[:, f.IP_VERSION] == 4).all())
        probing[group] = (empty and groups.probes[group] >= REPEATED) or one_number or one_id
    return probing


def protocol_scanners(finished: Finished, groups: Groups) -> NDArray[np.int64]:
    """Return the sources that try many IP protocols: all they send in vain to those targets is one scan."""
    candidates = np.unique(groups.source[groups.kind == Kind.OTHER])
    strands = np.flatnonzero(np.isin(finished.source, candidates) & (finished.protocol <= LAST_PROTOCOL))
    pairs = np.unique(np.column_stack([finished.source[strands], finished.protocol[strands]]), axis=0)
    tried = np.bincount(pairs[:, 0], minlength=int(finished.source.max(initial=0)) + 1)
    return np.flatnonzero(tried >= PROTOCOLS)
