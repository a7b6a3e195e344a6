"""Is there information in the packets beside the sweep itself? A test with a stated rate of false alarms.

What a sweep's marks predict (one value, a counter, a rising order, a fixed pace) leaves nothing to choose. Where such a
carrier takes a few values instead, in an order that nothing explains (source, target, port, repeats of an endpoint, a
pattern, losses on the way), every probe chose one: a modulation. Where a field is drawn at random anyway, nothing can
be told; then the bits it could carry at most are counted, and nothing is excluded.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from craftmark.assess.base import Claim
from craftmark.assess.carriers import CHOSEN, FEWEST, HUNDREDTHS, carriers, order_field, probes_in_order
from craftmark.assess.coding import entropy, numbered, shortest_code

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from craftmark.assess.base import Subject
    from craftmark.assess.carriers import Carrier
    from craftmark.evidence.dossier import Dossier
    from craftmark.packets.batch import PacketBatch

    Ints = NDArray[np.int64]

#: Bits per probe below which the odd ones stand out as strays, not as a modulation.
LEAST_BITS: Final = 0.5
#: A code this much shorter than the symbols' own entropy has found the pattern.
PATTERN: Final = 0.5
#: Share above that of free choices in which one step round a few values recurs where they take turns, with losses.
TURNS: Final = 0.18
#: How far the sum of rounded steps strays from the straight line; that of 64 free bits strays by about 5.
EVEN: Final = 1.5
#: Repeats that must all agree before something is taken as the reason (2 to this power against it).
REPEATS: Final = 16
#: Bits by which steps must differ from what losses, or other traffic on a counter, would make of them.
UNLIKE_LOSSES: Final = 17.0
#: A network's usual jitter: gaps that differ by less carry nothing that arrives.
JITTER_NS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Modulation:
    """A carrier that chose for every probe: the field, in words, the bits it could carry, and some of its packets."""

    name: str
    statement: str
    bits: float
    packets: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Capacity:
    """The most bits a scan could carry, by where: free header fields, the order, the choice of sources, the gaps.

    fields: those that are not the same, or determined, in every probe, with their bits.
    """

    headers: int = 0
    order: int = 0
    sources: int = 0
    gaps: int = 0
    fields: tuple[tuple[str, int], ...] = ()

    @property
    def total(self) -> int:
        """All of them together."""
        return self.headers + self.order + self.sources + self.gaps


@dataclass(frozen=True, slots=True)
class Covert:
    """The outcome: modulations found, what could be carried at most, probes looked at; ``tested`` False: too few."""

    tested: bool
    modulations: tuple[Modulation, ...] = ()
    capacity: Capacity = Capacity()
    looked_at: int = 0


def assess_covert(subject: Subject) -> Covert:
    """Return whether a scan's probes are modulated, and what they could carry at most; pure."""
    batch = probes_in_order(subject.main)
    if subject.is_flood or len(batch) < FEWEST:
        return Covert(tested=False)
    found: tuple[Modulation, ...] = ()
    if subject.maker.kind != "stack":
        whole = is_whole(subject, batch)
        judged = (_judged(carrier, batch, whole=whole) for carrier in carriers(subject, batch))
        found = tuple(one for one in judged if one is not None)
    return Covert(True, found, capacity_of(subject, batch), len(batch))


def claim_of_covert(subject: Subject, covert: Covert, *, nothing: bool) -> Claim | None:
    """Return what was found of hidden data; a scan whose packets have an ordinary use is only spoken of if some was."""
    if not covert.tested or not (covert.modulations or nothing):
        return None
    settled = "the target's outbound traffic in the minutes after the scan, and its raw sockets and packet sniffers"
    bounds = words_of_capacity(covert.capacity)
    after = words_of_afterwards(subject)
    if covert.modulations:
        first = covert.modulations[0]
        return Claim(
            about=subject.id,
            statement=f"the probes are modulated: {first.statement} (up to {first.bits:,.0f} bits)",
            confidence="strong",
            for_=tuple(one.statement for one in covert.modulations) + after,
            against=("a tool nobody has described may draw such values",),
            settled_by=settled,
            packets=first.packets,
        )
    return Claim(
        about=subject.id,
        statement=f"no modulation was found in {_tested(subject, covert)} carry at most {covert.capacity.total:,} bits "
        f"beside the sweep itself ({_in_short(covert.capacity)}): not excluded",
        confidence="fair",
        for_=bounds,
        against=after,
        settled_by=settled,
        packets=subject.first_packets,
    )


def _tested(subject: Subject, covert: Covert) -> str:
    """Say how many probes were tested, and of how many the capacity is told."""
    total, looked_at = subject.main.probes, covert.looked_at
    if looked_at == total:
        return f"all {total:,} probes; they"
    return f"the first {looked_at:,} of {total:,} probes (no more are tested); all {total:,}"


