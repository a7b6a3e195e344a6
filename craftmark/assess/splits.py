"""Scans that share one space of targets out among them: none is probed by two, where strangers would have met often.

Null: each scan drew its targets from the space on its own. The chance that so many draws have nothing in common is
exact (hypergeometric), with the space taken as large as the block of addresses that encloses all of them; it is then
multiplied by the number of groups of that size that could have been looked at.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from craftmark.assess.base import Subject

#: Targets from which a scan's share of a space is looked at.
FEWEST: Final = 32
#: Share of each scan's targets that must lie in the stretch that two scans have in common.
COMMON: Final = 0.8
#: Chance (log10) below which nothing in common is a share-out.
CHANCE: Final = -9.0
#: Scans of one kind that are compared with each other.
COMPARED: Final = 64


@dataclass(frozen=True, slots=True)
class Split:
    """Scans that share targets out: their ids, log10 of the chance of it, and what shows it, in words."""

    scans: tuple[str, ...]
    log10_chance: float
    why: str


def splits(subjects: Sequence[Subject]) -> list[Split]:
    """Return the scans of one kind of probe that shared targets out; pure."""
    kinds: dict[tuple[object, ...], list[tuple[str, NDArray[np.uint32]]]] = {}
    for subject in subjects:
        main = subject.main
        if main.sampled or main.ip_version != 4 or len(main.ports) != main.ports_total:
            continue
        asked = (main.protocol, main.control_bits, main.icmp, main.ports)
        targets = np.unique(main.sample.column("ip_dst"))
        if len(targets) >= FEWEST:
            kinds.setdefault(asked, []).append((subject.id, targets))
    return [found for scans in kinds.values() if 1 < len(scans) <= COMPARED for found in _groups(scans)]


def _groups(scans: list[tuple[str, NDArray[np.uint32]]]) -> list[Split]:
    """Grow groups scan by scan: one joins the first group to whose targets its own are foreign beyond chance."""
    groups: list[list[tuple[str, NDArray[np.uint32]]]] = []
    for scan in scans:
        home = next((group for group in groups if all(_shares(scan[1], other) for _, other in group)), None)
        if home is None:
            groups.append([scan])
        else:
            home.append(scan)
    return [_split(group, len(scans)) for group in groups if len(group) > 1]


def _shares(one: NDArray[np.uint32], other: NDArray[np.uint32]) -> bool:
    """Tell whether two sets of targets lie in one another's midst without meeting, beyond chance."""
    low, high = max(one[0], other[0]), min(one[-1], other[-1])
    inner = [int(((part >= low) & (part <= high)).sum()) for part in (one, other)]
    if inner[0] < COMMON * len(one) or inner[1] < COMMON * len(other):
        return False
    if log10_chance_of_nothing_in_common([len(one), len(other)], enclosing(one, other)) > CHANCE:
        return False
    few, many = sorted((one, other), key=len)
    place = np.minimum(np.searchsorted(many, few), len(many) - 1)
    return not bool((many[place] == few).any())


def enclosing(*targets: NDArray[np.uint32]) -> int:
    """Return the size of the smallest aligned block of addresses that holds all targets."""
    low, high = min(int(part[0]) for part in targets), max(int(part[-1]) for part in targets)
    return 1 << (low ^ high).bit_length()


def log10_chance_of_nothing_in_common(sizes: Sequence[int], space: int) -> float:
    """Return the chance that sets of these sizes, each drawn from a space without repeats, have nothing in common."""
    taken, total = 0, 0.0
    for size in sizes:
        if taken + size > space:
            return -math.inf
        total += _log_choices(space - taken, size) - _log_choices(space, size)
        taken += size
    return total / math.log(10)


def _log_choices(of: int, number: int) -> float:
    return math.lgamma(of + 1) - math.lgamma(number + 1) - math.lgamma(of - number + 1)


def _split(group: list[tuple[str, NDArray[np.uint32]]], scans: int) -> Split:
    names, targets = [name for name, _ in group], [part for _, part in group]
    space, sizes = enclosing(*targets), [len(part) for part in targets]
    chance = log10_chance_of_nothing_in_common(sizes, space) + math.log10(math.comb(scans, len(group)))
    shares = ", ".join(f"{name} {size:,}" for name, size in zip(names, sizes, strict=True))
    why = (
        f"shared {sum(sizes):,} targets of a block of {space:,} out among them ({shares}): none was probed by two, "
        f"10^{min(0.0, chance):.0f} by chance"
    )
    return Split(tuple(names), round(min(0.0, chance), 3), why)
