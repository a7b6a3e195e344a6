"""The page for a person, from the report alone.

First the conclusions in plain sentences, then a table per scan, then what was read and what could not be seen.
Verbosity adds evidence below; it never changes or moves a conclusion.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from craftmark.render.checks import write_check
from craftmark.render.conclusion import headline, kind_of_probe, sentences, sources_phrase
from craftmark.render.evidence import (
    unknown_tool,
    write_all_comparisons,
    write_claim,
    write_comparison,
    write_evidence,
)
from craftmark.render.layout import Page
from craftmark.render.numbers import counted, duration, listed, moment
from craftmark.render.scan_table import write_scan, write_tunnels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from craftmark.report.document import Report, Scan
    from craftmark.report.examined import Input, Traffic

#: Columns of a page that no terminal bounds.
WIDTH = 100

#: Scans and floods shown whole; beyond these one line each, beyond LISTED only counted.
DETAILED = 5
LISTED = 40

#: Tunnels named below the traffic.
LISTED_TUNNELS = 3

#: Damaged places named per input before the rest is counted.
_DAMAGE_SHOWN = 3


def render_text(report: Report, *, verbosity: int = 0, width: int = WIDTH, colour: bool = False) -> str:
    """Return the page; ``verbosity`` 1 adds evidence, 2 every comparison."""
    page = Page(width=width, colour=colour)
    page.paragraph(_first_line(report), style="bold")
    findings = [*report.scans, *report.floods]
    detailed = findings if len(findings) <= DETAILED or verbosity else findings[:DETAILED]
    if len(findings) > 1:
        _write_overview(page, report)
    for finding in detailed:
        _write_finding(page, report, finding, verbosity)
    if len(detailed) < len(findings):
        page.gap()
        page.paragraph(f"Shown whole are the first {DETAILED}; -v shows all, --only ID one of them.", style="dim")
    _write_campaigns(page, report)
    _write_checks(page, report)
    _write_case(page, report)
    _write_footer(page, report)
    return page.text()


def render_why(report: Report, tool: str, *, width: int = WIDTH, colour: bool = False) -> str:
    """Return the comparison of every scan with one tool, line by line."""
    page = Page(width=width, colour=colour)
    shown = False
    for scan in (*report.scans, *report.floods):
        for verdict in scan.maker.tools:
            if verdict.tool == tool:
                page.gap()
                page.paragraph(f"{scan.id}: {headline(scan)}", style="bold")
                write_comparison(page, report, verdict)
                shown = True
    if not shown:
        page.paragraph(unknown_tool(report, tool) if report.scans or report.floods else _first_line(report))
    return page.text()


def knows_tool(report: Report, tool: str) -> bool:
    """Tell whether any scan was compared with a rule of this name, or there was nothing to compare."""
    findings = (*report.scans, *report.floods)
    return not findings or any(verdict.tool == tool for scan in findings for verdict in scan.maker.tools)


def _first_line(report: Report) -> str:
    packets = counted(_examined(report.traffic), "packet")
    if report.scans_total == 0 and report.floods_total == 0:
        return f"No scan in {packets}."
    if report.scans_total + report.floods_total == 1 and (report.scans or report.floods):
        flood = not report.scans
        one = report.floods[0] if flood else report.scans[0]
        return f"One {'flood' if flood else 'scan'} in {packets}. {one.id}: {headline(one, flood=flood)}."
    found = [counted(report.scans_total, "scan")] if report.scans_total else []
    if report.floods_total:
        found.append(counted(report.floods_total, "flood"))
    return f"{listed(found)} in {packets}."


def _write_overview(page: Page, report: Report) -> None:
    page.gap()
    rows = [(scan, False) for scan in report.scans] + [(flood, True) for flood in report.floods]
    for finding, flood in rows[:LISTED]:
        text = f"{counted(finding.probes, 'probe')} from {sources_phrase(finding)}"
        page.named(finding.id, kind_of_probe(finding), f"{headline(finding, flood=flood)}; {text}")
    unlisted = report.scans_total + report.floods_total - min(len(rows), LISTED)
    if unlisted:
        page.row("", f"and {unlisted:,} more (--json holds up to {len(rows):,})")


def _write_finding(page: Page, report: Report, finding: Scan, verbosity: int) -> None:
    flood = any(finding is one for one in report.floods)
    page.gap()
    if report.scans_total + report.floods_total > 1:
        page.paragraph(f"{finding.id}: {headline(finding, flood=flood)}", style="bold")
        page.gap()
    for sentence in sentences(finding, flood=flood):
        page.paragraph(sentence, indent=2, hanging=2)
    page.gap()
    claims = [claim for claim in report.claims if claim.about == finding.id]
    write_scan(page, finding, claims, everything=verbosity > 0)
    if verbosity > 0:
        write_evidence(page, report, finding)
    if verbosity > 1:
        write_all_comparisons(page, report, finding)


def _write_campaigns(page: Page, report: Report) -> None:
    page.gap()
    for campaign in report.campaigns:
        page.row(campaign.id, f"{campaign.statement}: {listed(campaign.scans, most=12)}", style="bold")
        if campaign.why:
            page.row("", "; ".join(campaign.why))
    ids = {finding.id for finding in (*report.scans, *report.floods)}
    for claim in report.claims:
        if claim.about not in ids:
            write_claim(page, claim, inputs=len(report.inputs))


def _write_checks(page: Page, report: Report) -> None:
    page.gap()
    for check in report.checks:
        write_check(page, check)


def _write_case(page: Page, report: Report) -> None:
    page.gap()
    for place, one in enumerate(report.inputs):
        page.row("inputs" if place == 0 else "", _input_line(one))
        for note in one.notes:
            page.row("", f"note: {note}")
        for damage in one.damage[:_DAMAGE_SHOWN]:
            page.row("", f"damaged at packet {damage.packet:,}, byte {damage.byte:,}: {damage.what}", style="warning")
        if one.damage_total > min(len(one.damage), _DAMAGE_SHOWN):
            more = one.damage_total - min(len(one.damage), _DAMAGE_SHOWN)
            page.row("", f"and {counted(more, 'more damaged place')}", style="warning")
        if one.unseen:
            page.row("", f"it cannot show {listed(one.unseen, most=12)}")
    page.row("traffic", _traffic(report.traffic))
    write_tunnels(page, report.tunnels[:LISTED_TUNNELS], report.tunnels_total, of=_examined(report.traffic))
    if report.conditions.where is not None:
        page.row("selected", f"only packets with {report.conditions.where}")
    groups: dict[str, list[str]] = {}
    for unseen in report.unseen:
        groups.setdefault(unseen.shown_by, []).append(unseen.what)
    for place, (shown_by, what) in enumerate(groups.items()):
        page.row("unseen" if place == 0 else "", f"{listed(what)}: {shown_by} would show {_it(what)}")


def _it(what: Sequence[str]) -> str:
    return "it" if len(what) == 1 else "them"


def _examined(traffic: Traffic) -> int:
    """Return the packets that were examined: all of the inputs', or those that were selected."""
    return sum((traffic.probe, traffic.answer, traffic.backscatter, traffic.flood, traffic.ordinary, traffic.undecoded))


