"""Signs of one program in how sources follow one another: rounds over all of them, and handing over without a pause.

Senders of their own that run the same tool at the same pace keep an order too, for as long as their clocks agree; they
do not wait for one another at each port, and do not start in the moment in which another ends.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from craftmark.assess.base import Reason
from craftmark.packets.fields import IP_DST, IP_DST_HIGH

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from craftmark.assess.base import Subject
    from craftmark.packets.batch import PacketBatch

    Ints = NDArray[np.int64]

#: Rounds from which they are a habit, and the share of them that must be kept.
ROUNDS: Final = 5
KEPT: Final = 0.95
#: Most sources that are looked at, and most that a sign weighs.
MOST_SOURCES: Final = 64
MOST: Final = 6.0
#: What rounds weigh in which each source is at a target or port of its own: equal paces keep them too, so nothing.
OF_EQUAL_PACE: Final = 0.0
#: A source follows another without a pause if it starts within so many usual gaps.
WITHOUT_PAUSE: Final = 4
#: Probes of each source from which the usual gap is known.
FEWEST: Final = 8


def endpoints(subject: Subject, batch: PacketBatch) -> Ints:
    """Return a number per probe that is equal for equal target and port."""
    port = subject.main.port_field
    words = [IP_DST, IP_DST_HIGH, IP_DST_HIGH + 1, IP_DST_HIGH + 2]
    columns = [batch.words[:, words], *([batch.column(port)[:, None]] if port else [])]
    number: Ints = np.unique(np.concatenate(columns, axis=1), axis=0, return_inverse=True)[1].reshape(-1)
    return number


def of_rounds(subject: Subject, batch: PacketBatch, sources: Ints, number: int) -> Reason | None:
    """Look for rounds in which each source sends once, in whatever order, to one endpoint before any goes on."""
    rounds = len(sources) // number
    if rounds < ROUNDS or number > MOST_SOURCES:
        return None
    of_round = sources[: rounds * number].reshape(rounds, number)
    whole = (np.sort(of_round, axis=1) == np.arange(number)).all(axis=1)
    where = endpoints(subject, batch)[: rounds * number].reshape(rounds, number)
    together = whole & (where == where[:, :1]).all(axis=1)
    by_chance = math.log10(math.factorial(number) / number**number)
    if together.mean() >= KEPT and len(np.unique(where[:, 0])) >= ROUNDS:
        words = (
            f"the {number} sources send in rounds, each once to a port or target before any goes on to the next: "
            f"{int(together.sum()):,} of {rounds:,} rounds"
        )
        return Reason(words, round(min(MOST, -int(together.sum()) * by_chance), 2))
    if whole.mean() >= KEPT:
        words = (
            f"the {number} sources take turns, each at a place of its own: {int(whole.sum()):,} of {rounds:,} rounds"
        )
        return Reason(words, OF_EQUAL_PACE)
    return None


def of_handovers(subject: Subject, batch: PacketBatch, sources: Ints, number: int) -> Reason | None:
    """Look for sources that send one after the other, each starting in the moment in which the one before ends."""
    changes = np.flatnonzero(sources[1:] != sources[:-1])
    is_sure = subject.main.has_time and not subject.main.sampled and len(sources) >= FEWEST * number
    if len(changes) != number - 1 or not is_sure:
        return None
    gaps = np.diff(batch.ts_ns)
    usual, span = float(np.median(gaps)), float(batch.ts_ns[-1] - batch.ts_ns[0])
    near = gaps[changes] <= WITHOUT_PAUSE * usual
    if not near.all() or usual <= 0:
        return None
    chance = len(changes) * math.log10(WITHOUT_PAUSE * usual / span)
    words = f"the {number} sources send one after the other, each within {WITHOUT_PAUSE} gaps of the one before"
    return Reason(f"{words}: 10^{chance:.0f} by chance", round(min(MOST, -chance), 2))
