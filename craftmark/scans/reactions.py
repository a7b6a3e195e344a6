"""What the holders of a scan's source addresses did: to our SYN+ACKs, on the link, and elsewhere in the capture.

A SYN+ACK goes to whoever holds the address. A live host that asked for nothing resets it; a forged address that nobody
holds stays silent; ARP names the holder's link address.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from craftmark.evidence.gather import source_name
from craftmark.packets import fields as f
from craftmark.scans.conversations import SAID, Conversations, split_by
from craftmark.scans.kinds import Kind

if TYPE_CHECKING:
    from craftmark.evidence.finished import Finished

Ints = NDArray[np.int64]

#: Sources described one by one, those with most probes first.
DESCRIBED: Final = 64
#: ICMP type << 8 | code of errors that say an address cannot be reached: network and host unreachable, and IPv6's.
_UNREACHABLE: Final = ((f.ICMP, 3 << 8), (f.ICMP, 3 << 8 | 1), (f.ICMP6, 1 << 8), (f.ICMP6, 1 << 8 | 3))
#: What a target says in answer to a TCP probe.
_ANSWERED: Final = SAID[Kind.SYN_ACK] | SAID[Kind.RST]
#: Kinds of packet that a host sends for reasons of its own.
_ORDINARY: Final = (Kind.SYN_ACK, Kind.MIDDLE, Kind.UDP, Kind.ECHO, Kind.REPLY)


@dataclass(frozen=True, slots=True)
class Reaction:
    """What was seen of one source address beside its probes, over known rows.

    offered: conversations in which a target offered it a connection (SYN+ACK). reset: those of them that it reset.
    unasked: conversations that nobody answered and that it reset all the same; spared: those that it did not.
    unreachable: errors that say it cannot be reached. other_ttls: TTLs of its ordinary packets outside the scan's
    conversations. probe_links, arp_links: link addresses of its probes, and of its ARP packets (low 32 bits).
    asking_links: those of the ARP packets in which it asks for somebody itself. sought: ARP requests of others for it.
    """

    offered: int = 0
    reset: int = 0
    unasked: int = 0
    spared: int = 0
    unreachable: int = 0
    other_ttls: tuple[int, ...] = ()
    probe_links: tuple[int, ...] = ()
    arp_links: tuple[int, ...] = ()
    asking_links: tuple[int, ...] = ()
    sought: int = 0


@dataclass(frozen=True, slots=True)
class Reactions:
    """The reactions of a scan's sources: totals over all, and one by one for the largest."""

    offered: int = 0
    reset: int = 0
    offers_sent: int = 0
    by_source: dict[str, Reaction] = field(default_factory=dict)


class Onlooker:
    """Looks up what source addresses did; made once for all scans of a case."""

    def __init__(self, finished: Finished, kind: Ints, rows: Conversations) -> None:
        self._finished = finished
        self._kind = kind
        self._rows = rows

    @cached_property
    def _by_source(self) -> tuple[Ints, NDArray[np.uint64]]:
        """All known rows, ordered by source address."""
        order = np.argsort(self._rows.src, kind="stable")
        return order, self._rows.src[order]

    @cached_property
    def _unreachable(self) -> NDArray[np.uint64]:
        """Addresses that ICMP errors call unreachable, once per error, in rising order (IPv4)."""
        rows = self._rows
        protocol, bits = self._finished.protocol[rows.strand], self._finished.bits[rows.strand]
        chosen = np.zeros(len(rows), np.bool_)
        for family, code in _UNREACHABLE:
            chosen |= (protocol == family) & (bits == code)
        chosen &= (self._finished.known(f.NOTES) & f.NOTE_QUOTE) != 0
        return np.sort(self._finished.known(f.QUOTE_DST)[chosen].astype(np.uint64))

    @cached_property
    def _sought(self) -> NDArray[np.uint64]:
        """Addresses that ARP requests ask for, once per request, in rising order; not those that ask for themselves."""
        rows = self._rows
        asks = (self._kind[rows.strand] == Kind.ARP_ASK) & (rows.src != rows.dst)
        return np.sort(rows.dst[asks])

    def reactions(self, mine: Ints) -> Reactions:
        """Return what the sources of some probes did."""
        rows = self._rows
        is_offered, is_reset = self._offers(mine)
        offered = mine[is_offered]
        groups = sorted(split_by(rows.src[mine], mine), key=lambda group: (-len(group), int(group[0])))
        beside = rows.rows_beside(offered)
        return Reactions(
            offered=self._conversations(offered),
            reset=self._conversations(mine[is_offered & is_reset]),
            offers_sent=int((self._kind[rows.strand[beside]] == Kind.SYN_ACK).sum()),
            by_source={self._name(group): self._reaction(group, mine) for group in groups[:DESCRIBED]},
        )

    def _name(self, group: Ints) -> str:
        return source_name(self._finished, int(self._rows.strand[group[0]]))

    def _reaction(self, group: Ints, mine: Ints) -> Reaction:
        rows, known = self._rows, self._finished.known
        is_offered, is_reset = self._offers(group)
        is_silent = (rows.other[group] & _ANSWERED) == 0
        others = self._rows_of(rows.src[group[0]])
        others = others[~np.isin(rows.number[others], rows.number[mine])]
        kind = self._kind[rows.strand[others]]
        arp = others[np.isin(kind, (Kind.ARP_ASK, Kind.ARP_REPLY))]
        ordinary = others[np.isin(kind, _ORDINARY)]
        address = rows.src[group[0]]
        return Reaction(
            offered=self._conversations(group[is_offered]),
            reset=self._conversations(group[is_offered & is_reset]),
            unasked=self._conversations(group[is_silent & is_reset]),
            spared=self._conversations(group[is_silent & ~is_reset]),
            unreachable=_times(self._unreachable, address),
            other_ttls=_distinct(known(f.IP_TTL)[ordinary]),
            probe_links=_distinct(known(f.LINK_SRC)[group]),
            arp_links=_distinct(known(f.LINK_SRC)[arp]),
            asking_links=_distinct(known(f.LINK_SRC)[others[kind == Kind.ARP_ASK]]),
            sought=_times(self._sought, address),
        )

    def _offers(self, probes: Ints) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Tell of which TCP probes a target offered a connection in return, and of which the source sent a reset."""
        tcp = self._rows.protocol[probes] == f.TCP
        offered = tcp & ((self._rows.other[probes] & SAID[Kind.SYN_ACK]) != 0)
        return offered, tcp & ((self._rows.own[probes] & SAID[Kind.RST]) != 0)

    def _conversations(self, rows: Ints) -> int:
        return len(np.unique(self._rows.number[rows]))

    def _rows_of(self, source: np.uint64) -> Ints:
        order, addresses = self._by_source
        low, high = np.searchsorted(addresses, source, "left"), np.searchsorted(addresses, source, "right")
        return order[low:high]


def _times(rising: NDArray[np.uint64], address: np.uint64) -> int:
    """Return how often an address stands in a list in rising order."""
    return int(np.searchsorted(rising, address, "right") - np.searchsorted(rising, address, "left"))


def _distinct(values: NDArray[np.uint32]) -> tuple[int, ...]:
    """Return the distinct values other than 0 (which stands for none), in rising order."""
    return tuple(int(value) for value in np.unique(values) if value)
