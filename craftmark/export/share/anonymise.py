"""The packets of some scans with own addresses replaced, and everything that would tell these addresses with them.

Per scan: addresses and link addresses get stand-ins; fields that depend on others by a relation are computed again;
fields that move, and that nothing explains, might be computed from an address and are replaced by others of the same
kind; where the order of targets could be a generator's, the probes change places. Answers follow their probes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from craftmark.export.relations import ADDRESSES, copies_of_addresses, equation_in, kept, restore
from craftmark.export.share import moments
from craftmark.export.share.addresses import SIDES, StandIns
from craftmark.export.share.conversations import pair
from craftmark.export.share.keyed import Domain, Key
from craftmark.packets import fields as f
from craftmark.packets.batch import PacketBatch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from craftmark.export.share.addresses import Own
    from craftmark.export.share.conversations import Paired
    from craftmark.packets.batch import Words
    from craftmark.packets.expressions import Expression
    from craftmark.report.document import Scan

    Rows = NDArray[np.intp]
    Numbers = NDArray[np.uint32]

#: Fields in which code can put what it computes from addresses.
CARRIERS: Final = (
    "ip_id", "ip6_flow", "tcp_sport", "tcp_seq", "tcp_ack", "tcp_tsval", "tcp_tsecr", "udp_sport",
    "sctp_sport", "sctp_vtag", "icmp_id", "icmp_seq", "icmp6_id", "icmp6_seq",
)  # fmt: skip
#: A field with so few values for what it is sent to says too little of that to tell it.
_PROBES_PER_VALUE: Final = 8
#: Values from which the bounds of what a field takes are known.
_BOUNDS_KNOWN: Final = 8
#: Share of steps that do not fall, of a clock.
_CLOCK: Final = 0.9
#: Keys tried until no number that was drawn happens to be an own address.
_TRIES: Final = 8
_FULL: Final = Domain(1, 0xFFFFFFFF, 0, 0xFFFFFFFF)
#: Words of a row that are written to a frame and can hold a whole address.
_WIDE: Final = (f.IP_SRC, f.IP_DST, f.SEQ, f.ACK, f.TCP_TSVAL, f.TCP_TSECR, f.LINK_SRC)


@dataclass(slots=True)
class Done:
    """What was done with one scan: fields computed again and by what, fields replaced, and the order."""

    scan: str
    derived: dict[str, str] = field(default_factory=dict)
    replaced: set[str] = field(default_factory=set)
    order: moments.Order = "kept"


@dataclass(frozen=True, slots=True)
class Anonymised:
    """The packets in the order of time, the row that each error quotes, what was done, and the rows they came from."""

    batch: PacketBatch
    quoted: Rows
    done: tuple[Done, ...]
    came_from: Rows
    own: tuple[str, ...]


def anonymise(
    batch: PacketBatch, scan_of: Rows, scans: Sequence[Scan], rules: Sequence[Expression], *, own: Own, key: Key
) -> Anonymised:
    """Return the packets as they may be shared; rows are in the order of time.

    scan_of: per row the number of its scan, as places in ``scans`` from 1 on; 0 for what belongs to their probes.
    rules: expressions that rules name.
    """
    for number in range(_TRIES):
        made = _Anonymiser(batch, scan_of, own, Key(key.sub(f"try {number}")))
        found = made.result(scans, rules)
        if not made.is_told(found.batch.words):
            break
    return found


class _Anonymiser:
    """Works on a copy of the rows, step by step."""

    def __init__(self, batch: PacketBatch, scan_of: Rows, own: Own, key: Key) -> None:
        self.old, self.ts_old, self.ids = batch.words, batch.ts_ns, batch.packet_id
        self.new, self.ts = batch.words.copy(), batch.ts_ns.copy()
        self.scan_of, self.own, self.key = scan_of, own, key
        self.paired = pair(self.old, scan_of > 0)
        self.stand_ins = StandIns(own, [self.old], key)

    def result(self, scans: Sequence[Scan], rules: Sequence[Expression]) -> Anonymised:
        self.stand_ins.put(self.new)
        self.new[:, f.LINK_SRC] = self.key.permuted("link", self.old[:, f.LINK_SRC], _FULL)
        done = []
        for number, scan in enumerate(scans, 1):
            rows = np.flatnonzero(self.scan_of == number)
            one = Done(scan.id)
            for protocol in np.unique(self.old[rows, f.PROTOCOL]).tolist():
                self._fields(rows[self.old[rows, f.PROTOCOL] == protocol], protocol, scan, rules, one)
            self._order(rows, scan, one)
            done.append(one)
        _follow(self)
        order = np.argsort(self.ts, kind="stable")
        quoted = np.where(self.paired.is_error, self.paired.probe, -1)[order]
        place = np.empty(len(order), np.intp)
        place[order] = np.arange(len(order))
        quoted = np.where(quoted >= 0, place[quoted], -1)
        batch = PacketBatch(self.new[order], self.ts[order], self.ids[order])
        return Anonymised(batch, quoted, tuple(done), order, self.stand_ins.networks())

    def is_told(self, words: Words) -> bool:
        """Tell whether an own address is left in a field, by accident."""
        return any(bool(np.isin(words[:, word], self.stand_ins.tell_tales).any()) for word in _WIDE)

    def _fields(self, rows: Rows, protocol: int, scan: Scan, rules: Sequence[Expression], done: Done) -> None:
        """Replace what moves and is not explained; compute again what relations give."""
        old = self.old[rows]
        if not (self.own.hold(old, "ip_src") | self.own.hold(old, "ip_dst")).any():
            return
        named = [equation_in(mark.statement) for mark in scan.toolmarks if mark.kind == "relation"]
        suspected = [*(one for one in rules if ADDRESSES & set(one.fields)), *copies_of_addresses(protocol)]
        relations = kept(old, [one for one in named if one is not None], suspected)
        new = self.new[rows]
        names = [one.name for one in f.fields_of(protocol) if one.name in CARRIERS]
        for name in names:
            chosen = np.flatnonzero(_shown(old, name))
            if len(chosen) and not self._is_kept(name, old[chosen], self.ts_old[rows[chosen]], scan):
                word = f.FIELDS[name].word
                new[chosen, word] = self.key.permuted(name, old[chosen, word], _domain(name, old[chosen, word]))
                done.replaced.add(name)
        restore(new, relations)
        done.derived |= {one.field: str(one.equation) for one in relations}
        done.replaced -= set(done.derived)
        self.new[rows] = new

    def _is_kept(self, name: str, words: Words, ts_ns: NDArray[np.int64], scan: Scan) -> bool:
        """Tell whether a field stays as it is: it tells nothing of addresses."""
        values = words[:, f.FIELDS[name].word]
        if f.FIELDS[name].bits == 32 and np.isin(values, self.stand_ins.tell_tales).any():
            return False
        distinct = len(np.unique(values))
        sent_to = len(np.unique(words[:, [f.IP_SRC, f.IP_DST, f.DPORT]], axis=0))
        if distinct == 1:
            return sent_to > 1 or not values[0]
        if any(mark.kind == "counter" and name in mark.fields for mark in scan.toolmarks):
            return True
        if _is_streamed(name, scan):
            return self._order_kind(words) != "shuffled"
        if name == "tcp_tsval":
            return bool((np.diff(values[np.argsort(ts_ns, kind="stable")].astype(np.int64)) >= 0).mean() >= _CLOCK)
        return distinct * _PROBES_PER_VALUE <= sent_to

    def _order_kind(self, words: Words) -> moments.Order:
        held = self.own.hold(words, "ip_dst")
        return moments.order_of(words[held, f.IP_DST])

    def _order(self, rows: Rows, scan: Scan, done: Done) -> None:
        """Let the probes of each source change places where the order of their targets tells addresses."""
        rows = rows[self.own.hold(self.old[rows], "ip_dst")]
        high, low = SIDES["ip_src"]
        _, source = np.unique(self.old[rows][:, [high, high + 1, high + 2, low]], axis=0, return_inverse=True)
        order = np.argsort(source.reshape(-1), kind="stable")
        bounds = np.flatnonzero(np.diff(source.reshape(-1)[order])) + 1
        staying = np.array([f.FIELDS[name].word for name in CARRIERS if _is_of_moment(name, scan)], np.intp)
        for number, part in enumerate(np.split(order, bounds) if len(order) else ()):
            slots = rows[part]
            targets = self.old[slots, f.IP_DST]
            kind = moments.order_of(targets)
            if kind == "kept":
                continue
            done.order = kind if done.order != "shuffled" else done.order
            places = moments.moved(targets, self.new[slots, f.IP_DST], self.key, f"order {scan.id} {number}")
            at_moment = self.new[slots[:, None], staying]
            self.ts[slots[places]] = self.ts_old[slots]
            self.new[slots[places][:, None], staying] = at_moment


def _shown(words: Words, name: str) -> NDArray[np.bool_]:
    shown: NDArray[np.bool_] = words[:, f.PRESENT] & np.uint32(f.visibility_bit(f.FIELDS[name].word)) != 0
    return shown


def _is_streamed(name: str, scan: Scan) -> bool:
    """Tell whether a field is filled by a generator whose state is known: its marks are named by their recipes."""
    return any(mark.kind == "generator" and "/" in mark.name and name in mark.fields for mark in scan.toolmarks)


def _is_of_moment(name: str, scan: Scan) -> bool:
    """Tell whether a field says when a packet was sent, not to whom."""
    counts = any(mark.kind == "counter" and name in mark.fields for mark in scan.toolmarks)
    return counts or name == "tcp_tsval" or _is_streamed(name, scan)


def _domain(name: str, values: Numbers) -> Domain:
    """Return the numbers among which a field is replaced: those of the kind that was sent."""
    bits = f.FIELDS[name].bits
    distinct = np.unique(values[values != 0])
    if len(distinct) < _BOUNDS_KNOWN:
        return Domain(1024 if name.endswith("sport") else 1, (1 << bits) - 1, 0, (1 << bits) - 1)
    always, ever = int(np.bitwise_and.reduce(distinct)), int(np.bitwise_or.reduce(distinct))
    return Domain(int(distinct[0]), int(distinct[-1]), always, ever)


def _follow(work: _Anonymiser) -> None:
    """Let everything that belongs to a probe follow it: ports, numbers that answer its numbers, and the moment."""
    paired: Paired = work.paired
    rows = np.flatnonzero((work.scan_of == 0) & (paired.probe >= 0))
    probe, back = paired.probe[rows], paired.is_back[rows]
    old, new = work.old, work.new
    work.ts[rows] += work.ts[probe] - work.ts_old[probe]
    protocol = old[rows, f.PROTOCOL]
    whole = ~paired.is_error[rows]
    ported = whole & np.isin(protocol, (f.TCP, f.UDP, f.SCTP))
    for chosen, word in ((ported & back, f.DPORT), (ported & ~back, f.SPORT)):
        new[rows[chosen], word] = new[probe[chosen], f.SPORT]
    pinged = whole & np.isin(protocol, (f.ICMP, f.ICMP6))
    for word in (f.ICMP_ID, f.ICMP_SEQ):
        new[rows[pinged], word] = new[probe[pinged], word]
    _follow_numbers(work, rows[whole & (protocol == f.TCP)], probe[whole & (protocol == f.TCP)])


def _follow_numbers(work: _Anonymiser, rows: Rows, probe: Rows) -> None:
    """Sequence numbers of the answering side move by one amount per conversation, what answers a probe follows it."""
    old, new = work.old, work.new
    back = work.paired.is_back[rows]
    asked, asked_now = old[probe], new[probe]
    shift = work.key.numbers("answers", *(asked_now[:, word] for word in (f.IP_SRC, f.IP_DST, f.SPORT, f.DPORT)))
    seq, ack = old[rows, f.SEQ], old[rows, f.ACK]
    with_probe = asked_now[:, f.SEQ] - asked[:, f.SEQ]
    echoes = (seq == asked[:, f.ACK]) & (seq != 0)
    told = np.where(echoes, asked_now[:, f.ACK], seq + shift)
    new[rows, f.SEQ] = np.where(seq == 0, 0, np.where(back, told, seq + with_probe))
    new[rows, f.ACK] = np.where(ack == 0, 0, ack + np.where(back, with_probe, shift))
    answers = back & (old[rows, f.TCP_TSECR] == asked[:, f.TCP_TSVAL]) & _shown(old[rows], "tcp_tsecr")
    new[rows[answers], f.TCP_TSECR] = asked_now[answers, f.TCP_TSVAL]
