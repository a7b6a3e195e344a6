"""Whole captures: is the maker named, is the tool right, is what is ordinary quiet?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from craftmark.pipeline import examine

if TYPE_CHECKING:
    from lab.accuracy.truths import Truth

KINDS = {"crafted": "crafted", "standard stack": "stack"}


@dataclass(frozen=True, slots=True)
class Whole:
    """What the report said of one capture."""

    name: str
    kind: str
    tool: str
    mode: str
    made_by: str
    verdict: str  # right, inconclusive, wrong, missed (no scan found), quiet, alarm
    said: tuple[str, ...]
    kind_right: bool | None
    eliminated: bool


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
    )  # fmt: skip
