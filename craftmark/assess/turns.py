"""Signs that one program sent for several addresses: one hidden generator, one clock, rounds, shared-out targets.

Each is a reason with its weight for one sender; the chance it is weighed by is that of senders of their own.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from craftmark.assess.arrivals import number_sources
from craftmark.assess.base import Reason
from craftmark.assess.rounds import endpoints, of_handovers, of_rounds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from craftmark.assess.base import Subject
    from craftmark.packets.batch import PacketBatch

    Ints = NDArray[np.int64]

#: Share of the probes that must be in the stream or walk.
KEPT: Final = 0.95
#: Most that a single sign weighs.
MOST: Final = 6.0
#: A clock's ticks per second that systems use, and how far its readings may stray from one line.
CLOCK_HZ: Final = (1000, 250, 100, 10)
STRAY_S: Final = 0.05
#: Probes of each source that a clock must be read in.
READINGS: Final = 4


def reasons_of_one_program(subject: Subject) -> list[Reason]:
    """Return the signs of one program behind several sources, in its main kind of probe."""
    batch = subject.main.consecutive
    sources, firsts = number_sources(batch)
    if len(firsts) < 2:
        return []
    found = [_of_generators(subject), _of_clock(batch, len(firsts))]
    found += [look(subject, batch, sources, len(firsts)) for look in (of_rounds, of_handovers, _of_shared_targets)]
    return [reason for reason in found if reason is not None]


def _of_generators(subject: Subject) -> Reason | None:
    """Look for a recovered generator whose outputs the sources took in turns.

    Values that each source may have drawn on its own, and a walk that machines share out (shards) without one going on
    where another stopped, are no such sign.
    """
    marks = [mark for mark in subject.marks if mark.one_stream > 1 and mark.held >= KEPT * mark.seen]
    if not marks:
        return None
    best = min(marks, key=lambda mark: (-mark.one_stream, mark.log10_chance))
    of = "in one walk over the targets" if best.kind == "order" else "at one state of a generator"
    words = (
        f"{best.one_stream:,} sources took turns {of}, 10^{best.log10_chance:.0f} by chance: {best.held:,} of "
        f"{best.seen:,} probes: {best.statement}"
    )
    return Reason(words, min(MOST, -best.log10_chance) * min(1.0, best.one_stream / subject.sources_total))


def _of_clock(batch: PacketBatch, number: int) -> Reason | None:
    """Look for one timestamp clock: readings of all sources on one line."""
    shown = batch.present("tcp_tsval")
    if (
        not shown.all()
        or len(batch) < READINGS * number
        or len(np.unique(batch.column("tcp_tsval"))) < READINGS * number
    ):
        return None
    ticks = batch.column("tcp_tsval").astype(np.int64)
    seconds = (batch.ts_ns - batch.ts_ns[0]) / 1e9
    for hertz in CLOCK_HZ:
        offset = (ticks - ticks[0]) % (1 << 32) / hertz - seconds
        if float(np.abs(offset - np.median(offset)).max()) <= STRAY_S and seconds[-1] > 10 * STRAY_S:
            words = f"the timestamps of all {number} sources are readings of one clock at {hertz} per second"
            return Reason(words, min(MOST, 3.0 * (number - 1)))
    return None


def _of_shared_targets(subject: Subject, batch: PacketBatch, sources: Ints, number: int) -> Reason | None:
    """Look for targets that were shared out: none probed by two sources, where chance would have brought many."""
    if subject.main.sampled or number > 64:
        return None
    pairs = np.unique(np.stack([endpoints(subject, batch), sources]), axis=1)
    space = len(np.unique(pairs[0]))
    if pairs.shape[1] != space or space < 32:
        return None
    sizes = np.bincount(pairs[1], minlength=number)
    chance = log10_chance_of_no_overlap(sizes.tolist(), 2 * space)
    if chance > -3:
        return None
    told = f"the {number} sources shared {space:,} endpoints out among them: 10^{chance:.0f} that none is probed by two"
    return Reason(told, 0.5)  # one operator, but perhaps on several machines


def log10_chance_of_no_overlap(sizes: list[int], space: int) -> float:
    """Return a bound on the chance that sets of these sizes, drawn from a space, have nothing in common."""
    taken, total = 0, 0.0
    for size in sizes:
        total += size * math.log10(max(1e-9, 1 - taken / space))
        taken += size
    return total
