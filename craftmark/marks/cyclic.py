"""Recovers the walk over targets of a scanner that multiplies its way through a group: recipes of kind "cyclic walk".

The scanner numbers its targets, takes the smallest prime above their number, and goes from element x to g * x modulo
the prime; element x stands for target x - 1 of its list, or for target and port where several ports are scanned: their
bits follow below the target's. What a recipe says:

- ``primes``: pairs of a prime and a primitive root, ascending. ``generator_below``: bound of the generators that
  newer versions draw. ``arcs``: into how many arcs the walk may be cut. ``fastest``: targets a second.
- ``blocked``: the default block list; ``radix``: lengths of the blocks in which versions keep their list.
- ``likely``: a predicate that holds for probes that look like this scanner's; other shuffled scans are only searched
  for walks that are found at once. ``steps``: gaps looked at in a scan, at most.
- ``seeds``: how many seeds, from 0, are tried; what the seed draws stands in ``marks/cyclic_seeds.py``.

Private block lists and lists of several prefixes number the targets in a way nobody else knows: such walks are missed.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import islice, product
from math import log10
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from craftmark.kernels.residues import group
from craftmark.marks.cyclic_told import FINER, Found, finer_steps, likeliest, tell
from craftmark.marks.sequences import column
from craftmark.marks.target_lists import Numbering, each_target, open_list, prefix_list
from craftmark.marks.walk_search import FEWEST, FITTED, Search
from craftmark.marks.walks import Track, in_arcs
from craftmark.packets.expressions import parse
from craftmark.packets.fields import DPORT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from craftmark.evidence.dossier import Dossier
    from craftmark.marks.base import Recipe, Toolmark
    from craftmark.packets.batch import PacketBatch

    Numbers = NDArray[np.int64]

#: Gaps looked at in scans that do not look like the tool's: a tenth of a second.
_SHALLOW: Final = 1 << 21
#: Targets a second of a first look, before faster senders are thought of.
_USUAL: Final = 1_000_000
#: Prefixes looked at in scans that do not look like the tool's.
_TIGHT: Final = 2
#: Primes up to this are searched in other tools' scans too, and by the order alone.
_SMALL: Final = 1 << 17
#: Packets that a walk may be fitted to, and those that check it.
_HEAD: Final = 3 * FITTED
_CHECKED: Final = 2048
#: Ports of one scan up to which pairs of address and port are told.
MOST_PORTS: Final = 16
#: Share of the probes that must look like the tool's.
_NEARLY_ALL: Final = 0.9


def solve(dossier: Dossier, recipe: Recipe) -> list[Toolmark]:
    """Return the walk that the scan's targets are on, if there is one beyond chance."""
    packets = each_target(dossier, FEWEST)
    if packets is None:
        return []
    plan = _Plan(recipe.details)
    is_likely = float(parse(plan.likely).select(dossier.sample).mean()) >= _NEARLY_ALL
    search = Search(plan.steps if is_likely else _SHALLOW, is_thorough=is_likely)
    head = packets.take(slice(0, _HEAD))
    for look in plan.looks(packets, is_likely=is_likely):
        track = _track(look.numbering, head, has_clock=dossier.has_time and look.has_clock)
        walk = search.fit(track, look.arcs, look.fastest, _Drawn.of(plan, look))
        if walk is not None:
            checked = packets.take(slice(0, _CHECKED))
            track = _track(look.numbering, checked, has_clock=dossier.has_time)
            step = likeliest(walk.step, look.numbering, walk.arcs, plan.generator_below)
            walk = in_arcs(replace(walk, step=step), track, plan.arcs)
            found = Found(walk, look.numbering, track, checked, dossier, plan.generator_below, plan.seeds)
            return [tell(found, f"{recipe.tool}/{recipe.id}")]
    return []


def _track(numbering: Numbering, packets: PacketBatch, *, has_clock: bool) -> Track:
    """Return the elements of packets; those that have none stand as the first element."""
    elements = np.maximum(1, numbering.elements(column(packets, "ip_dst"), packets.words[:, DPORT].astype(np.int64)))
    logs = group(numbering.prime, numbering.root).logarithms(elements)
    seconds = (packets.ts_ns - packets.ts_ns[0]) / 1e9
    track = Track(logs, seconds, numbering.prime - 1, numbering.sparse)
    return track if has_clock and seconds[-1] > 0 else track.by_rank()


