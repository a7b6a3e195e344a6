"""What -v and -vv add to the page: every mark with its count, chance and packets; every comparison line by line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from craftmark.render.maker_table import verdict_reason
from craftmark.render.numbers import listed, packet_refs, percent, power
from craftmark.render.scan_table import entry_made, held_of_seen

if TYPE_CHECKING:
    from craftmark.render.layout import Page
    from craftmark.report.document import Claim, Predicted, Report, Scan, Toolmark, ToolVerdict

#: Marks likelier than this (log10) are what any code might show.
NO_SURPRISE = -0.3


def write_evidence(page: Page, report: Report, scan: Scan) -> None:
    """Write the marks, the sources of what is known, and the reasons behind the sender and the purposes."""
    page.gap()
    page.paragraph(f"Evidence for {scan.id}", style="bold")
    for mark in scan.toolmarks:
        packets = packet_refs(mark.packets, inputs=len(report.inputs))
        told = (
            f"{mark.statement}: {held_of_seen(mark)}, {mark.level}, {_surprise(mark)}, packets {packets or 'not kept'}"
        )
        page.named(mark.id, mark.kind, told)
    page.row("markprint", f"{scan.markprint.structure} / {scan.markprint.values}")
    for place, hop in enumerate(scan.sender.hops):
        page.named(
            "hops" if place == 0 else "", f"{hop.hops} from {hop.initial_ttl}", f"{percent(hop.weight)}: {hop.why}"
        )
    for name, parameter in sorted(scan.maker.parameters.items()):
        sure = f"confidence {percent(parameter.confidence)}, {parameter.checked:,} other fields predicted rightly"
        page.named("parameter", name, sure)
    _write_predicted(page, scan)
    for place, one in enumerate(scan.answers.distinguishes):
        alive = "" if one.alive else "; nothing shows that it is there"
        page.named("tells apart" if place == 0 else "", one.stack, f"{one.groups}{alive}")
    for place, entry in enumerate(scan.answers.remembered):
        left = f": {entry.entry}" if entry.entry else ""
        left += f"; an entry that it meets: {entry.meets}" if entry.meets else ""
        left += f"; logged: {entry.logged}" if entry.logged else ""
        page.named("firewalls" if place == 0 else "", entry.firewall, f"{entry_made(entry)}{left} [{entry.source}]")
    for place, purpose in enumerate(scan.purposes):
        page.named("purpose" if place == 0 else "", purpose.id, f"settled by {purpose.settled_by or 'nothing known'}")
    for claim in report.claims:
        if claim.about == scan.id and (claim.for_ or claim.against or claim.settled_by):
            write_claim(page, claim, inputs=len(report.inputs))


def _surprise(mark: Toolmark) -> str:
    """Return the chance of a mark; most of what is constant would be so with any code."""
    return f"{power(mark.log10_chance)} by accident" if mark.log10_chance < NO_SURPRISE else "no surprise by itself"


def _write_predicted(page: Page, scan: Scan) -> None:
    """Write what each stack answers in each state of a port, and where that is known from."""
    groups: dict[tuple[str, str], list[Predicted]] = {}
    for row in scan.answers.predicted:
        source = row.source if row.basis != "standard" else ""
        groups.setdefault((row.stack, source), []).append(row)
    for place, ((stack, source), rows) in enumerate(groups.items()):
        told = "; ".join(f"{row.state}: {row.answer}" + ("" if source else f" [{row.source}]") for row in rows)
        page.named("expected" if place == 0 else "", stack, told + (f" [{source}]" if source else ""))


def write_claim(page: Page, claim: Claim, *, inputs: int) -> None:
    """Write a claim with what speaks for and against it, and what would settle it."""
    page.row(claim.id, f"{claim.statement} ({claim.confidence})", style="bold")
    for word, reasons in (("for", claim.for_), ("against", claim.against)):
        if reasons:
            page.row("", f"{word}: {'; '.join(reasons)}")
    if claim.settled_by:
        page.row("", f"settled by: {claim.settled_by}")
    if claim.packets:
        page.row("", f"packets {packet_refs(claim.packets, inputs=inputs)}")


def write_comparison(page: Page, report: Report, verdict: ToolVerdict) -> None:
    """Write the comparison with one tool, line by line."""
    versions = f" {verdict.version}" if verdict.version else ""
    page.paragraph(f"{verdict.tool}{versions}: {verdict.conclusion}", style="bold")
    page.row("reason", verdict_reason(verdict) or "none stated")
    for word, lines in (("agrees", verdict.agrees), ("disagrees", verdict.disagrees), ("silent", verdict.silent)):
        for place, line in enumerate(lines):
            page.row(word if place == 0 else "", line, style="warning" if word == "disagrees" else "plain")
    if verdict.packets:
        page.row("packets", packet_refs(verdict.packets, inputs=len(report.inputs)))


def write_all_comparisons(page: Page, report: Report, scan: Scan) -> None:
    """Write the comparison with every tool, the identified first and the unsuitable last."""
    order = ("identification", "inconclusive", "elimination", "unsuitable")
    for verdict in sorted(scan.maker.tools, key=lambda one: order.index(one.conclusion)):
        page.gap()
        write_comparison(page, report, verdict)


def unknown_tool(report: Report, tool: str) -> str:
    """Return what to say when no rule has the name asked for."""
    known = sorted({verdict.tool for scan in (*report.scans, *report.floods) for verdict in scan.maker.tools})
    return f"no rule is called {tool}; known are {listed(known)}" if known else f"nothing was compared with {tool}"
