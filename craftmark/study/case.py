"""One case of a study: the rows that one day, or one input, adds to the tables; everything else is let go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from craftmark.kernels.grouping import KEY_IDENTITY
from craftmark.report import build
from craftmark.report.examined import Traffic
from craftmark.study.ports import PortCount, ports_of
from craftmark.study.rates import coverage, internet_pps, rate_pps

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from craftmark.pipeline import Grounds, Judged
    from craftmark.report.concluding import Concluded
    from craftmark.report.document import Campaign, Scan

#: Shapes whose targets are many addresses, so that a telescope sees a share of them.
_WIDE = ("address", "block", "host")


@dataclass(frozen=True, slots=True)
class Finding:
    """One scan or flood, without its evidence."""

    scan: Scan
    is_flood: bool
    targets_exact: bool
    ip_version: int
    campaign: str | None

    @property
    def label(self) -> str:
        """What made it, in one word: a tool, ``stack``, ``unknown`` code, or ``undecided``."""
        maker = self.scan.maker
        return maker.tool or ("unknown" if maker.kind == "crafted" else maker.kind)

    @property
    def rate_pps(self) -> float | None:
        """Probes per second as seen."""
        return rate_pps(self.scan.probes, self.scan.duration_ns)

    def extrapolated(self, telescope: int | None) -> tuple[float | None, ...]:
        """Return coverage with its interval, and the rate to all of IPv4; None where a telescope cannot tell."""
        if telescope is None or self.scan.shape not in _WIDE or self.ip_version != 4 or self.is_flood:
            return (None, None, None, None)
        share = coverage(self.scan.targets_total, telescope)
        seen = self.rate_pps
        return (*(share or (None, None, None)), internet_pps(seen, telescope) if seen is not None else None)


@dataclass(frozen=True, slots=True)
class StudiedCase:
    """What one case holds. sources: addresses of scans as rows of five words, each once."""

    name: str
    traffic: Traffic
    scans_total: int
    floods_total: int
    findings: tuple[Finding, ...]
    campaigns: tuple[Campaign, ...]
    ports: dict[tuple[str, int], PortCount]
    sources: NDArray[np.uint32]

    @property
    def scans(self) -> list[Finding]:
        """The scans that are described."""
        return [one for one in self.findings if not one.is_flood]

    @property
    def packets(self) -> int:
        """All packets."""
        roles = self.traffic
        return (
            roles.probe + roles.answer + roles.backscatter + roles.flood + roles.ordinary + roles.undecoded
        )  # they add up to all packets


def studied(name: str, judged: Judged, grounds: Grounds) -> StudiedCase:
    """Return what a case holds, told by its scans and floods."""
    campaigns = build.build_campaigns(judged.scans, grounds.rules)
    member = {scan: one.id for one in campaigns for scan in one.scans}
    found = [
        *(_finding(one, judged, grounds, is_flood=False, campaign=member.get(one.subject.id)) for one in judged.scans),
        *(_finding(one, judged, grounds, is_flood=True, campaign=None) for one in judged.floods),
    ]
    return StudiedCase(
        name=name,
        traffic=Traffic(**judged.findings.traffic),
        scans_total=judged.findings.scans_total,
        floods_total=judged.findings.floods_total,
        findings=tuple(found),
        campaigns=campaigns,
        ports=ports_of(judged),
        sources=_sources(judged),
    )


def _finding(one: Concluded, judged: Judged, grounds: Grounds, *, is_flood: bool, campaign: str | None) -> Finding:
    widest = max(one.subject.parts, key=lambda part: part.targets_total)
    scan = build.build_scan(one, judged.clock, grounds.rules, rows=0)
    return Finding(scan, is_flood, widest.targets_exact, one.subject.main.ip_version, campaign)


def _sources(judged: Judged) -> NDArray[np.uint32]:
    """Return the source addresses of the scans that are described."""
    if not judged.scans:
        return np.empty((0, 5), np.uint32)
    strands = np.unique(np.concatenate([one.scan.strands for one in judged.scans]))
    keys = judged.finished.keys[strands]
    version = (keys[:, KEY_IDENTITY] >> 16) & 15
    return np.unique(np.column_stack([keys[:, :4], version]), axis=0)
