"""The page of a study: one HTML file that needs nothing else, beside the tables that hold all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from craftmark import __version__
from craftmark.render.html import environment
from craftmark.render.numbers import counted, percent
from craftmark.study.pictures import pictures_of
from craftmark.study.rates import wilson
from craftmark.study.tables import sources_total

if TYPE_CHECKING:
    from collections.abc import Sequence

    from craftmark.study.base import Asked, Table
    from craftmark.study.case import Finding, StudiedCase

#: Rows of each table on the page; files hold all.
SHOWN: Final = 40

_UNNAMED: Final = ("unknown", "undecided")


def page(cases: Sequence[StudiedCase], tables: dict[str, Table], asked: Asked, knowledge: str) -> str:
    """Return the page."""
    return (
        environment("study/templates")
        .get_template("study.html.jinja")
        .render(
            lead=lead(cases, tables, asked),
            tables=tables,
            rows={name: one.dicts()[:SHOWN] for name, one in tables.items()},
            unknown=[one for one in tables["markprints"].dicts() if one["tool"] in _UNNAMED][:SHOWN],
            wide=_wide(tables["scans"]),
            pictures=list(pictures_of(tables)),
            asked=asked,
            version=__version__,
            knowledge=knowledge,
        )
    )


def lead(cases: Sequence[StudiedCase], tables: dict[str, Table], asked: Asked) -> list[str]:
    """Return the study in a few sentences, for people in a hurry."""
    found = [each for one in cases for each in one.scans]
    total = sum(one.scans_total for one in cases)
    packets, probes = sum(one.packets for one in cases), sum(one.traffic.probe for one in cases)
    word = "day" if asked.by == "day" else "input"
    senders = counted(sources_total(cases), "address", "addresses")
    what = f"{counted(total, 'scan')} in {counted(packets, 'packet')} of {counted(len(cases), word)}"
    said = [f"{what}: {counted(probes, 'probe')} from {senders}."]
    if found:
        said.append(_unknown(found))
        said.append(_named(tables["tools"]))
    campaigns = tables["campaigns"].dicts()
    if campaigns:
        largest = max(int(one["scans"] or 0) for one in campaigns)
        said.append(f"{counted(len(campaigns), 'campaign')}, the largest of {counted(largest, 'scan')}.")
    backscatter, floods = sum(one.traffic.backscatter for one in cases), sum(one.floods_total for one in cases)
    if backscatter or floods:
        said.append(
            f"Set apart: {counted(backscatter, 'packet')} of backscatter and {counted(floods, 'flood')}, "
            f"{counted(sum(one.traffic.flood for one in cases), 'packet')}."
        )
    return said


def _unknown(found: Sequence[Finding]) -> str:
    unknown = [one for one in found if one.label == "unknown"]
    share = wilson(len(unknown), len(found))
    assert share is not None
    if not unknown:
        return "No scan was crafted by code that no rule names."
    prints = {one.scan.markprint.structure for one in unknown}
    return (
        f"{len(unknown):,} of {counted(len(found), 'scan')} ({percent(share.share)}, {percent(share.low)} to "
        f"{percent(share.high)}) were crafted by code that no rule names, with "
        f"{counted(len(prints), 'structure')} of markprint."
    )


def _named(tools: Table) -> str:
    sums: dict[str, int] = {}
    for one in tools.dicts():
        if one["tool"] not in (*_UNNAMED, "stack"):
            sums[str(one["tool"])] = sums.get(str(one["tool"]), 0) + int(one["scans"] or 0)
    first = sorted(sums.items(), key=lambda item: (-item[1], item[0]))[:5]
    names = ", ".join(f"{tool} ({count:,})" for tool, count in first)
    return f"Tools identified in most scans: {names}." if names else "No tool was identified."


def _wide(scans: Table) -> list[dict[str, Any]]:
    """Return the scans with the largest coverage, where there is a telescope's size to tell it by."""
    known = [one for one in scans.dicts() if one["coverage"] is not None]
    return sorted(known, key=lambda one: (-float(one["coverage"] or 0), str(one["case"]), str(one["id"])))[:SHOWN]
