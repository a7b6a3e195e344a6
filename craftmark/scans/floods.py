"""Floods: many packets that cannot teach their sender anything, forged sources at one service.

Three forms: a crowd of sources that each sent next to nothing, and to one address only, in vain; a crowd of link
addresses with a packet each, which no switch can remember; or one source that asks the same port again and again,
faster than anyone could want an answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from craftmark.evidence.ordering import numbered
from craftmark.packets import fields as f
from craftmark.scans.conversations import SAID, Conversations, scramble
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
#: Share of crafted single packets that must each have a link address of their own.
LINKS_SHARE = 0.9
#: Requests of one port of one address by one source, and their rate per second, from which it is a flood.
OPENINGS = 1000
OPENINGS_RATE = 50
_SECOND = 1_000_000_000
_DF = 2  # of ip_flags
_PORTLESS = (Kind.ECHO, Kind.ASK, Kind.OTHER)
#: Kinds that flood one endpoint; each new conversation is a request of its own.
_FLOODING = (Kind.SYN, Kind.ODD, Kind.MIDDLE, Kind.SYN_ACK, Kind.RST, Kind.UDP, Kind.UNTOLD, *_PORTLESS)


def crowds(finished: Finished, kind: Ints, rows: Conversations) -> list[Ints]:
    """Return the strands of each flood by a crowd of sources."""
    n = int(finished.source.max(initial=-1)) + 1
    source = finished.source[rows.strand]
    packets = np.bincount(finished.source, finished.count, n)
    small = packets <= CROWD_PACKETS
    one_address = _single(source, scramble(rows.dst), n)
    stray = _stray(finished, rows)
    vain = np.bincount(source[((rows.own & 0x108) != 0) & ~stray], minlength=n) == 0
    answered = np.bincount(source[rows.asked], minlength=n) > 0
    crowd = small & one_address & vain & ~answered
    members = np.flatnonzero(crowd[source])
    first = np.full(n, -1, np.int64)
    first[source[members[::-1]]] = np.arange(len(members))[::-1]
    first = first[first >= 0]
    if len(first) < CROWD:
        return []
    inverse, targets = numbered(scramble(rows.dst[members]))
    sources = np.bincount(inverse[first], minlength=targets)
    asking = np.isin(kind[rows.strand[members]], ASKING) | stray[members]
    asked = np.bincount(inverse[asking], minlength=targets)
    every = np.bincount(inverse, minlength=targets)
    chosen = (sources >= CROWD) & (2 * asked >= every) & (sources >= CROWD_SHARE * sources.sum())
    return [np.unique(rows.strand[members[inverse == t]]) for t in np.flatnonzero(chosen)]


def forged_links(finished: Finished, rows: Conversations, crafted: NDArray[np.bool_]) -> list[Ints]:
    """Return the strands of frames that each claim a new sender on the link: they flood a switch, not a host.

    ``crafted``: strands whose packets no stack sends.
    """
    link = finished.known(f.LINK_SRC)
    inside = np.flatnonzero(crafted[rows.strand] & (finished.count[rows.strand] == 1) & (link != 0))
    _, inverse, counts = np.unique(link[inside], return_inverse=True, return_counts=True)
    once = inside[counts[inverse] == 1]
    if len(once) < CROWD or len(once) < LINKS_SHARE * len(inside):
        return []
    return [np.unique(rows.strand[once])]


def _stray(finished: Finished, rows: Conversations) -> NDArray[np.bool_]:
    """Tell of bare acknowledgments out of nowhere: refused, or unanswered and without DF, which all stacks set."""
    bare = (rows.own == SAID[Kind.MIDDLE]) & ((rows.other & ~SAID[Kind.RST]) == 0)
    whole = (finished.known(f.IP_FLAGS) & _DF) != 0
    seen = (finished.known(f.PRESENT) & f.visibility_bit(f.IP_FLAGS)) != 0
    stray: NDArray[np.bool_] = bare & ((rows.other != 0) | (seen & ~whole))
    return stray


def _single(source: Ints, value: NDArray[np.uint64], n: int) -> NDArray[np.bool_]:
    """Tell which sources have one value in all their known rows."""
    low = np.full(n, np.iinfo(np.uint64).max, np.uint64)
    high = np.zeros(n, np.uint64)
    np.minimum.at(low, source, value)
    np.maximum.at(high, source, value)
    single: NDArray[np.bool_] = low == high
    return single


def single_source_floods(acts: Acts) -> NDArray[np.bool_]:
    """Tell of every act whether it asks one port of one address, or one address without ports, over and over."""
    one_endpoint = (acts.dst_low == acts.dst_high) & (acts.port_low == acts.port_high)
    seconds = np.maximum(acts.last_ns - acts.first_ns, _SECOND) / _SECOND
    fast = acts.probes / seconds >= OPENINGS_RATE
    many = (acts.probes >= OPENINGS) & ((acts.conversations >= CROWD) | np.isin(acts.kind, _PORTLESS))
    flooding: NDArray[np.bool_] = np.isin(acts.kind, _FLOODING) & one_endpoint & many & fast
    return flooding