class _Look(NamedTuple):
    """One thing to look for: a numbering of the targets, a number of arcs, up to a speed, by the clock or by order."""

    numbering: Numbering
    arcs: int
    fastest: float
    has_clock: bool


class _Drawn:
    """The generators that newer versions draw: primitive roots below a bound."""

    def __init__(self, numbering: Numbering, arcs: int, below: int) -> None:
        self._numbering, self._arcs, self._below = numbering, arcs, below
        self.log10_share = min(0.0, log10(FINER * (2 * arcs - 1) * below / numbering.prime))

    @classmethod
    def of(cls, plan: _Plan, look: _Look) -> _Drawn | None:
        """Return them where they are few."""
        drawn = cls(look.numbering, look.arcs, plan.generator_below)
        return drawn if drawn.log10_share < 0 else None

    def has(self, step: int) -> bool:
        """Tell whether one of them walks as this step does."""
        prime, root = self._numbering.prime, self._numbering.root
        steps = finer_steps(step, prime - 1, self._arcs)
        return any(pow(root, own, prime) < self._below for own in steps)


class _Plan:
    """A recipe's details with their types."""

    def __init__(self, details: Mapping[str, Any]) -> None:
        self.likely = str(details["likely"])
        self.primes = [(int(prime), int(root)) for prime, root in details["primes"]]
        self.arcs = [int(one) for one in details["arcs"]]
        self.radix = [int(one) for one in details["radix"]]
        self.blocked = tuple(str(one) for one in details["blocked"])
        self.fastest = float(details["fastest"])
        self.steps = int(details["steps"])
        self.generator_below = int(details["generator_below"])
        self.seeds = int(details["seeds"])

    def looks(self, packets: PacketBatch, *, is_likely: bool) -> Iterator[_Look]:
        """Yield what to look for, the likely and cheap first; only the tightest prefixes in scans of other tools."""
        numberings = self._numberings(packets)
        if not is_likely:
            for one in islice(numberings, _TIGHT):
                if one.prime < _SMALL:
                    yield _Look(one, 1, _USUAL, has_clock=True)
            return
        listed = list(numberings)
        small = [one for one in listed if one.prime < _SMALL]
        usual = [one for one in listed if one.prime >= _SMALL and len(one.targets.first) > 1]
        others = [one for one in listed if one not in small and one not in usual]
        for one, arcs, has_clock in product(small, self.arcs, (True, False)):
            yield _Look(one, arcs, self.fastest, has_clock)
        for fastest in (_USUAL, self.fastest):
            yield from (_Look(one, arcs, fastest, has_clock=True) for arcs, one in product(self.arcs, usual))
            yield from (_Look(one, 1, fastest, has_clock=True) for one in others)

    def _numberings(self, packets: PacketBatch) -> Iterator[Numbering]:
        """Yield the ways in which the targets may be numbered: prefixes that hold them all, all of IPv4."""
        targets = column(packets, "ip_dst")
        low, high = int(targets.min()), int(targets.max())
        ports = _ports(packets)
        common = 32 - (low ^ high).bit_length()
        prefixes = [(prefix_list(low, length), 1) for length in range(common, 7, -1)]
        every = open_list((), 32)
        whole = [(open_list(self.blocked, radix), 1) for radix in self.radix] + [(every, 1), (every, 0)]
        seen: list[Numbers] = []
        for targets_list, first in (*prefixes[:_TIGHT], *whole, *prefixes[_TIGHT:]):
            prime, root = self._group(targets_list.size, ports)
            numbering = Numbering(targets_list, ports, prime, root, first)
            elements = numbering.elements(targets, packets.words[:, DPORT].astype(np.int64))
            is_new = targets_list.size < 1 << 31 or not any(np.array_equal(elements, one) for one in seen)
            if prime and is_new and (elements > 0).all():
                seen.append(elements)
                yield numbering

    def _group(self, size: int, ports: tuple[int, ...]) -> tuple[int, int]:
        bits = (len(ports) - 1).bit_length() if ports else 0
        return next((pair for pair in self.primes if pair[0] > size << bits), (0, 0))


def _ports(packets: PacketBatch) -> tuple[int, ...]:
    """Return the ports scanned in ascending order, none where there is but one, or more than a walk is told for."""
    ports = np.unique(packets.words[:, DPORT])
    return tuple(int(port) for port in ports) if 1 < len(ports) <= MOST_PORTS else ()
