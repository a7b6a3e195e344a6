"""Floods: many packets that cannot teach their sender anything, forged sources at one service.

Two forms: a crowd of sources that each sent next to nothing, and to one address only, in vain; or one source that
opens the same port again and again, faster than anyone could want an answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from craftmark.scans.conversations import Conversations, scramble
from craftmark.scans.kinds import ASKING, Kind

if TYPE_CHECKING:
    from craftmark.evidence.finished import Finished
    from craftmark.scans.acts import Acts

Ints = NDArray[np.int64]

#: Sources of a crowd, and packets each may have sent.
CROWD = 100
CROWD_PACKETS = 3
#: Share of all such small sources that one address must draw: on a telescope every address draws a few.
CROWD_SHARE = 0.05
#: Openings of one port of one address by one source, and their rate per second, from which it is a flood.
OPENINGS = 1000
OPENINGS_RATE = 50
_SECOND = 1_000_000_000


def crowds(finished: Finished, kind: Ints, rows: Conversations) -> list[Ints]:
    """Return the strands of each flood by a crowd of sources."""
    n = int(finished.source.max(initial=-1)) + 1
    source = finished.source[rows.strand]
    packets = np.bincount(finished.source, finished.count, n)
    small = packets <= CROWD_PACKETS
    one_address = _single(source, scramble(rows.dst), n)
    vain = np.bincount(source[(rows.own & 0x108) != 0], minlength=n) == 0
    answered = np.bincount(source[rows.asked], minlength=n) > 0
    crowd = small & one_address & vain & ~answered
    members = np.flatnonzero(crowd[source])
    if len(np.unique(source[members])) < CROWD:
        return []
    target, inverse = np.unique(rows.dst[members], return_inverse=True)
    sources = np.bincount(inverse[np.unique(source[members], return_index=True)[1]], minlength=len(target))
    asking = np.isin(kind[rows.strand[members]], ASKING)
    asked = np.bincount(inverse[asking], minlength=len(target))
    every = np.bincount(inverse, minlength=len(target))
    chosen = (sources >= CROWD) & (2 * asked >= every) & (sources >= CROWD_SHARE * sources.sum())
    return [np.unique(rows.strand[members[inverse == t]]) for t in np.flatnonzero(chosen)]


def _single(source: Ints, value: NDArray[np.uint64], n: int) -> NDArray[np.bool_]:
    """Tell which sources have one value in all their known rows."""
    low = np.full(n, np.iinfo(np.uint64).max, np.uint64)
    high = np.zeros(n, np.uint64)
    np.minimum.at(low, source, value)
    np.maximum.at(high, source, value)
    single: NDArray[np.bool_] = low == high
    return single


def single_source_floods(acts: Acts) -> NDArray[np.bool_]:
    """Tell of every act whether it opens one port of one address over and over."""
    one_endpoint = (acts.dst_low == acts.dst_high) & (acts.port_low == acts.port_high)
    seconds = np.maximum(acts.last_ns - acts.first_ns, _SECOND) / _SECOND
    fast = acts.probes / seconds >= OPENINGS_RATE
    many = (acts.probes >= OPENINGS) & (acts.conversations >= CROWD)
    flooding: NDArray[np.bool_] = (acts.kind == Kind.SYN) & one_endpoint & many & fast
    return flooding
