"""The comparison of two markprints as a page: what it means, then every field with its bits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from craftmark.marks.markprint import FEWEST
from craftmark.marks.wording import counted, listed
from craftmark.render.layout import Page

if TYPE_CHECKING:
    from craftmark.assess.likeness import FieldLikeness, Finding, Likeness
    from craftmark.report.document import Scan


def statement(likeness: Likeness, one: Scan, other: Scan) -> str:
    """Return what a comparison means, in a sentence or two, without claiming more than packets can show."""
    tools = sorted({scan.maker.tool for scan in (one, other) if scan.maker.tool is not None})
    said = _meaning(likeness, one, other)
    if len(tools) == 2:
        return f"Rules name two tools, {listed(tools)}. By the markprints alone: {said}"
    both = one.maker.tool is not None and one.maker.tool == other.maker.tool
    return f"{said} Rules name {tools[0]} for both." if both else said


def _meaning(likeness: Likeness, one: Scan, other: Scan) -> str:
    inherited, edited = likeness.inherited, likeness.named("differs")
    if likeness.meaning == "alike":
        return "made alike, by the same code or with the same values given to two programs."
    if likeness.meaning == "template":
        changed = f"; {listed(edited)} {'was' if len(edited) == 1 else 'were'} changed" if edited else ""
        return f"one comes from the other, or both from one template: {listed(inherited)} are the same{changed}."
    if likeness.meaning == "unlike":
        return f"not made alike, by other code or with other options: {listed(edited)} differ."
    if min(one.probes, other.probes) < FEWEST:
        return f"cannot be told, a structure needs {FEWEST} probes and here are {one.probes:,} and {other.probes:,}."
    return "cannot be told, too little that is seen in both is more than habit."


def render_likeness(
    likeness: Likeness, cases: tuple[tuple[str, Scan], tuple[str, Scan]], *, width: int, colour: bool
) -> str:
    """Return the page."""
    page = Page(width=width, colour=colour)
    (_, one), (_, other) = cases
    said = statement(likeness, one, other)
    page.paragraph(said[:1].upper() + said[1:], style="bold")
    page.gap()
    page.row("likeness", f"{likeness.bits:.1f} bits, over {counted(likeness.compared, 'field')} that both show")
    page.row("structure", "the same" if likeness.same_structure else "not the same")
    if likeness.inherited:
        page.row("inherited", ", ".join(likeness.inherited))
    page.gap()
    for name, scan in cases:
        page.named("", scan.id, f"{name}: {counted(scan.probes, 'probe')}, {scan.maker.tool or scan.maker.kind}")
        page.row("", scan.markprint.structure, style="dim")
    told: tuple[Finding, ...] = ("differs", "agrees", "set by the user")
    for finding in told:
        page.gap()
        _write_fields(page, finding, [field for field in likeness.fields if field.finding == finding])
    page.gap()
    silent: tuple[Finding, ...] = ("open", "unseen")
    for finding in silent:
        if names := likeness.named(finding):
            page.row(finding, ", ".join(names))
    return page.text()


def _write_fields(page: Page, finding: Finding, fields: list[FieldLikeness]) -> None:
    """Write the fields of a finding, those that weigh most first, and in one line those that weigh nothing."""
    telling = [field for field in fields if field.bits or finding != "agrees"]
    for place, field in enumerate(sorted(telling, key=lambda field: -abs(field.bits))):
        page.named("" if place else finding, field.name, _told(field), style="plain")
    if habits := [f"{field.name} {field.one}" for field in fields if field not in telling and field.one != "-"]:
        page.row("" if telling else finding, f"by habit: {', '.join(habits)}")


def _told(field: FieldLikeness) -> str:
    both = field.one if field.one == field.other else f"{field.one} against {field.other}"
    return f"{both}: {field.bits:+.1f} bits" if field.bits else both
