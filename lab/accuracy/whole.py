"""Whole captures: is the maker named, is the tool right, is what is ordinary quiet?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from craftmark.pipeline import examine
from craftmark.tools.chance import BOUND

if TYPE_CHECKING:
    from craftmark.report.document import Scan
    from lab.accuracy.truths import Truth

#: Probes from which a tool is to be named where its rule identifies it.
ENOUGH = 20
KINDS = {"crafted": "crafted", "standard stack": "stack"}


@dataclass(frozen=True, slots=True)
class Whole:
    """What the report said of one capture.

    probes: of the largest scan. chance: log10 of the chance that another maker sent that scan, as the rule of the true
    tool has it; None without a rule. alike: tools that send the same without a setting by hand.
    """

    name: str
    kind: str
    tool: str
    mode: str
    made_by: str
    verdict: str  # right, inconclusive, wrong, missed (no scan found), quiet, alarm
    said: tuple[str, ...]
    kind_right: bool | None
    eliminated: bool
    probes: int
    chance: float | None
    alike: tuple[str, ...]

    @property
    def is_identifying(self) -> bool:
        """Tell whether the true tool's rule tells it from all other makers here."""
        return self.chance is not None and self.chance <= BOUND


def whole_of(truth: Truth) -> Whole:
    """Examine one capture."""
    report = examine([truth.path])
    row, found = truth.row, (*report.scans, *report.floods)
    named = {scan.maker.tool for scan in found if scan.maker.tool}
    if row["kind"] == "negative":
        verdict = "alarm" if found else "quiet"
    elif not found:
        verdict = "missed"
    elif named - truth.ids:
        verdict = "wrong"
    else:
        verdict = "right" if named or row["made_by"] == "standard stack" else "inconclusive"
    largest = max(found, key=lambda scan: scan.probes, default=None)
    asked = KINDS.get(row["made_by"]) if row["kind"] != "negative" and row["proto"] != "arp" else None
    out = {tool.tool for scan in found for tool in scan.maker.tools if tool.conclusion == "elimination"}
    return Whole(
        name=truth.name, kind=row["kind"], tool=row["tool"], mode=truth.mode, made_by=row["made_by"], verdict=verdict,
        said=tuple(sorted(named)), kind_right=largest.maker.kind == asked if asked and largest else None,
        eliminated=row["kind"] == "scan" and len(truth.ids) == 1 and bool(out & truth.ids),
        probes=largest.probes if largest else 0, chance=_chance(largest, truth) if largest else None,
        alike=_alike(largest, truth) if largest else (),
    )  # fmt: skip


def _chance(scan: Scan, truth: Truth) -> float | None:
    """Return the least chance of another maker over the rules that name the true tool."""
    return min(
        (t.log10_chance for t in scan.maker.tools if t.tool in truth.ids and t.log10_chance is not None), default=None
    )


def _alike(scan: Scan, truth: Truth) -> tuple[str, ...]:
    """Return the other tools that are not ruled out and need no setting by hand."""
    return tuple(t.tool for t in scan.maker.tools if t.tool not in truth.ids and t.settings_needed == 0)