def _traffic(traffic: Traffic) -> str:
    """Return the packets by role, those that occur."""
    roles = (
        (traffic.probe, counted(traffic.probe, "probe")),
        (traffic.answer, counted(traffic.answer, "answer")),
        (traffic.backscatter, f"{traffic.backscatter:,} of backscatter"),
        (traffic.flood, f"{traffic.flood:,} of floods"),
        (traffic.ordinary, f"{traffic.ordinary:,} ordinary"),
        (traffic.undecoded, f"{traffic.undecoded:,} undecoded"),
    )
    return listed([words for number, words in roles if number]) or "no packets"


def _input_line(one: Input) -> str:
    kind = listed([one.format, *one.link_types], last="of") if one.link_types else one.format
    parts = [f"{one.name}: {kind}", counted(one.packets, "packet")]
    first = moment(one.first_ns) if one.first_ns is not None else one.first_text
    if first:
        parts.append(f"from {first} on")
    if one.duration_ns is not None:
        parts.append(duration(one.duration_ns))
    if one.clock != "epoch":
        parts.append(f"its clock: {one.clock}")
    parts.append(f"sha256 {one.sha256[:12]}")
    return ", ".join(parts)


def _write_footer(page: Page, report: Report) -> None:
    page.gap()
    made = f"craftmark {report.craftmark}, rules {report.knowledge[:12]}"
    page.paragraph(f"{made}. More: -v evidence, -vv every comparison, --why TOOL, --json.", style="dim")