def _in_short(capacity: Capacity) -> str:
    return (
        f"{capacity.headers + capacity.order:,} in headers and order, {capacity.sources:,} in which source sends next, "
        f"{capacity.gaps:,} in gaps"
    )


def words_of_capacity(capacity: Capacity) -> tuple[str, ...]:
    """Return where how many bits could be, in words."""
    fields = ", ".join(f"{name} {bits:,}" for name, bits in capacity.fields)
    return (
        f"header fields: {capacity.headers:,} bits" + (f" ({fields})" if fields else ", all constant or determined"),
        f"order of ports or targets: {capacity.order:,} bits" + ("" if capacity.order else ", it follows a rule"),
        f"which source sends next: {capacity.sources:,} bits",
        f"gaps: {capacity.gaps:,} bits, if the network's jitter is 1 ms",
    )


def words_of_afterwards(subject: Subject) -> tuple[str, ...]:
    """Return what the targets opened afterwards, in words; () where the capture cannot show it or nothing came."""
    after = subject.answers.afterwards
    if not after.seen or after.new_peers <= after.before:
        return ()
    named = ", ".join(
        f"{one.target} to {one.peer}" + (f" port {one.port}" if one.port else "") for one in after.opened[:3]
    )
    return (f"within 10 minutes its targets opened conversations with {after.new_peers:,} new peers ({named})",)


def is_whole(subject: Subject, batch: PacketBatch) -> bool:
    """Tell whether no probe of the sweep is missing: its ports, or targets, are all there between the ends."""
    name = order_field(subject)
    if name is None:
        return False
    asked = np.unique(batch.column(name).astype(np.int64))
    return int(asked[-1] - asked[0]) + 1 == len(asked) >= FEWEST


def _judged(carrier: Carrier, batch: PacketBatch, *, whole: bool) -> Modulation | None:
    symbols, kinds = numbered(carrier.symbols)
    bits = entropy(symbols)
    if kinds < 2 or bits < LEAST_BITS or shortest_code(symbols, kinds) < PATTERN * bits:
        return None
    if carrier.kind in ("values", "counter") and _never_returns(carrier.symbols):
        return None
    if carrier.kind in ("steps", "gaps") and is_rounded(symbols):
        return None
    lossy = carrier.kind == "steps" or (carrier.kind == "gaps" and not whole)
    if lossy and is_like_losses(_in_steps(carrier)):
        return None
    if carrier.kind == "values" and (goes_round(symbols, kinds) or _is_determined(symbols, carrier.name, batch)):
        return None
    return Modulation(carrier.name, _statement(carrier, kinds), round(bits * len(symbols), 1), _packets(carrier, batch))


def is_rounded(symbols: Ints) -> bool:
    """Tell whether two steps alternate so evenly that their sum never leaves the straight line: a rate, rounded."""
    left = np.cumsum(symbols - symbols.mean())
    return bool(left.max() - left.min() <= EVEN)


def _never_returns(levels: Ints) -> bool:
    """Tell whether a series only rises, or only falls: a counter that skipped, or a value that was changed for good."""
    steps = np.diff(levels)
    return bool((steps >= 0).all() or (steps <= 0).all())


def _in_steps(carrier: Carrier) -> Ints:
    """Return steps as they are, and gaps in whole multiples of the shortest where they are near such multiples."""
    if carrier.kind == "steps":
        return carrier.symbols
    whole = np.round(carrier.symbols / HUNDREDTHS).astype(np.int64)
    near = bool((np.abs(carrier.symbols - whole * HUNDREDTHS) <= 5 * whole).all())
    return whole if near else carrier.symbols


def _is_determined(symbols: Ints, name: str, batch: PacketBatch) -> bool:
    """Tell whether the symbol follows from the source, target, port, repeat of the endpoint, or TTL (of a window)."""
    ends = np.stack([_numbers(batch, "ip_src"), _numbers(batch, "ip_dst"), _numbers(batch, "tcp_dport")])
    repeat = _nth_of_its_kind(np.unique(ends, axis=1, return_inverse=True)[1].reshape(-1))
    reasons = [*ends, repeat, *([_numbers(batch, "ip_ttl")] if name == "tcp_win" else [])]
    return any(follows_from(symbols, reason) for reason in reasons)


def goes_round(symbols: Ints, kinds: int) -> bool:
    """Tell whether the values take turns, or stay, more often than free choices would: turns with packets lost."""
    steps = np.bincount((symbols[1:] - symbols[:-1]) % kinds, minlength=kinds)
    return int(steps.max()) >= (1 / kinds + TURNS) * int(steps.sum())


def follows_from(symbols: Ints, reason: Ints) -> bool:
    """Tell whether equal reasons always have equal symbols, in repeats enough that chance would not do it."""
    pairs = int(np.unique(np.stack([reason, symbols]), axis=1).shape[1])
    distinct = len(np.unique(reason))
    return distinct > 1 and distinct == pairs and len(symbols) - distinct >= REPEATS


