"""Acts: the probes of one source that one run of one code can have made, with the header values they share.

Strands of one source that differ only in what is visible or in payload are one act; so are kinds of probe that go to
the same targets with compatible TTLs at the same time (host discovery, OS detection, a protocol scan). Two layouts of
the same control bits are two acts, unless one is a handful of packets: two tools from one source are two scans.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from craftmark.kernels.grouping import KEY_BITS, KEY_IDENTITY, KEY_OPTIONS, KEY_OPTIONS_LOW
from craftmark.packets import fields as f
from craftmark.scans.conversations import scramble
from craftmark.scans.kinds import Kind

if TYPE_CHECKING:
    from craftmark.evidence.finished import Finished
    from craftmark.scans.conversations import Conversations

Ints = NDArray[np.int64]

#: Words whose constant values make up an act's signature.
SIGNED = (f.IP_ID, f.IP_TTL, f.IP_TOS, f.SPORT, f.SEQ, f.ACK, f.TCP_WIN)
VARIES = -1

#: Probes up to which an act is a handful that joins its source's main act.
HANDFUL = 8

#: Acts of one source that others may join: a source that sends thousands of forms must not cost their square.
LEADERS = 16

#: What tells how far a run reaches.
_LOWS = ("first_ns", "ttl_low", "dst_low")
_HIGHS = ("last_ns", "ttl_high", "dst_high")


@dataclass(frozen=True, slots=True)
class Acts:
    """Acts and what their known rows share, one entry per act.

    of_strand: act of every strand, -1: none. strand: one strand of each act. form: hash of protocol, control bits,
    layout, DF and IHL. signature: int64[acts, SIGNED], the value all known rows share, or VARIES. ttl_low, ttl_high,
    dst_low, dst_high, port_low, port_high: ranges over known rows.
    """

    of_strand: Ints
    strand: Ints
    source: Ints
    kind: Ints
    form: NDArray[np.uint64]
    probes: Ints
    first_ns: Ints
    last_ns: Ints
    signature: Ints
    ttl_low: Ints
    ttl_high: Ints
    dst_low: Ints
    dst_high: Ints
    port_low: Ints
    port_high: Ints
    conversations: Ints

    def __len__(self) -> int:
        return len(self.source)


def forms_of(finished: Finished) -> NDArray[np.uint64]:
    """Return a hash of every strand's packet form: protocol, control bits, IHL, fragment flags, option layout."""
    form = np.full(len(finished), 7, np.uint64)
    for word in (KEY_IDENTITY, KEY_BITS, KEY_OPTIONS, KEY_OPTIONS_LOW):
        form = scramble(form ^ finished.keys[:, word].astype(np.uint64))
    return form ^ finished.hides_bits.astype(np.uint64)


def acts_of(finished: Finished, kind: Ints, chosen: Ints, rows: Conversations) -> Acts:
    """Return the acts made of the chosen strands, before any are joined."""
    form = forms_of(finished)
    label = scramble(form ^ finished.source.astype(np.uint64))
    _, first, number = np.unique(label[chosen], return_index=True, return_inverse=True)
    of_strand = np.full(len(finished), -1, np.int64)
    of_strand[chosen] = number
    act = of_strand[rows.strand]
    inside = np.flatnonzero(act >= 0)
    order = inside[np.argsort(act[inside], kind="stable")]
    start = np.searchsorted(act[order], np.arange(len(first)))
    head = chosen[first]
    low, high = _ranges(finished, order, start)
    times = _times(finished, chosen, number, len(first))
    signature = np.column_stack([np.where(low[w] == high[w], low[w], VARIES) for w in SIGNED])
    conversations = np.column_stack([act[order], rows.number[order]])
    return Acts(
        of_strand, head, finished.source[head], kind[head], form[head],
        probes=np.bincount(number, finished.count[chosen], len(first)).astype(np.int64),
        first_ns=times[0], last_ns=times[1], signature=signature,
        ttl_low=low[f.IP_TTL], ttl_high=high[f.IP_TTL], dst_low=low[f.IP_DST], dst_high=high[f.IP_DST],
        port_low=low[f.DPORT], port_high=high[f.DPORT],
        conversations=np.bincount(np.unique(conversations, axis=0)[:, 0], minlength=len(first)),
    )  # fmt: skip


