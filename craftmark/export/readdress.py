"""A scan's probes moved between addresses for documentation, with all relations between their fields kept.

Sources go to 203.0.113.0/24 and targets to 198.51.100.0/24 (RFC 5737), those of IPv6 to two networks of 2001:db8::/32
(RFC 3849). These hold few hosts: of more sources or targets, the first ones that were seen are kept. Order stays order:
addresses side by side stay so, others keep their ranks. Fields that a relation computes from addresses are computed
again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from craftmark.export.relations import ADDRESSES, copies_of_addresses, equation_in, kept, restore
from craftmark.packets import fields as f
from craftmark.packets.batch import PacketBatch

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from numpy.typing import NDArray

    from craftmark.packets.batch import Words
    from craftmark.packets.expressions import Expression
    from craftmark.report.document import Scan

    Rows = NDArray[np.intp]

#: Hosts of a network for documentation: 1 to 254.
HOSTS: Final = 254
SOURCES, TARGETS = "203.0.113.0/24", "198.51.100.0/24"
SOURCES6, TARGETS6 = "2001:db8:0:1::/64", "2001:db8:0:2::/64"
#: The words of a row that hold an address, and the network it goes to: IPv4's, and the high words of IPv6's.
_SIDES: Final = (
    (f.IP_SRC_HIGH, f.IP_SRC, 0xCB007100, (0x20010DB8, 1, 0)),
    (f.IP_DST_HIGH, f.IP_DST, 0xC6336400, (0x20010DB8, 2, 0)),
)
#: Octets of a link address for documentation (RFC 7042: 00-00-5E-00-53-xx), as far as a row holds them.
_LINK: Final = 0x5E005300


@dataclass(frozen=True, slots=True)
class Readdressed:
    """The probes that could be kept, as rows of the batch that was given, and their packets with new addresses."""

    batch: PacketBatch
    rows: Rows
    derived: tuple[str, ...]


def readdress(batch: PacketBatch, scan: Scan, rules: Sequence[Expression]) -> Readdressed:
    """Return the probes of one scan between addresses for documentation; rows are in the order of time.

    rules: expressions that rules name, of which those with addresses are looked for.
    """
    rows = np.flatnonzero(_first_hosts(batch.words, _SIDES[1]))
    rows = rows[_first_hosts(batch.words[rows], _SIDES[0])]
    old = batch.words[rows]
    new = old.copy()
    for side in _SIDES:
        _move(old, new, side)
    new[:, f.LINK_SRC] = np.where(old[:, f.LINK_SRC] != 0, _LINK | new[:, f.IP_SRC] & np.uint32(0xFF), 0)
    derived: list[str] = []
    for protocol in np.unique(old[:, f.PROTOCOL]).tolist():
        mine = np.flatnonzero(old[:, f.PROTOCOL] == protocol)
        relations = kept(old[mine], _stated(scan), _suspected(protocol, rules))
        moved = new[mine]
        restore(moved, relations)
        new[mine] = moved
        derived += [f"{one.field}: {one.equation}" for one in relations]
    taken = PacketBatch(new, batch.ts_ns[rows], batch.packet_id[rows])
    return Readdressed(taken, rows, tuple(dict.fromkeys(derived)))


def _stated(scan: Scan) -> list[Expression]:
    equations = [equation_in(mark.statement) for mark in scan.toolmarks if mark.kind == "relation"]
    return [one for one in equations if one is not None]


def _suspected(protocol: int, rules: Sequence[Expression]) -> list[Expression]:
    return [*(one for one in rules if ADDRESSES & set(one.fields)), *copies_of_addresses(protocol)]


def _first_hosts(words: Words, side: Any) -> NDArray[np.bool_]:
    """Tell which packets are of the first hosts on that side, as many as there is room for."""
    _, first, host = np.unique(_addresses(words, side), axis=0, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.intp)
    rank[np.argsort(first, kind="stable")] = np.arange(len(first))
    inside: NDArray[np.bool_] = rank[host.reshape(-1)] < HOSTS
    return inside


def _addresses(words: Words, side: Any) -> Words:
    high, low, *_ = side
    return words[:, [f.IP_VERSION, high, high + 1, high + 2, low]]


def _move(old: Words, new: Words, side: Any) -> None:
    """Put the addresses of one side into its network, in their order."""
    high, low, network, upper = side
    for version in (4, 6, 0):
        rows = np.flatnonzero(old[:, f.IP_VERSION] == version)
        if not len(rows):
            continue
        hosts, host = np.unique(_addresses(old[rows], side), axis=0, return_inverse=True)
        number = np.arange(len(hosts))
        if version != 6 and int(hosts[-1, 4]) - int(hosts[0, 4]) < HOSTS:
            number = hosts[:, 4].astype(np.int64) - int(hosts[0, 4])
        placed = (number[host.reshape(-1)] + 1).astype(np.uint32)
        new[rows, low] = placed if version == 6 else placed | np.uint32(network)
        for place, word in enumerate(upper):
            new[rows, high + place] = word if version == 6 else 0
