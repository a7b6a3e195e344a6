"""What came back to a scan's probes in this capture, and what the source did then."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from craftmark.evidence.gather import source_name
from craftmark.packets import fields as f
from craftmark.packets.batch import PacketBatch, empty_batch
from craftmark.scans.afterwards import Afterwards, afterwards
from craftmark.scans.conversations import DATA, SAID, Conversations, split_by
from craftmark.scans.kinds import ANSWERING, Kind
from craftmark.scans.reactions import Onlooker, Reactions

if TYPE_CHECKING:
    from craftmark.evidence.finished import Finished
    from craftmark.evidence.populations import Population

Ints = NDArray[np.int64]

_REPLIES = (*ANSWERING, Kind.UDP, Kind.SCTP_OTHER)
_ANSWERED = SAID[Kind.SYN_ACK] | SAID[Kind.RST] | SAID[Kind.REPLY] | SAID[Kind.UDP] | SAID[Kind.MIDDLE] | DATA
#: A source that acknowledges up to this many octets behind the target's own sequence number has received it.
_WINDOW = 1 << 20
#: Resets of a scan's sources that are kept, the first of them.
RESETS_KEPT: Final = 256


@dataclass(frozen=True, slots=True)
class Heard:
    """Answers to one scan, counted over known rows.

    counts: answers by kind ("syn+ack", "rst", "rst+ack", "icmp 3/3", "echo reply", "udp reply", "arp reply", "sctp").
    ports: destination ports of the probes by kind of answer. answered: probes with any answer. both_ways: packets
    from targets to sources are here at all. completed: per source, its acknowledgments of a target's own sequence
    number. resets: RSTs of sources to a target's answer, so many at most. reset_ttls: per source, TTLs of its RSTs to
    a SYN|ACK. other_ttls: per source, TTLs of its other packets.
    answered_again, unanswered_again: (endpoints probed more than once, all endpoints) by whether they answered.
    silent_runs: stretches of endpoints that stayed silent, in order of target and port, between others that answered.
    reactions: what the holders of the source addresses did. afterwards: what the targets opened after the scan began.
    """

    counts: dict[str, int] = field(default_factory=dict)
    ports: dict[str, tuple[int, ...]] = field(default_factory=dict)
    answered: int = 0
    both_ways: bool = False
    completed: dict[str, int] = field(default_factory=dict)
    resets: PacketBatch = field(default_factory=empty_batch, compare=False)
    reset_ttls: dict[str, tuple[int, ...]] = field(default_factory=dict)
    other_ttls: dict[str, tuple[int, ...]] = field(default_factory=dict)
    answered_again: tuple[int, int] = (0, 0)
    unanswered_again: tuple[int, int] = (0, 0)
    silent_runs: int = 0
    reactions: Reactions = field(default_factory=Reactions)
    afterwards: Afterwards = field(default_factory=Afterwards)


class Ear:
    """Looks up answers scan by scan; made once for all scans of a case."""

    def __init__(self, finished: Finished, kind: Ints, rows: Conversations) -> None:
        self._finished = finished
        self._kind = kind
        self._rows = rows
        self._onlooker = Onlooker(finished, kind, rows)

    @cached_property
    def _errors(self) -> tuple[Ints, NDArray[np.uint64]]:
        """Rows of ICMP answers, by destination."""
        rows = np.flatnonzero(self._kind[self._rows.strand] == Kind.REPLY)
        order = np.argsort(self._rows.dst[rows], kind="stable")
        return rows[order], self._rows.dst[rows[order]]

    @cached_property
    def _columns(self) -> dict[int, NDArray[np.uint32]]:
        words = (f.IP_TTL, f.SEQ, f.ACK, f.NOTES, f.QUOTE_DPORT, f.QUOTE_PROTOCOL)
        return {word: self._finished.known(word) for word in words}

    def hear(self, strands: Ints, population: Population | None = None) -> Heard:
        """Return what answered the probes of some strands, or of one population of them."""
        rows, mine = self._rows, self._rows.rows_of(strands)
        if population is not None:
            mine = mine[self._finished.known(population.word)[mine] == population.value]
        hosts = np.unique(rows.src[mine])
        beside = np.setdiff1d(rows.rows_beside(mine), mine)
        kind = self._kind[rows.strand[beside]]
        back = np.isin(rows.dst[beside], hosts) & np.isin(kind, _REPLIES)
        answers = np.unique(np.concatenate([beside[back], self._errors_to(hosts, mine)]))
        own = beside[np.isin(rows.src[beside], hosts)]
        names = self._names(answers)
        counts = dict(zip(*np.unique(names, return_counts=True), strict=True))
        answered = (rows.other[mine] & _ANSWERED) != 0
        again = self._again(mine, answered)
        return Heard(
            counts={str(name): int(count) for name, count in counts.items()},
            ports=self._ports(answers, names),
            answered=int(answered.sum()) or min(len(answers), len(mine)),
            both_ways=bool(len(answers)),
            completed=self._completed(own),
            resets=self._resets(own),
            reset_ttls=self._ttls(own[(self._kind[rows.strand[own]] == Kind.RST)]),
            other_ttls=self._ttls(own[(self._kind[rows.strand[own]] != Kind.RST)]),
            answered_again=again[0],
            unanswered_again=again[1],
            silent_runs=again[2],
            reactions=self._onlooker.reactions(mine),
            afterwards=afterwards(self._finished, self._kind, rows, mine),
        )

    def _errors_to(self, hosts: NDArray[np.uint64], mine: Ints) -> Ints:
        errors, to = self._errors
        low, high = np.searchsorted(to, hosts, "left"), np.searchsorted(to, hosts, "right")
        found = [errors[a:b] for a, b in zip(low, high, strict=True) if b > a]
        if not found:
            return np.empty(0, np.int64)
        every = np.setdiff1d(np.concatenate(found), mine)
        quoted = (self._columns[f.NOTES][every] & f.NOTE_QUOTE) != 0
        other = ~np.isin(self._columns[f.QUOTE_PROTOCOL][every], np.unique(self._rows.protocol[mine]))
        about_these: Ints = every[~(quoted & other)]
        return about_these

    def _names(self, answers: Ints) -> NDArray[np.str_]:
        """Name every answer row."""
        strand = self._rows.strand[answers]
        kind, bits, protocol = self._kind[strand], self._finished.bits[strand], self._finished.protocol[strand]
        names = np.full(len(answers), "other", dtype="U16")
        names[kind == Kind.SYN_ACK] = "syn+ack"
        names[kind == Kind.RST] = np.where((bits[kind == Kind.RST] & f.ACK_BIT) != 0, "rst+ack", "rst")
        names[kind == Kind.UDP] = "udp reply"
        names[kind == Kind.SCTP_OTHER] = "sctp"
        names[kind == Kind.ARP_REPLY] = "arp reply"
        reply = kind == Kind.REPLY
        codes, which = np.unique((protocol[reply] << 16) | bits[reply], return_inverse=True)
        names[reply] = np.array([_icmp_name(int(code)) for code in codes], "U16")[which]
        return names

    def _ports(self, answers: Ints, names: NDArray[np.str_]) -> dict[str, tuple[int, ...]]:
        """Return the probed ports behind each kind of answer; for ICMP errors the quoted port."""
        quoted = (self._columns[f.NOTES][answers] & f.NOTE_QUOTE) != 0
        port = np.where(quoted, self._columns[f.QUOTE_DPORT][answers], self._rows.sport[answers])
        rows = np.flatnonzero(port > 0)
        return {str(names[part[0]]): tuple(np.unique(port[part]).tolist()) for part in split_by(names[rows], rows)}

    def _completed(self, own: Ints) -> dict[str, int]:
        """Count per source the conversations in which it acknowledges the target's own sequence number."""
        rows = self._rows
        sent = own[(self._kind[rows.strand[own]] == Kind.MIDDLE) & ((rows.other[own] & SAID[Kind.SYN_ACK]) != 0)]
        if not len(sent):
            return {}
        beside = rows.rows_beside(sent)
        opened = beside[self._kind[rows.strand[beside]] == Kind.SYN_ACK]
        sequence = dict(zip(rows.number[opened].tolist(), self._columns[f.SEQ][opened].tolist(), strict=True))
        done: dict[str, set[int]] = {}
        for row in sent.tolist():
            number = int(rows.number[row])
            if number in sequence and (int(self._columns[f.ACK][row]) - sequence[number] - 1) % (1 << 32) < _WINDOW:
                done.setdefault(source_name(self._finished, int(rows.strand[row])), set()).add(number)
        return {address: len(numbers) for address, numbers in sorted(done.items())}

    def _resets(self, own: Ints) -> PacketBatch:
        """Return the first RSTs of sources in conversations in which a target answered."""
        rows = self._rows
        answered = (rows.other[own] & (SAID[Kind.SYN_ACK] | SAID[Kind.RST])) != 0
        found = own[(self._kind[rows.strand[own]] == Kind.RST) & answered]
        return self._finished.known_rows(found[np.argsort(rows.ts_ns[found], kind="stable")][:RESETS_KEPT])

    def _ttls(self, own: Ints) -> dict[str, tuple[int, ...]]:
        """Return the distinct TTLs of some rows by source."""
        found: dict[str, tuple[int, ...]] = {}
        for chosen in split_by(self._finished.source[self._rows.strand[own]], own):
            name = source_name(self._finished, int(self._rows.strand[chosen[0]]))
            found[name] = tuple(np.unique(self._columns[f.IP_TTL][chosen]).tolist())
        return dict(sorted(found.items()))

    def _again(self, mine: Ints, answered: NDArray[np.bool_]) -> tuple[tuple[int, int], tuple[int, int], int]:
        """Return (endpoints probed more than once, all endpoints) of those that answered and of the others; their runs.

        A run is a stretch of silent endpoints in order of target and port.
        """
        if not len(mine):
            return (0, 0), (0, 0), 0
        pairs = np.column_stack([self._rows.dst[mine].astype(np.int64), self._rows.dport[mine]])
        _, inverse, counts = np.unique(pairs, axis=0, return_inverse=True, return_counts=True)
        replied = np.bincount(inverse.reshape(-1), answered) > 0
        more = counts > 1
        runs = int((~replied & np.concatenate([[True], replied[:-1]])).sum())
        told = (int((more & replied).sum()), int(replied.sum())), (int((more & ~replied).sum()), int((~replied).sum()))
        return *told, runs


def _icmp_name(code: int) -> str:
    """Name an ICMP answer by its protocol, type and code."""
    six, kind = code >> 16 == f.ICMP6, code >> 8 & 255
    return "echo reply" if kind == (129 if six else 0) else f"icmp{'6' * six} {kind}/{code & 255}"