def _ranges(finished: Finished, order: Ints, start: Ints) -> tuple[dict[int, Ints], dict[int, Ints]]:
    low, high = {}, {}
    for word in (*SIGNED, f.IP_DST, f.DPORT):
        column = finished.known(word)[order].astype(np.int64)
        low[word] = np.minimum.reduceat(column, start) if len(start) else column
        high[word] = np.maximum.reduceat(column, start) if len(start) else column
    return low, high


def _times(finished: Finished, chosen: Ints, number: Ints, acts: int) -> tuple[Ints, Ints]:
    first = np.full(acts, np.iinfo(np.int64).max)
    last = np.full(acts, np.iinfo(np.int64).min)
    np.minimum.at(first, number, finished.first_ns[chosen])
    np.maximum.at(last, number, finished.last_ns[chosen])
    return first, last


def join_within_sources(acts: Acts, protocol_scanners: Ints) -> Ints:
    """Return for every act the act it joins (itself if none): kinds of probe of one run from one source.

    All acts of a source that scans IP protocols are one run. A run reaches as far as all acts that joined it.
    """
    runs = replace(acts, **{name: getattr(acts, name).copy() for name in (*_LOWS, *_HIGHS)})
    whole = np.isin(acts.source, protocol_scanners)
    leader = np.arange(len(acts))
    order = np.lexsort((-acts.probes, acts.source))
    counts = np.bincount(acts.source, minlength=1)
    leaders: list[int] = []
    for act in order:
        if counts[acts.source[act]] < 2:
            continue
        if leaders and acts.source[leaders[0]] != acts.source[act]:
            leaders = []
        for head in leaders[:LEADERS]:
            if whole[act] or _one_run(runs, head, int(act)):
                leader[act] = head
                _reach(runs, head, int(act))
                break
        else:
            leaders.append(int(act))
    return leader


def _reach(runs: Acts, head: int, act: int) -> None:
    """Let a run reach as far as an act that joined it."""
    for name in _LOWS:
        column = getattr(runs, name)
        column[head] = min(column[head], column[act])
    for name in _HIGHS:
        column = getattr(runs, name)
        column[head] = max(column[head], column[act])


def _one_run(acts: Acts, head: int, act: int) -> bool:
    """Can one run of one code have sent both acts of this source?"""
    handful = acts.probes[act] <= HANDFUL and acts.probes[head] <= HANDFUL
    if not _same_targets(acts, head, act) or not (handful or _same_ttls(acts, head, act)):
        return False
    if acts.kind[act] == Kind.ARP_ASK or acts.kind[head] == Kind.ARP_ASK:
        return False
    near = acts.first_ns[act] <= acts.last_ns[head] and acts.first_ns[head] <= acts.last_ns[act]
    span = max(int(acts.last_ns[head] - acts.first_ns[head]), 60_000_000_000)
    close = acts.first_ns[act] <= acts.last_ns[head] + span and acts.first_ns[head] <= acts.last_ns[act] + span
    if acts.kind[act] == acts.kind[head] == Kind.SYN:
        return bool(close and acts.probes[act] <= HANDFUL)
    return bool(near or (close and acts.probes[act] <= HANDFUL))


def _same_targets(acts: Acts, one: int, two: int) -> bool:
    return bool(acts.dst_low[one] <= acts.dst_high[two] and acts.dst_low[two] <= acts.dst_high[one])


def _same_ttls(acts: Acts, one: int, two: int) -> bool:
    """Equal TTLs, or two spreads that overlap; a few packets may have drawn TTLs of which no two are equal."""
    return bool(acts.ttl_low[one] <= acts.ttl_high[two] and acts.ttl_low[two] <= acts.ttl_high[one])
