"""What a scan's targets sent out afterwards: conversations that they opened, to whom they had not spoken before."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from craftmark.packets import fields as f
from craftmark.scans.kinds import Kind

if TYPE_CHECKING:
    from craftmark.evidence.finished import Finished
    from craftmark.scans.conversations import Conversations

Ints = NDArray[np.int64]

#: Time after the last probe in which what a target opens may be a consequence.
AFTER_NS: Final = 600 * 1_000_000_000
#: Targets that are watched, and conversations that are named.
WATCHED: Final = 16
NAMED: Final = 8
#: Kinds of packet that open a conversation.
_OPENING: Final = (Kind.SYN, Kind.UDP, Kind.ECHO, Kind.SCTP_OPEN)


@dataclass(frozen=True, slots=True)
class Opened:
    """A conversation that a target opened with a new peer; ``after_ns`` since the first probe."""

    target: str
    peer: str
    protocol: int
    port: int
    after_ns: int
    packet: int


@dataclass(frozen=True, slots=True)
class Afterwards:
    """What targets opened afterwards. seen: their own traffic to others is in the capture at all.

    new_peers: pairs of target and peer that began then; before: such pairs in as long a time before the scan.
    """

    seen: bool = False
    new_peers: int = 0
    before: int = 0
    opened: tuple[Opened, ...] = ()


def afterwards(finished: Finished, kind: Ints, rows: Conversations, mine: Ints) -> Afterwards:
    """Return what the targets of some probes opened after the first of them, over known rows."""
    targets = np.unique(rows.dst[mine])
    if not len(mine) or len(targets) > WATCHED:
        return Afterwards()
    theirs = np.flatnonzero(np.isin(rows.src, targets) & ~np.isin(rows.dst, np.unique(rows.src[mine])))
    opening = theirs[np.isin(kind[rows.strand[theirs]], _OPENING) & ~rows.asked[theirs]]
    first, last = int(rows.ts_ns[mine].min()), int(rows.ts_ns[mine].max())
    pairs = np.stack([rows.src[opening], rows.dst[opening]], axis=1)
    _, pair = np.unique(pairs, axis=0, return_inverse=True) if len(pairs) else (None, np.empty(0, np.int64))
    order = np.lexsort((rows.ts_ns[opening], pair.reshape(-1)))
    ranked = pair.reshape(-1)[order]
    begins = opening[order[np.flatnonzero(np.diff(ranked, prepend=-1))]]
    times = rows.ts_ns[begins]
    new = begins[(times > first) & (times <= last + AFTER_NS)]
    window = last + AFTER_NS - first
    before = int(((times <= first) & (times > first - window)).sum())
    named = new[np.argsort(rows.ts_ns[new], kind="stable")][:NAMED]
    return Afterwards(bool(len(theirs)), len(new), before, tuple(_opened(finished, rows, int(r), first) for r in named))


def _opened(finished: Finished, rows: Conversations, row: int, first_ns: int) -> Opened:
    return Opened(
        target=_address(finished, row, f.IP_SRC, f.IP_SRC_HIGH),
        peer=_address(finished, row, f.IP_DST, f.IP_DST_HIGH),
        protocol=int(rows.protocol[row]),
        port=int(rows.dport[row]),
        after_ns=int(rows.ts_ns[row]) - first_ns,
        packet=int(finished.known_ids()[row]),
    )


def _address(finished: Finished, row: int, low: int, high: int) -> str:
    words = [int(finished.known(high + word)[row]) for word in range(3)]
    value = words[0] << 96 | words[1] << 64 | words[2] << 32 | int(finished.known(low)[row])
    return str(ip_address(value))
