"""The plan of a case: which addresses are asked what, with how many packets at most, and which are left out and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from craftmark.assess.hops import LONGEST_PATH
from craftmark.checks.addresses import Standing, canonical, standing
from craftmark.checks.programs import FARTHEST, program_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from craftmark.checks.base import Check, Kind
    from craftmark.checks.programs import Machine
    from craftmark.report.document import Scan

#: Weight of the distances that a traced way covers, and the routers looked past them: ways change.
_COVERED: Final = 0.95
_MARGIN: Final = 4
#: Left-out addresses named one by one.
_NAMED: Final = 12


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user asked for. most: addresses at most. reserved_too: also those of no public or of own networks."""

    kinds: tuple[Kind, ...] = ("ping", "ack")
    most: int = 4
    reserved_too: bool = False
    own: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """Checks in order, address by address; ``special`` are asked although reserved or own, ``left_out`` are not asked.

    ``more``: sources beyond the limit. ``lacking``: kinds of check that no program here can make.
    """

    checks: tuple[Check, ...]
    special: tuple[Standing, ...]
    left_out: tuple[Standing, ...]
    more: int
    lacking: tuple[Kind, ...]

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses that are asked."""
        return tuple(dict.fromkeys(check.address for check in self.checks))

    @property
    def packets_each(self) -> int:
        """Packets to one address at most."""
        sums = [sum(check.packets for check in self.checks if check.address == one) for one in self.addresses]
        return max(sums, default=0)


def plan(scans: Sequence[Scan], wanted: Wanted, machine: Machine) -> Plan:
    """Return the checks of some scans' claimed sources, those of most probes first. Pure."""
    known = [standing(one, own=wanted.own, reserved_too=wanted.reserved_too) for one in _sources(scans)]
    asked, left_out = [one for one in known if one.allowed], [one for one in known if not one.allowed]
    chosen = asked[: wanted.most]
    checks, lacking = [], set()
    for one in chosen:
        for kind in wanted.kinds:
            program = program_for(kind, one.address, machine)
            if program is None:
                lacking.add(kind)
            else:
                checks.append(program.check(one.address, machine, _farthest(one.address, scans)))
    total = max((scan.sources_total for scan in scans), default=0)
    return Plan(
        checks=tuple(checks),
        special=tuple(one for one in chosen if one.special),
        left_out=tuple(left_out[:_NAMED]),
        more=max(total, len(known)) - len(chosen) - min(len(left_out), _NAMED),
        lacking=tuple(kind for kind in wanted.kinds if kind in lacking),
    )


def _sources(scans: Iterable[Scan]) -> list[str]:
    """Return the sources of scans, each once, those of most probes first, as ``ipaddress`` writes them if it can."""
    probes: dict[str, int] = {}
    for scan in scans:
        for source in scan.sources:
            address = canonical(source.address)
            probes[address] = probes.get(address, 0) + source.probes
    return sorted(probes, key=lambda address: (-probes[address], address))


def _farthest(address: str, scans: Iterable[Scan]) -> int:
    """Return how far a traced way goes: past the distances that the probes most likely came from."""
    hops = [_reach(scan) for scan in scans if address in {canonical(source.address) for source in scan.sources}]
    return min(FARTHEST, max(hops, default=FARTHEST))


def _reach(scan: Scan) -> int:
    kept, weight = [], 0.0
    for hop in sorted(scan.sender.hops, key=lambda one: -one.weight):
        if weight >= _COVERED:
            break
        weight += hop.weight
        kept.append(hop.hops)
    return max((hops for hops in kept if hops <= LONGEST_PATH), default=FARTHEST) + _MARGIN
