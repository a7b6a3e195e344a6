"""What came back to a scan's probes in this capture, and what the source did then."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from craftmark.packets import fields as f
from craftmark.scans.conversations import DATA, SAID, Conversations
from craftmark.scans.kinds import ANSWERING, Kind

if TYPE_CHECKING:
    from craftmark.evidence.finished import Finished

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Heard:
    """Answers to one scan, over known rows.

    by_kind counts answers: "syn+ack", "rst", "rst+ack", "icmp 3/3", "echo reply", "udp", "arp reply", "sctp".
    ports: destination ports of the probes by what answered them ("syn+ack", "rst", ...). answered: probes with any
    answer. completed: conversations in which the source acknowledged the target's own sequence number.
    resets: RSTs the source sent to a SYN|ACK; reset_ttls their TTLs with counts. exact: all rows were known.
    """

    by_kind: dict[str, int] = field(default_factory=dict)
    ports: dict[str, tuple[int, ...]] = field(default_factory=dict)
    answered: int = 0
    completed: int = 0
    resets: int = 0
    reset_ttls: dict[int, int] = field(default_factory=dict)
    exact: bool = True


def hear(finished: Finished, kind: Ints, rows: Conversations, strands: Ints, *, asking: bool) -> Heard:
    """Return what answered the probes of ``strands``."""
    probe = np.zeros(len(finished), bool)
    probe[strands] = True
    is_probe = probe[rows.strand]
    asked = np.zeros(rows.total, bool)
    asked[rows.number[is_probe]] = True
    hosts = np.unique(rows.src[is_probe])
    row_kind = kind[rows.strand]
    paired = asked[rows.number] & ~is_probe & np.isin(rows.dst, hosts)
    errors = (row_kind == Kind.REPLY) & np.isin(rows.dst, hosts) & ~is_probe
    answer = (paired & (np.isin(row_kind, ANSWERING) | np.isin(row_kind, (Kind.UDP, Kind.SCTP_OTHER)))) | errors
    names = _names(finished, rows, row_kind, answer)
    own = asked[rows.number] & ~is_probe & np.isin(rows.src, hosts)
    back = own & (row_kind == Kind.RST) & ((rows.other & SAID[Kind.SYN_ACK]) != 0)
    done = own & (row_kind == Kind.MIDDLE) & ((rows.other & SAID[Kind.SYN_ACK]) != 0)
    reply_bits = SAID[Kind.SYN_ACK] | SAID[Kind.RST] | SAID[Kind.REPLY] | SAID[Kind.UDP] | SAID[Kind.MIDDLE] | DATA
    answered = is_probe & ((rows.other & reply_bits) != 0) if asking else is_probe & (rows.other != 0)
    ttls, counts = np.unique(finished.known(f.IP_TTL)[back], return_counts=True)
    return Heard(
        by_kind={str(name): int(count) for name, count in zip(*np.unique(names, return_counts=True), strict=True)},
        ports=_ports(finished, rows, answer, names),
        answered=int(answered.sum()) or int(errors.sum()),
        completed=len(np.unique(rows.number[done])),
        resets=int(back.sum()),
        reset_ttls={int(ttl): int(count) for ttl, count in zip(ttls, counts, strict=True)},
        exact=bool(finished.complete[strands].all()),
    )


def _names(
    finished: Finished, rows: Conversations, row_kind: Ints, answer: NDArray[np.bool_]
) -> NDArray[np.str_]:
    """Name every answer row."""
    chosen = np.flatnonzero(answer)
    kind, bits = row_kind[chosen], finished.bits[rows.strand[chosen]]
    names = np.full(len(chosen), "other", dtype="U16")
    names[kind == Kind.SYN_ACK] = "syn+ack"
    names[(kind == Kind.RST) & ((bits & f.ACK_BIT) != 0)] = "rst+ack"
    names[(kind == Kind.RST) & ((bits & f.ACK_BIT) == 0)] = "rst"
    names[kind == Kind.UDP] = "udp"
    names[kind == Kind.SCTP_OTHER] = "sctp"
    names[kind == Kind.ARP_REPLY] = "arp reply"
    for code in np.unique(bits[kind == Kind.REPLY]):
        six = rows.protocol[chosen] == f.ICMP6
        for family, is_six in (("icmp", False), ("icmp6", True)):
            echo = (129 if is_six else 0) == code >> 8
            name = "echo reply" if echo else f"{family} {code >> 8}/{code & 255}"
            names[(kind == Kind.REPLY) & (bits == code) & (six == is_six)] = name
    return names


def _ports(
    finished: Finished, rows: Conversations, answer: NDArray[np.bool_], names: NDArray[np.str_]
) -> dict[str, tuple[int, ...]]:
    """Return the probed ports behind each kind of answer; for ICMP errors the quoted port."""
    chosen = np.flatnonzero(answer)
    quoted = (finished.known(f.NOTES)[chosen] & f.NOTE_QUOTE) != 0
    port = np.where(quoted, finished.known(f.QUOTE_DPORT)[chosen], rows.sport[chosen])
    found = {}
    for name in np.unique(names):
        values = np.unique(port[(names == name)])
        found[str(name)] = tuple(int(value) for value in values if value)
    return {name: ports for name, ports in found.items() if ports}
