"""Features of groups of known rows: how many endpoints, addresses and ports, what share was answered or completed.

A group is all strands of one source and one kind whose headers a standard stack could, or could not, have made.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from craftmark.kernels.grouping import KEY_IDENTITY, KEY_OPTIONS, KEY_OPTIONS_LOW, KEY_UNSEEN
from craftmark.packets import fields as f
from craftmark.scans.conversations import DATA, SAID, Conversations, scramble
from craftmark.scans.kinds import Kind

if TYPE_CHECKING:
    from craftmark.evidence.finished import Finished

Ints = NDArray[np.int64]

#: (control bits, DF, TCP_OPTIONS word, TCP_OPTIONS_LOW word) of the SYNs that standard stacks send.
StackShapes = frozenset[tuple[int, int, int, int]]

_DF = 2  # of ip_flags: reserved 4, DF 2, MF 1
_ECN = f.ECE | f.CWR
_LOW_PORT = 1024
#: Where Linux begins to draw source ports; IANA's dynamic ports begin at 49152. Hardly any service listens there.
_EPHEMERAL = 32768
#: Rows of whole conversations from which a group is judged by them alone; of openings one will do.
_ENOUGH = 5
_DNS, _NTP, _SIP = 53, 123, 5060
_DNS_REPLY = 0x8000  # QR, after the 16 bits of the query's number
_NTP_SERVER, _NTP_CONTROL_REPLY = 4, 0x87  # mode 4; the reply bit with mode 6 or 7
_SIP_REPLY = 0x5349502F  # "SIP/"
_TALK = SAID[Kind.MIDDLE] | DATA
#: Options by which the two ends of a connection agree on how to use it (RFC 7323); hardly any probe offers them.
_NEGOTIATED = frozenset(("WS", "TS"))
_MALFORMED = f.NOTE_BAD_LENGTH | f.NOTE_BAD_OPTIONS


@dataclass(frozen=True, slots=True)
class Groups:
    """Groups of strands and their features, one entry per group.

    of_strand: group of every strand. probes counts packets, rows those that are known, known the rows it is judged by
    (of conversations that are known from both sides), as do low_ports, low_sports, high_sports, high_ports and all
    from conversations on; the rest counts all known rows. port_span: from the least to the greatest destination port.
    ports_of_one: most distinct ports of one address. lone: rows whose conversation holds nothing else but them and a
    refusal. half_open: a SYN|ACK came back and the source reset it. malformed: header lengths contradict each other.
    empty: rows that are seen to carry no payload. mirrored: from a port to the same port, and no reply by its data.
    negotiating: rows that offer timestamps or a window scale, as for a connection that is meant. multicast: rows to
    groups of hosts.
    """

    of_strand: Ints
    source: Ints
    kind: Ints
    crafted: NDArray[np.bool_]
    probes: Ints
    rows: Ints
    known: Ints
    endpoints: Ints
    addresses: Ints
    ports: Ints
    sports: Ints
    ports_of_one: Ints
    low_ports: Ints
    low_sports: Ints
    high_sports: Ints
    high_ports: Ints
    port_span: Ints
    conversations: Ints
    completed: Ints
    answered: Ints
    asked: Ints
    lone: Ints
    half_open: Ints
    malformed: Ints
    empty: Ints
    mirrored: Ints
    negotiating: Ints
    multicast: Ints


def crafted_strands(finished: Finished, kind: Ints, shapes: StackShapes) -> NDArray[np.bool_]:
    """Tell of every strand whether its SYNs, by option layout and DF, can come from no standard stack.

    Where the options are unseen, nothing is told. Other kinds are never crafted by their shape alone. A SYN without DF
    whose one option is MSS counts as crafted: Linux 2.0 sent it, but so do nmap, masscan and naabu, every day.
    """
    keys = finished.keys
    unseen = (keys[:, KEY_UNSEEN] & np.uint32(f.visibility_bit(f.TCP_OPTIONS))) != 0
    six = (keys[:, KEY_IDENTITY] >> np.uint32(16)) & np.uint32(15) == 6
    whole = six | ((keys[:, KEY_IDENTITY] >> np.uint32(24)) & np.uint32(_DF) != 0)
    code = _shape_code(finished.bits & ~_ECN, whole, keys[:, KEY_OPTIONS], keys[:, KEY_OPTIONS_LOW])
    table = np.array(sorted(shapes), np.int64).reshape(-1, 4)
    known = _shape_code(table[:, 0] & ~_ECN, table[:, 1] != 0, table[:, 2], table[:, 3])
    bare = _shape_code(np.array([f.SYN]), np.array([False]), *(np.array([w]) for w in f.encode_layout(("MSS",))))
    crafted: NDArray[np.bool_] = (kind == Kind.SYN) & ~unseen & (~np.isin(code, known) | (code == bare))
    return crafted


def _shape_code(bits: Ints, whole: NDArray[np.bool_], high: NDArray[Any], low: NDArray[Any]) -> NDArray[np.uint64]:
    layout = (high.astype(np.uint64) << np.uint64(32)) | low.astype(np.uint64)
    return scramble(layout) ^ (2 * bits + whole).astype(np.uint64)


def groups_of(finished: Finished, kind: Ints, crafted: NDArray[np.bool_], rows: Conversations) -> Groups:
    """Return the groups of all strands with their features."""
    label = (finished.source << 6) | (kind << 1) | crafted
    labels, of_strand = np.unique(label, return_inverse=True)
    every = of_strand[rows.strand]
    n = len(labels)
    kinds = (labels >> 1) & 31
    target = scramble(rows.dst)
    port = rows.dport.astype(np.uint64)
    judged = _judged(rows, every, kinds)
    group = every[judged]
    count = partial(_count, group, n)
    return Groups(
        of_strand=of_strand,
        source=labels >> 6,
        kind=kinds,
        crafted=(labels & 1).astype(bool),
        probes=np.bincount(of_strand, finished.count, n).astype(np.int64),
        rows=np.bincount(every, minlength=n),
        known=np.bincount(group, minlength=n),
        endpoints=_distinct(every, target ^ scramble(port + np.uint64(1)), n),
        addresses=_distinct(every, target, n),
        ports=_distinct(every, port, n),
        sports=_distinct(every, rows.sport.astype(np.uint64), n),
        ports_of_one=_ports_of_one(every, target, port, n),
        low_ports=count((rows.dport < _LOW_PORT)[judged]),
        low_sports=count((rows.sport < _LOW_PORT)[judged]),
        high_sports=count((rows.sport >= _EPHEMERAL)[judged]),
        high_ports=count((rows.dport >= _EPHEMERAL)[judged]),
        port_span=_span(every, rows.dport, n),
        conversations=_distinct(group, rows.number[judged].astype(np.uint64), n),
        completed=count((rows.own[judged] & _TALK) != 0),
        answered=count(rows.other[judged] != 0),
        asked=count(rows.asked[judged]),
        lone=count(_lone(rows, kind)[judged]),
        half_open=count(_half_open(rows)[judged]),
        malformed=count((finished.known(f.NOTES)[judged] & _MALFORMED) != 0),
        empty=count(_empty(finished)[judged]),
        mirrored=count(((rows.sport == rows.dport) & ~_replying(finished, rows))[judged]),
        negotiating=count(_negotiating(finished)[rows.strand][judged]),
        multicast=count(_to_groups(finished)[judged]),
    )


def _count(group: Ints, n: int, holds: NDArray[np.bool_]) -> Ints:
    return np.bincount(group[holds], minlength=n)


def _judged(rows: Conversations, group: Ints, kinds: Ints) -> NDArray[np.bool_]:
    """Return the rows by which groups are judged: those of conversations known from both sides, if there are some."""
    if rows.whole.all():
        return rows.whole
    enough = np.where(kinds == Kind.SYN, 1, _ENOUGH)
    judged: NDArray[np.bool_] = rows.whole | (np.bincount(group[rows.whole], minlength=len(kinds)) < enough)[group]
    return judged


def _empty(finished: Finished) -> NDArray[np.bool_]:
    seen = (finished.known(f.PRESENT) & f.visibility_bit(f.PAYLOAD_LEN)) != 0
    empty: NDArray[np.bool_] = seen & (finished.known(f.PAYLOAD_LEN) == 0)
    return empty


def _replying(finished: Finished, rows: Conversations) -> NDArray[np.bool_]:
    """Rows whose first octets are a reply's where both ends have the service's port: DNS, NTP (RFC 5905), SIP."""
    head = finished.known(f.PAYLOAD_HEAD)
    first, port = head >> np.uint32(24), rows.sport
    time = ((first & np.uint32(7)) == _NTP_SERVER) | ((first & np.uint32(_NTP_CONTROL_REPLY)) >= _NTP_CONTROL_REPLY - 1)
    replying: NDArray[np.bool_] = (port == _DNS) & ((head & np.uint32(_DNS_REPLY)) != 0)
    replying |= ((port == _NTP) & time) | ((port == _SIP) & (head == _SIP_REPLY))
    return replying


def _lone(rows: Conversations, kind: Ints) -> NDArray[np.bool_]:
    """Rows whose conversation holds only their own kind from their own end, and at most a refusal from the other."""
    own_kind = np.array([SAID.get(Kind(k), 0) for k in range(len(Kind))], np.int64)[kind[rows.strand]]
    refusal = SAID[Kind.RST] | SAID[Kind.REPLY]
    lone: NDArray[np.bool_] = ((rows.own & ~own_kind) == 0) & ((rows.other & ~refusal) == 0)
    return lone


def _negotiating(finished: Finished) -> NDArray[np.bool_]:
    """Tell of every strand whether its option layout holds a window scale or timestamps."""
    layouts = finished.keys[:, [KEY_OPTIONS, KEY_OPTIONS_LOW]]
    kinds, of_strand = np.unique(layouts, axis=0, return_inverse=True)
    offers = [not _NEGOTIATED.isdisjoint(f.option_layout(int(high), int(low))) for high, low in kinds]
    negotiating: NDArray[np.bool_] = np.array(offers, np.bool_)[of_strand.reshape(-1)]
    return negotiating


def _to_groups(finished: Finished) -> NDArray[np.bool_]:
    """Tell of every known row whether it went to a multicast address (RFC 5771: 224/4, RFC 4291: ff00::/8)."""
    four = (finished.known(f.IP_VERSION) == 4) & ((finished.known(f.IP_DST) >> np.uint32(28)) == 14)
    six = (finished.known(f.IP_VERSION) == 6) & ((finished.known(f.IP_DST_HIGH) >> np.uint32(24)) == 255)
    grouped: NDArray[np.bool_] = four | six
    return grouped


def _half_open(rows: Conversations) -> NDArray[np.bool_]:
    opened = ((rows.own & SAID[Kind.SYN]) != 0) & ((rows.own & SAID[Kind.RST]) != 0)
    begun: NDArray[np.bool_] = opened & ((rows.other & SAID[Kind.SYN_ACK]) != 0) & ((rows.own & _TALK) == 0)
    return begun


def _span(group: Ints, port: Ints, n: int) -> Ints:
    """Return per group how many ports there are from the least to the greatest."""
    low, high = np.full(n, 1 << 16), np.zeros(n, np.int64)
    np.minimum.at(low, group, port)
    np.maximum.at(high, group, port)
    span: Ints = high - low + 1
    return span


def _distinct(group: Ints, values: NDArray[np.uint64], n: int) -> Ints:
    """Count distinct values per group; groups of one row, nearly all under a flood, are not sorted."""
    size = np.bincount(group, minlength=n)
    several = (size > 1)[group]
    found = np.minimum(size, 1)
    if several.any():
        g, v = group[several], values[several]
        order = np.lexsort((v, g))
        g, v = g[order], v[order]
        new = np.concatenate([[True], (g[1:] != g[:-1]) | (v[1:] != v[:-1])])
        found = np.where(size > 1, np.bincount(g[new], minlength=n), found)
    return found


def _ports_of_one(group: Ints, target: NDArray[np.uint64], port: NDArray[np.uint64], n: int) -> Ints:
    """Return per group the most distinct ports of any one address."""
    size = np.bincount(group, minlength=n)
    several = (size > 1)[group]
    most = np.minimum(size, 1)
    if not several.any():
        return most
    group, target, port = group[several], target[several], port[several]
    order = np.lexsort((port, target, group))
    g, t, p = group[order], target[order], port[order]
    pair = np.concatenate([[True], (g[1:] != g[:-1]) | (t[1:] != t[:-1])])
    new = pair | np.concatenate([[True], p[1:] != p[:-1]])
    number = np.cumsum(pair) - 1
    counts = np.bincount(number[new])
    np.maximum.at(most, g[pair], counts)
    return most
