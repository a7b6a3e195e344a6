"""What came back from the claimed sources, laid beside the scan: claims with what speaks for and against them.

An address that answers from the probes' own distance fits a genuine source and proves none: a live host may be forged,
and be as far away by chance. One that answers from another distance speaks against it, more so the sooner it was
asked. Silence says little: hosts come and go, and filters drop echo requests.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from craftmark.assess.holders import OWN_TTLS
from craftmark.assess.hops import LONGEST_PATH
from craftmark.checks.addresses import canonical
from craftmark.checks.programs import read
from craftmark.report import document as d
from craftmark.report.checked import Check as Checked

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from craftmark.checks.base import Check, Ran
    from craftmark.report.checked import CheckOutcome

#: Hops by which the distance may have changed since, or the way out may differ from the way in.
_NEAR: Final = 1
_FAR: Final = 2
#: Weights of the scan's distances from which one fits, and up to which it does not.
_FITS: Final = 0.5
_MISSES: Final = 0.05
#: Days after which an address may long be another host's.
_FRESH_DAYS: Final = 1
_DAY_NS: Final = 86_400_000_000_000


@dataclass(frozen=True, slots=True)
class _Holder:
    """All checks of one address."""

    address: str
    checks: tuple[Checked, ...]

    @property
    def up(self) -> bool:
        return any(one.outcome == "answered" for one in self.checks)

    @property
    def answered(self) -> Checked | None:
        """The check whose answer tells the distance: of the TTLs rather than of the way out."""
        told = [one for one in self.checks if one.outcome == "answered" and one.hops]
        return next((one for one in told if one.kind != "trace"), told[0] if told else None)

    @property
    def system(self) -> str:
        return next((one.system for one in self.checks if one.system), "")


def checked(check: Check, ran: Ran) -> Checked:
    """Return one check as the report keeps it."""
    reading = read(check, ran.output)
    outcome: CheckOutcome = "answered" if reading.answered else "unreachable" if reading.unreachable else "silent"
    if outcome == "silent" and ran.code is None:
        outcome = "failed"
    hops = (reading.routers,) if reading.routers is not None else _distances(reading.ttls)
    return Checked(
        address=check.address,
        kind=check.kind,
        program=check.program,
        command=check.command,
        packets=check.packets,
        asked_ns=ran.asked_ns,
        outcome=outcome,
        ttls=reading.ttls,
        hops=hops,
        system=reading.system,
        output=ran.output,
    )


def _distances(ttls: Iterable[int]) -> tuple[int, ...]:
    """Return the distances from which a system's own packets can have arrived with these TTLs."""
    found = {initial - ttl for ttl in ttls for initial in OWN_TTLS if 0 <= initial - ttl <= LONGEST_PATH}
    return tuple(sorted(found))


def attach(report: d.Report, checks: Sequence[Checked], scans: Iterable[str]) -> d.Report:
    """Return the report with checks and with what they say about these scans, after all it held before."""
    holders = [
        _Holder(address, tuple(one for one in checks if one.address == address))
        for address in dict.fromkeys(one.address for one in checks)
    ]
    wanted = set(scans)
    found = [
        claim
        for scan in (*report.scans, *report.floods)
        if scan.id in wanted
        for holder in holders
        if holder.address in {canonical(source.address) for source in scan.sources}
        for claim in _claims(scan, holder)
    ]
    first = len(report.claims) + 1
    numbered = tuple(replace(claim, id=f"C{number}") for number, claim in enumerate(found, first))
    return replace(report, checks=(*report.checks, *checks), claims=(*report.claims, *numbered))


def _claims(scan: d.Scan, holder: _Holder) -> list[d.Claim]:
    shown = holder.answered
    found = [_of_silence(scan, holder)] if not holder.up else []
    if shown is not None:
        found.append(_of_distance(scan, holder, shown))
    elif holder.up:
        found.append(_claim(scan, f"{holder.address} is up; how far away it is, its answers do not tell", "strong"))
    if holder.system:
        found.append(_of_system(scan, holder))
    return found


def _of_silence(scan: d.Scan, holder: _Holder) -> d.Claim:
    packets = sum(one.packets for one in holder.checks)
    words = [f"no answer to {packets} packets ({', '.join(one.program for one in holder.checks)})"]
    if any(one.outcome == "unreachable" for one in holder.checks):
        statement = f"{holder.address} cannot be reached: a router said so"
        words.append("a router says so only where no host answers for the address, or a filter is told to")
    else:
        statement = f"{holder.address} does not answer: nobody holds it now, or a filter guards it"
    return _claim(scan, statement, "weak", for_=words, against=_age(scan, holder.checks[0]))


def _of_distance(scan: d.Scan, holder: _Holder, shown: Checked) -> d.Claim:
    hops = " or ".join(str(one) for one in shown.hops)
    how = f"its answers arrived with TTL {', '.join(map(str, shown.ttls))}" if shown.ttls else "by the traced way"
    place = f"{holder.address} is up, {hops} {'hop' if hops == '1' else 'hops'} away"
    age = _age(scan, shown)
    if not scan.sender.hops:
        return _claim(scan, f"{place}; how far the probes came, they do not tell", "weak", for_=(how,), against=age)
    best = scan.sender.hops[0].hops
    if _weight(scan, shown.hops, _NEAR) >= _FITS:
        statement = f"{place}, about as far as the probes ({best}): that fits a genuine source"
        doubt = ("a forged address of a live host can be as far away", "so can a neighbour of the sender")
        return _claim(scan, statement, "weak", for_=(how,), against=(*doubt, *age))
    if _weight(scan, shown.hops, _FAR) <= _MISSES:
        statement = f"{place}, the probes most likely came from {best}: that speaks against a genuine source"
        doubt = ("the way in may differ by kind of packet", "a tool may set an initial TTL of its own")
        return _claim(scan, statement, "weak" if age else "fair", for_=(how,), against=(*doubt, *age))
    statement = f"{place}, the probes most likely came from {best}: that leaves it open"
    return _claim(scan, statement, "weak", for_=(how,), against=age)


def _of_system(scan: d.Scan, holder: _Holder) -> d.Claim:
    why = ("nmap compared its answers with its table of stacks",)
    age = _age(scan, holder.checks[-1])
    return _claim(scan, f"{holder.address} answers like {holder.system}", "weak" if age else "fair", why, age)


def _weight(scan: d.Scan, hops: Iterable[int], tolerance: int) -> float:
    near = {one + off for one in hops for off in range(-tolerance, tolerance + 1)}
    return sum(hop.weight for hop in scan.sender.hops if hop.hops in near)


def _age(scan: d.Scan, check: Checked) -> tuple[str, ...]:
    """Return how long after the scan it was asked, where that is long or cannot be told."""
    if scan.last_ns is None:
        return ("how long after the scan it was asked is not known",)
    days = (check.asked_ns - scan.last_ns) // _DAY_NS
    if days <= _FRESH_DAYS:
        return ()
    return (f"it was asked {days:,} days after the scan: the address may be another host's by now",)


def _claim(
    scan: d.Scan, statement: str, confidence: d.Confidence, for_: Iterable[str] = (), against: Iterable[str] = ()
) -> d.Claim:
    return d.Claim(
        id="",
        about=scan.id,
        statement=statement,
        confidence=confidence,
        for_=tuple(for_),
        against=tuple(against),
        settled_by="flow records of the networks on the way, and who held the address at the time of the scan",
        packets=(),
    )
