"""From finished strands to scans, floods and traffic roles.

A scan is one act: the probes that one run of one code can have sent. Told by what the packets are, not by a window of
time: a scan over weeks is one scan; a busy server, a browser, a resolver, peers, backscatter and floods are none.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from craftmark.kernels.grouping import KEY_OPTIONS, KEY_OPTIONS_LOW
from craftmark.packets import fields as f
from craftmark.scans.acts import acts_of, join_within_sources
from craftmark.scans.answers import Ear
from craftmark.scans.conversations import Conversations
from craftmark.scans.features import Groups, StackShapes, crafted_strands, groups_of
from craftmark.scans.floods import crowds, forged_links, single_source_floods
from craftmark.scans.joining import join_across_sources
from craftmark.scans.kinds import ANSWERING, Kind, by_rows, kinds_of
from craftmark.scans.populations import populations_of
from craftmark.scans.probing import LAST_PROTOCOL, probing_groups, protocol_scanners
from craftmark.scans.scattered import absorb, scattered_scans

if TYPE_CHECKING:
    from craftmark.evidence.finished import Finished
    from craftmark.evidence.populations import Population

Ints = NDArray[np.int64]


#: Scans, and floods, that are described, the largest first; all are counted.
SHOWN = 1000
#: Option layouts up to which each is a kind of probe: code that draws its options has more.
LAYOUTS = 16
# Set in a part's label where the control bits are unseen, which is not the same as none.
_BITS_HIDDEN = 1 << 19


class Role(IntEnum):
    """What a packet was in this capture."""

    ORDINARY = 0
    PROBE = 1
    ANSWER = 2
    BACKSCATTER = 3
    FLOOD = 4
    UNDECODED = 5


@dataclass(frozen=True, slots=True)
class Scan:
    """One scan or flood: the strands of its probes, kind by kind, the largest kind first.

    population: the packets of these strands that are meant, where others made the rest; ``probes`` is then estimated if
    not all rows are known.
    """

    parts: tuple[Ints, ...]
    probes: int
    first_ns: int
    last_ns: int
    population: Population | None = None

    @property
    def strands(self) -> Ints:
        """All strands of the scan's probes."""
        return np.concatenate(self.parts)


@dataclass(frozen=True, slots=True)
class Findings:
    """What a set of finished strands holds: the largest scans and floods by size, then time; packets by role.

    role: of every strand. scan_strands, flood_strands: the strands of every one, also of those not described.
    """

    scans: tuple[Scan, ...]
    scans_total: int
    floods: tuple[Scan, ...]
    floods_total: int
    traffic: dict[str, int]
    ear: Ear
    role: Ints
    scan_strands: tuple[Ints, ...]
    flood_strands: tuple[Ints, ...]


def find(finished: Finished, shapes: StackShapes) -> Findings:
    """Return the scans and floods among finished strands; ``shapes`` are the SYNs that standard stacks send."""
    kind = by_rows(kinds_of(finished), finished)
    rows = Conversations(finished, kind)
    crafted = crafted_strands(finished, kind, shapes)
    groups = groups_of(finished, kind, crafted, rows)
    role = np.full(len(finished), int(Role.ORDINARY), np.int64)
    floods = crowds(finished, kind, rows) or forged_links(finished, rows, crafted | _cut_short(finished, kind))
    for strands in floods:
        role[strands] = Role.FLOOD
    probing = probing_groups(finished, groups, rows)[groups.of_strand]
    scanners = protocol_scanners(finished, groups)
    vain = (2 * groups.completed < groups.known) & (2 * groups.asked < groups.known)
    probing |= np.isin(finished.source, scanners) & vain[groups.of_strand] & (finished.protocol <= LAST_PROTOCOL)
    probing &= role != Role.FLOOD
    sets, drowned = _sets(finished, kind, rows, np.flatnonzero(probing), scanners)
    floods += drowned
    scattered = scattered_scans(finished, kind, rows, crafted & ~probing & (role != Role.FLOOD))
    sets = absorb(finished, rows, sets, scattered)
    for strands in sets:
        role[strands] = Role.PROBE
    for strands in drowned:
        role[strands] = Role.FLOOD
    _roles_of_the_rest(kind, rows, groups, role)
    scans = _parted(finished, [_scan(finished, kind, strands) for strands in _largest(finished, sets)])
    flooded = tuple(_scan(finished, kind, strands) for strands in _largest(finished, floods))
    ear = Ear(finished, kind, rows)
    total = len(sets) + max(len(scans) - len(sets), 0)
    traffic = traffic_of(finished.count, role)
    return Findings(scans, total, flooded, len(floods), traffic, ear, role, tuple(sets), tuple(floods))


def _cut_short(finished: Finished, kind: Ints) -> NDArray[np.bool_]:
    """Tell of every strand whether its IP length ends before the TCP header that its protocol promises."""
    short: NDArray[np.bool_] = (kind == Kind.FRAGMENT) & (finished.protocol == f.TCP)
    return short


def _sets(
    finished: Finished, kind: Ints, rows: Conversations, chosen: Ints, scanners: Ints
) -> tuple[list[Ints], list[Ints]]:
    """Return the strands of each scan among the probing ones, and of each flood."""
    if not len(chosen):
        return [], []
    acts = acts_of(finished, kind, chosen, rows)
    leader = join_across_sources(finished, acts, join_within_sources(acts, scanners))
    flooding = single_source_floods(acts)
    label = leader[acts.of_strand[chosen]]
    scans: list[Ints] = []
    floods: list[Ints] = []
    order = np.argsort(label, kind="stable")
    for members in np.split(chosen[order], np.flatnonzero(np.diff(label[order])) + 1):
        head = leader[acts.of_strand[members[0]]]
        (floods if flooding[head] else scans).append(members)
    return scans, floods