def _numbers(batch: PacketBatch, name: str) -> Ints:
    values = batch.column(name)
    return np.unique(values, return_inverse=True)[1].reshape(-1).astype(np.int64)


def _nth_of_its_kind(kinds: Ints) -> Ints:
    """Return of every place how many earlier places have the same kind."""
    order = np.argsort(kinds, kind="stable")
    ranked = kinds[order]
    start = np.concatenate([[0], np.flatnonzero(ranked[1:] != ranked[:-1]) + 1])
    nth = np.empty(len(kinds), np.int64)
    nth[order] = np.arange(len(kinds)) - np.repeat(start, np.diff(np.append(start, len(kinds))))
    return nth


def is_like_losses(steps: Ints) -> bool:
    """Tell whether steps look like a steady one with packets lost, or other packets counted, in between."""
    base = int(np.gcd.reduce(np.abs(steps)))
    sign = 1 if steps.sum() > 0 else -1
    if base == 0 or (steps * sign <= 0).any():
        return False
    missed = np.abs(steps) // base - 1
    missed = missed - missed.min()
    counts = np.bincount(missed)
    shares = counts / counts.sum()
    mean = float(missed.mean())
    at = np.flatnonzero(counts)
    geometric = (1 / (1 + mean)) * (mean / (1 + mean)) ** at if mean else np.ones(1)
    logs = at * math.log(mean) - mean - np.array([math.lgamma(one + 1) for one in at]) if mean else np.zeros(1)
    excess = (float((shares[at] * np.log2(shares[at] / model)).sum()) for model in (geometric, np.exp(logs)))
    return bool(min(excess) * len(steps) < UNLIKE_LOSSES)


_READ: Final = {
    "values": "takes {kinds} values",
    "counter": "is a counter plus one of {kinds} amounts",
    "steps": "goes on by one of {kinds} steps",
    "pairs": "comes in pairs, rising or falling",
    "gaps": "fall into {kinds} lengths",
}


def _statement(carrier: Carrier, kinds: int) -> str:
    read = _READ[carrier.kind].format(kinds=kinds)
    return f"{carrier.name} {read}, in an order that nothing else explains, over {len(carrier.symbols):,} probes"


def _packets(carrier: Carrier, batch: PacketBatch) -> tuple[int, ...]:
    values, counts = np.unique(carrier.symbols, return_counts=True)
    rare = carrier.rows[carrier.symbols == values[counts.argmin()]]
    return tuple(int(one) for one in batch.packet_id[rare[:5]])


def capacity_of(subject: Subject, batch: PacketBatch) -> Capacity:
    """Return the most bits all probes could carry, from what varies in those looked at."""
    scale = subject.main.probes / len(batch)
    fields = []
    for name in CHOSEN:
        evidence = subject.main.field(name)
        if evidence is not None and evidence.constant is None and name not in subject.determined:
            each = math.log2(max(2, evidence.maximum - evidence.minimum + 1))
            if not _is_steady(batch.column(name).astype(np.int64)):
                fields.append((name, round(each * subject.main.probes)))
    return Capacity(
        headers=sum(bits for _, bits in fields),
        order=round(_bits_of_order(subject, batch) * scale),
        sources=round(_bits_of_sources(subject.main, batch) * scale),
        gaps=round(_bits_of_gaps(subject.main, batch) * scale),
        fields=tuple(fields),
    )


def _is_steady(values: Ints) -> bool:
    """Tell whether a field counts on by one step: it is determined by where the probe stands."""
    return len(values) > 2 and len(np.unique(np.diff(values))) == 1


def _bits_of_order(subject: Subject, batch: PacketBatch) -> float:
    name = order_field(subject)
    if name is None:
        return 0.0
    asked = batch.column(name).astype(np.int64)
    per_source = np.lexsort((np.arange(len(asked)), batch.column("ip_src")))
    steps = np.diff(asked[per_source])
    if len(np.unique(steps[np.diff(batch.column("ip_src")[per_source].astype(np.int64)) == 0])) <= 1:
        return 0.0
    return math.lgamma(len(np.unique(asked)) + 1) / math.log(2)


def _bits_of_sources(part: Dossier, batch: PacketBatch) -> float:
    if part.sources_total < 2:
        return 0.0
    symbols, kinds = numbered(_numbers(batch, "ip_src"))
    if kinds > 64:
        return len(symbols) * math.log2(max(part.sources_total, 2))
    code = shortest_code(symbols, kinds)
    return 0.0 if code < 0.1 * math.log2(max(kinds, 2)) else len(symbols) * math.log2(max(kinds, 2))


def _bits_of_gaps(part: Dossier, batch: PacketBatch) -> float:
    """Return what gaps could carry through a network's usual jitter."""
    if not part.has_time or len(batch) < 2:
        return 0.0
    gaps = np.diff(batch.ts_ns)
    spread = float(np.percentile(gaps, 99) - gaps.min())
    return len(gaps) * math.log2(1 + spread / JITTER_NS)
