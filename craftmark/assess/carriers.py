"""What a scan's packets could carry hidden data in: header fields, the order of ports and targets, and the gaps.

A carrier is a series of symbols, one per probe, that the marks of a sweep would leave constant: values of a field
that is otherwise one value, what is left of a counter, steps of a rising order, the choice within pairs of ports, gaps
of a fixed pace. Fields that the identified tool, or a mark, accounts for are no carriers, and neither are those that
networks and stacks vary by themselves (TTL, lengths, checksums, payload).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from craftmark.assess.arrivals import number_sources
from craftmark.packets.fields import FIELDS, IP_DST, NOTE_NO_TIME, NOTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from craftmark.assess.base import Subject
    from craftmark.evidence.dossier import Dossier
    from craftmark.packets.batch import PacketBatch

    Ints = NDArray[np.int64]

Kind = Literal["values", "counter", "steps", "pairs", "gaps"]

#: Fields whose value the sender's code chooses.
CHOSEN: Final = (
    "ip_tos", "ip_id", "ip_flags", "tcp_sport", "tcp_seq", "tcp_ack", "tcp_win", "tcp_urp", "tcp_reserved",
    "udp_sport", "icmp_id", "icmp_seq", "icmp6_id", "icmp6_seq", "ip6_flow",
)  # fmt: skip
#: Probes that are looked at, the first ones; and fewest in which anything is told from chance.
LOOKED_AT: Final = 2048
FEWEST: Final = 32
#: Distinct values beyond which a series is no alphabet but a number drawn, or counted.
ALPHABET: Final = 16
STEPS: Final = 4
#: Share of a series that its alphabet must cover.
COVERED: Final = 0.97
#: Gaps within one symbol differ by less than this ratio, gaps of different symbols by more; shorter ones are jitter.
TIGHT: Final = 1.06
APART: Final = 1.1
SHORTEST_GAP_NS: Final = 500_000
#: Unit of the lengths of gaps: hundredths of the shortest.
HUNDREDTHS: Final = 100


@dataclass(frozen=True, slots=True)
class Carrier:
    """A series that could carry data: the field (or "gaps"), how it is read, its symbols and the rows they are of."""

    name: str
    kind: Kind
    symbols: Ints
    rows: Ints


def probes_in_order(part: Dossier) -> PacketBatch:
    """Return the first probes with none missing between, in time order."""
    batch = part.consecutive
    return batch.take(np.arange(min(len(batch), LOOKED_AT)))


def carriers(subject: Subject, batch: PacketBatch) -> Iterator[Carrier]:
    """Yield the series of a scan's probes that could carry data."""
    for name in CHOSEN:
        if subject.main.field(name) is not None and name not in subject.accounted and batch.present(name).all():
            yield from _of_field(name, batch.column(name).astype(np.int64))
    yield from _of_order(subject, batch)
    if subject.main.has_time and not (batch.words[:, NOTES] & NOTE_NO_TIME).any():
        yield from _of_gaps(np.diff(batch.ts_ns))


def few(values: Ints, *, most: int = ALPHABET) -> Ints | None:
    """Return the values if they are an alphabet of 2 to ``most`` symbols but for rare strays (set to the first)."""
    if len(values) < FEWEST:
        return None
    distinct, counts = np.unique(values, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:most]
    if len(distinct) < 2 or counts[order].sum() < COVERED * len(values):
        return None
    kept = distinct[order]
    return np.where(np.isin(values, kept), values, kept[0])


def _of_field(name: str, values: Ints) -> Iterator[Carrier]:
    rows = np.arange(len(values))
    if (symbols := few(values)) is not None:
        yield Carrier(name, "values", symbols, rows)
        return
    size = 1 << FIELDS[name].bits
    steps = (np.diff(values) + size // 2) % size - size // 2
    if len(steps) < FEWEST or (step := int(np.median(steps))) == 0:
        return
    for slope in dict.fromkeys((step, round(float(steps.mean())))):
        left = (values - values[0] - slope * rows + size // 2) % size - size // 2
        if (symbols := few(left, most=STEPS)) is not None:
            yield Carrier(name, "counter", symbols, rows)
            return
    if (symbols := few(steps, most=STEPS)) is not None:
        yield Carrier(name, "steps", symbols, rows[1:])


def _of_order(subject: Subject, batch: PacketBatch) -> Iterator[Carrier]:
    """Yield the order of ports, or of targets, of the source with most probes, each asked for the first time."""
    name = order_field(subject)
    if name is None or not batch.present(name).all():
        return
    number, _ = number_sources(batch)
    rows = np.flatnonzero(number == np.bincount(number).argmax()) if len(number) else np.empty(0, np.int64)
    asked = batch.column(name)[rows].astype(np.int64)
    _, first = np.unique(asked, return_index=True)
    rows, asked = rows[np.sort(first)], asked[np.sort(first)]
    if len(asked) < FEWEST:
        return
    if (swapped := _swapped_pairs(asked)) is not None:
        yield Carrier(name, "pairs", swapped, rows[: 2 * len(swapped) : 2])
    elif (symbols := few(np.diff(asked), most=STEPS)) is not None:
        yield Carrier(name, "steps", symbols, rows[1:])


def order_field(subject: Subject) -> str | None:
    """Return the field whose order a sweep walks through: ports of one target, or targets at one port."""
    main = subject.main
    if main.port_field is not None and main.ports_total > 1 and main.targets_total == 1:
        return main.port_field
    return "ip_dst" if main.targets_total > 1 and main.ports_total <= 1 and IP_DST >= 0 else None


def _swapped_pairs(asked: Ints) -> Ints | None:
    """Return which of the neighbouring pairs come in falling order, where all else rises; None where it does not."""
    for start in (0, 1):
        pairs = asked[start : start + (len(asked) - start) // 2 * 2].reshape(-1, 2)
        steps = pairs[:, 1] - pairs[:, 0]
        rising = np.sort(pairs, axis=1)
        walks = bool((rising[1:, 0] > rising[:-1, 1]).all())
        if walks and len(np.unique(np.abs(steps))) == 1 and len(np.unique(steps)) == 2 and len(pairs) >= FEWEST // 2:
            return (steps < 0).astype(np.int64)
    return None


def _of_gaps(gaps: Ints) -> Iterator[Carrier]:
    """Yield the gaps where they fall into a few tight groups, as those of a pace that is chosen each time.

    The symbol is a group's length in hundredths of the shortest group's.
    """
    if len(gaps) < FEWEST or gaps.min() <= 0:
        return
    order = np.argsort(gaps, kind="stable")
    ranked = gaps[order].astype(np.float64)
    group = np.concatenate([[0], np.cumsum(ranked[1:] > APART * ranked[:-1])])
    symbols = np.empty(len(gaps), np.int64)
    symbols[order] = group
    sizes = np.bincount(group)
    main = np.flatnonzero(sizes >= (1 - COVERED) * len(gaps))
    if not 2 <= len(main) <= ALPHABET or sizes[main].sum() < COVERED * len(gaps):
        return
    for one in main:
        within = ranked[group == one]
        low, high = np.percentile(within, [10, 90])
        if low < SHORTEST_GAP_NS or high > TIGHT * low:
            return
    medians = np.array([np.median(ranked[group == one]) for one in range(group[-1] + 1)])
    lengths = np.round(HUNDREDTHS * medians / medians[main[0]]).astype(np.int64)
    kept = lengths[np.where(np.isin(symbols, main), symbols, main[0])]
    yield Carrier("gaps", "gaps", kept, np.arange(1, len(gaps) + 1))
