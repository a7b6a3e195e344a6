"""Lists of targets as scanners number them: all of IPv4, all but what a block list holds, or one prefix.

An address has an index in the list; the scanner walks over indices. Where a list is kept in blocks, all blocks that
are wholly in it come first, in ascending order, then the rest (zmap/zmap, lib/constraint.c constraint_lookup_index).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING, Final

import numpy as np

from craftmark.marks.sequences import column, showing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from craftmark.evidence.dossier import Dossier
    from craftmark.packets.batch import PacketBatch

    Numbers = NDArray[np.int64]

_ALL: Final = 1 << 32
#: Share of steps upwards in an order that is no sweep, in the first targets, from so many on.
_SHUFFLED: Final = (0.2, 0.8)
_LOOKED_AT: Final = 48
_TOLD_FROM: Final = 16


@dataclass(frozen=True, eq=False)
class TargetList:
    """Runs of addresses: ``first`` to ``last`` have the indices from ``index`` on; ascending by address."""

    text: str
    size: int
    first: Numbers
    last: Numbers
    index: Numbers

    def indices(self, addresses: Numbers) -> Numbers:
        """Return the index of each address, -1 for those that are not in the list."""
        run = np.maximum(np.searchsorted(self.first, addresses, side="right") - 1, 0)
        inside = (addresses >= self.first[run]) & (addresses <= self.last[run])
        return np.where(inside, self.index[run] + addresses - self.first[run], -1)

    def addresses(self, indices: Numbers) -> Numbers:
        """Return the address of each index, -1 for indices beyond the list."""
        order = np.argsort(self.index)
        run = order[np.maximum(np.searchsorted(self.index[order], indices, side="right") - 1, 0)]
        inside = (indices >= 0) & (indices < self.size)
        return np.where(inside, self.first[run] + indices - self.index[run], -1)


def each_target(dossier: Dossier, fewest: int, *, or_port: bool = False) -> PacketBatch | None:
    """Return the first probe of each target and port in the order seen, None where no shuffle can be looked for.

    That is where there are fewer targets (or, if asked, ports), or where they are swept upwards or downwards.
    """
    packets = showing(dossier.consecutive if dossier.sampled else dossier.sample, "ip_dst")
    if dossier.ip_version != 4 or len(packets) < fewest:
        return None
    targets = column(packets, "ip_dst")
    ports = column(packets, dossier.port_field) if dossier.port_field else np.zeros_like(targets)
    fresh = np.sort(np.unique(targets << 16 | ports, return_index=True)[1])
    followed = targets[fresh]
    if or_port and len(np.unique(followed)) < fewest:
        followed = ports[fresh]
    if len(np.unique(followed)) < max(fewest, len(fresh) // 16):
        return None
    upwards = float((np.diff(followed[:_LOOKED_AT]) > 0).mean())
    is_shuffled = len(fresh) < _TOLD_FROM or _SHUFFLED[0] <= upwards <= _SHUFFLED[1]
    return packets.take(fresh) if is_shuffled else None


def prefix_list(address: int, length: int) -> TargetList:
    """Return the list of one prefix that holds an address."""
    size = 1 << (32 - length)
    first = address - address % size
    one = np.array([first], np.int64)
    return TargetList(f"{IPv4Address(first)}/{length}", size, one, one + size - 1, np.zeros(1, np.int64))


@lru_cache(maxsize=8)
def open_list(blocked: tuple[str, ...], radix: int) -> TargetList:
    """Return the list of all of IPv4 but what is blocked, blocks of length ``radix`` first."""
    runs, start = [], 0
    for network in sorted((IPv4Network(one) for one in blocked), key=lambda net: int(net.network_address)):
        low, high = int(network.network_address), int(network.broadcast_address)
        if low > start:
            runs.append((start, low - 1))
        start = max(start, high + 1)
    if start < _ALL:
        runs.append((start, _ALL - 1))
    return _numbered(runs, 1 << (32 - radix), "IPv4 but the default block list" if blocked else "all of IPv4")


def _numbered(runs: Sequence[tuple[int, int]], block: int, text: str) -> TargetList:
    whole, rest = [], []
    for low, high in runs:
        first, last = -(-low // block) * block, (high + 1) // block * block - 1
        if first > last:
            rest.append((low, high))
            continue
        whole.append((first, last))
        rest += [part for part in ((low, first - 1), (last + 1, high)) if part[0] <= part[1]]
    numbered, index = [], 0
    for low, high in (*whole, *rest):
        numbered.append((low, high, index))
        index += high - low + 1
    columns = np.array(sorted(numbered), np.int64).reshape(-1, 3).T
    return TargetList(text, index, columns[0], columns[1], columns[2])


@dataclass(frozen=True, eq=False)
class Numbering:
    """Which number stands for which target and port in a scanner that counts from ``first``.

    Ports are numbered in ascending order in the ``port_bits`` below the target's index; there are none where one port
    is scanned. prime: the smallest that the scanner has above all numbers; root: one of its primitive roots.
    """

    targets: TargetList
    ports: tuple[int, ...]
    prime: int
    root: int
    first: int = 1

    @property
    def port_bits(self) -> int:
        """How many bits number the port."""
        return (len(self.ports) - 1).bit_length() if self.ports else 0

    @property
    def size(self) -> int:
        """How many targets and ports there are."""
        return self.targets.size * max(1, len(self.ports))

    @property
    def sparse(self) -> float:
        """How many numbers up to the prime there are for each that stands for a target."""
        return (self.prime - 1) / self.size

    def elements(self, addresses: Numbers, ports: Numbers) -> Numbers:
        """Return the number of each target and port, 0 for those that have none."""
        index = self.targets.indices(addresses)
        number = index
        if self.ports:
            known = np.array(self.ports)
            place = np.minimum(np.searchsorted(known, ports), len(known) - 1)
            number = np.where(known[place] == ports, (index << self.port_bits) | place, -1)
        return np.where((index >= 0) & (number >= 0), number + self.first, 0)

    def addresses(self, elements: Numbers) -> Numbers:
        """Return the target that each number stands for, -1 for numbers that stand for none."""
        number = elements - self.first
        found = self.targets.addresses(number >> self.port_bits)
        is_port = number & ((1 << self.port_bits) - 1) < max(1, len(self.ports))
        return np.where(is_port, found, -1)