def _roles_of_the_rest(kind: Ints, rows: Conversations, groups: Groups, role: Ints) -> None:
    """Answers to probes and floods, answers to nobody here, and what cannot be read; the rest is ordinary."""
    n = len(kind)
    asker = np.isin(role, (Role.PROBE, Role.FLOOD))[rows.strand]
    asked_about = np.zeros(rows.total, bool)
    asked_about[rows.number[asker]] = True
    touched = asked_about[rows.number]
    known = np.maximum(np.bincount(rows.strand, minlength=n), 1)
    open_role = role == Role.ORDINARY
    may_answer = open_role & (np.isin(kind, (*ANSWERING, Kind.UDP, Kind.UNTOLD, Kind.SCTP_OTHER)))
    share = np.bincount(rows.strand[touched & ~asker], minlength=n) / known
    role[may_answer & (share > 0.5)] = Role.ANSWER
    answers_hosts(kind, rows, role, may_answer)
    g = groups.of_strand
    unasked = (10 * groups.asked[g] < groups.known[g]) & np.isin(kind, (*ANSWERING,))
    role[(role == Role.ORDINARY) & unasked] = Role.BACKSCATTER
    single = ((kind == Kind.SYN) & groups.crafted[g]) | ((kind == Kind.ODD) & (groups.malformed[g] == 0))
    alone = (groups.lone[g] == groups.known[g]) & (groups.completed[g] == 0)
    role[(role == Role.ORDINARY) & single & alone] = Role.PROBE  # too few of one source to make a scan
    role[kind == Kind.UNDECODED] = Role.UNDECODED


def answers_hosts(kind: Ints, rows: Conversations, role: Ints, may_answer: NDArray[np.bool_]) -> None:
    """Mark answers that conversations cannot pair: ICMP errors, and strands too large to know every row of."""
    asker = np.isin(role, (Role.PROBE, Role.FLOOD))[rows.strand]
    askers = np.unique(rows.src[asker])
    to_asker = np.isin(rows.dst, askers)
    known = np.maximum(np.bincount(rows.strand, minlength=len(kind)), 1)
    share = np.bincount(rows.strand[to_asker], minlength=len(kind)) / known
    replies = np.isin(kind, (Kind.REPLY, Kind.RST, Kind.SYN_ACK))
    role[may_answer & replies & (role == Role.ORDINARY) & (share > 0.5)] = Role.ANSWER


def _scan(finished: Finished, kind: Ints, strands: Ints) -> Scan:
    """Return a scan with its kinds of probe: protocol and control bits, or ICMP type and code; all portless as one.

    A few option layouts of one kind are as many kinds: the probes of an OS detection are no port scan's.
    """
    parts = [strands]
    if len(strands) > 1:
        bare = np.isin(kind[strands], (Kind.OTHER, Kind.ROUTING, Kind.FRAGMENT))
        label = np.where(bare, -1, (finished.protocol[strands] << 20) | finished.bits[strands])
        label = np.where(bare | ~finished.hides_bits[strands], label, label | _BITS_HIDDEN)
        layouts, layout = np.unique(_layouts(finished, strands), return_inverse=True)
        if len(layouts) <= LAYOUTS:
            label = np.where(bare, -1, label * len(layouts) + layout)
        order = np.argsort(label, kind="stable")
        parts = np.split(strands[order], np.flatnonzero(np.diff(label[order])) + 1)
        parts.sort(key=lambda part: (-int(finished.count[part].sum()), int(part[0])))
    return Scan(
        parts=tuple(parts),
        probes=int(finished.count[strands].sum()),
        first_ns=int(finished.first_ns[strands].min()),
        last_ns=int(finished.last_ns[strands].max()),
    )


def _parted(finished: Finished, scans: list[Scan]) -> tuple[Scan, ...]:
    """Return the scans, those that two senders made as one for each; the largest first."""
    parted: list[Scan] = []
    for scan in scans:
        populations = populations_of(finished, scan.strands) if len(scan.parts) == 1 else ()
        known = finished.fair_rows(scan.strands) if populations else None
        for population in populations:
            assert known is not None
            held = population.holds(known.words)
            times = known.ts_ns[held]
            probes = round(scan.probes * int(held.sum()) / len(held))
            parted.append(Scan(scan.parts, probes, int(times.min()), int(times.max()), population))
        if not populations:
            parted.append(scan)
    return tuple(sorted(parted, key=lambda scan: -scan.probes))


def _layouts(finished: Finished, strands: Ints) -> NDArray[np.uint64]:
    """Return the option layout of each strand as one number."""
    keys = finished.keys[strands].astype(np.uint64)
    layouts: NDArray[np.uint64] = (keys[:, KEY_OPTIONS] << np.uint64(32)) | keys[:, KEY_OPTIONS_LOW]
    return layouts


def _largest(finished: Finished, sets: list[Ints]) -> list[Ints]:
    """Return the sets with most packets, then the earliest, at most SHOWN of them."""

    def rank(strands: Ints) -> tuple[int, int, int]:
        return -int(finished.count[strands].sum()), int(finished.first_ns[strands].min()), int(strands.min())

    return sorted(sets, key=rank)[:SHOWN]


def traffic_of(count: Ints, role: Ints) -> dict[str, int]:
    """Return packets by role, of strands with these counts and roles."""
    counts = np.bincount(role, count, len(Role)).astype(np.int64)
    return {each.name.lower(): int(counts[each]) for each in Role}
