"""The part of a scan's table on its maker: why it was crafted, the tool identified, the tools eliminated and not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from craftmark.render.conclusion import agreement, by_conclusion, not_eliminated
from craftmark.render.numbers import counted, listed, percent, power

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from craftmark.render.layout import Page
    from craftmark.report.document import Parameter, Scan, ToolVerdict

#: Eliminated tools shown with their reason, and agreeing lines of the identified one; -v shows all.
TOOLS_SHOWN = 24
LINES_SHOWN = 4


def write_maker(page: Page, scan: Scan, *, everything: bool) -> None:
    """Write who made a scan, and who did not; ``everything`` lifts the caps on lists, and nothing else."""
    maker = scan.maker
    kind = {"crafted": "crafted", "stack": "system's stack", "undecided": "undecided"}[maker.kind]
    for place, why in enumerate(maker.kind_why or ("no reason is known",)):
        page.row(kind if place == 0 else "", why)
    for place, verdict in enumerate(by_conclusion(scan, "identification")):
        sure = f", confidence {percent(maker.confidence)}" if verdict.tool == maker.tool else ""
        page.named("identified" if place == 0 else "", verdict.tool, f"{agreement(verdict)}{sure}", style="found")
        _write_lines(page, "agrees", verdict.agrees, everything=everything)
        _write_lines(page, "differs", verdict.disagrees, everything=everything)
    if maker.parameters:
        page.grid("parameters", [f"{name} = {value_text(one)}" for name, one in sorted(maker.parameters.items())])
    _write_eliminated(page, by_conclusion(scan, "elimination"), everything=everything)
    _write_open(page, not_eliminated(scan), everything=everything)


def verdict_reason(verdict: ToolVerdict) -> str:
    """Return why a tool was eliminated or not, with its number."""
    reason = verdict.reason or next(iter(verdict.disagrees), "")
    if verdict.settings_needed is None:
        return reason
    by_hand = f"{counted(verdict.settings_needed, 'setting')} by hand"
    if verdict.price_log10 is not None:
        by_hand += f", {power(verdict.price_log10)} in likelihood"
    return f"{by_hand}: {reason}" if reason else by_hand


def value_text(parameter: Parameter) -> str:
    """Return the value of a recovered parameter for a reader."""
    value = parameter.value
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def _write_lines(page: Page, word: str, lines: Sequence[str], *, everything: bool) -> None:
    shown = lines if everything else lines[:LINES_SHOWN]
    for place, line in enumerate(shown):
        page.row(word if place == 0 else "", line)
    if len(shown) < len(lines):
        page.row("", f"and {len(lines) - len(shown):,} more (-v shows them)")


def _write_eliminated(page: Page, verdicts: Sequence[ToolVerdict], *, everything: bool) -> None:
    """Write the eliminated tools, those together that the same sight eliminates: "what the tool does; what is seen"."""
    label = "eliminated"
    shown = verdicts if everything else verdicts[:TOOLS_SHOWN]
    for seen, found in _by_sight(shown):
        if seen:
            page.row(label, f"by {seen}", style="bold")
            label = ""
        inset = "  " if seen else ""
        for why, tools in _by_reason(found):
            page.named(label, inset + tools[0], why, style="plain")
            label = ""
            if len(tools) > 1:
                page.named("", "", f"the same: {listed(tools[1:])}")
    if len(shown) < len(verdicts):
        rest = [verdict.tool for verdict in verdicts[len(shown) :]]
        page.row("", f"and {listed(rest, most=TOOLS_SHOWN)} (-v shows why)")


def _by_sight(verdicts: Iterable[ToolVerdict]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Group tools and what they do by what was seen instead; reasons without the two halves come first."""
    groups: dict[str, list[tuple[str, str]]] = {"": []}
    for verdict in verdicts:
        why, _, seen = verdict_reason(verdict).rpartition("; ")
        groups.setdefault(seen if why else "", []).append((why or seen, verdict.tool))
    return [group for group in groups.items() if group[1]]


def _by_reason(found: Iterable[tuple[str, str]]) -> list[tuple[str, list[str]]]:
    groups: dict[str, list[str]] = {}
    for why, tool in found:
        groups.setdefault(why, []).append(tool)
    return list(groups.items())


def _write_open(page: Page, verdicts: Sequence[ToolVerdict], *, everything: bool) -> None:
    """Write the tools that are not eliminated: with their price, and with -v the first thing that differs."""
    label = "not eliminated"
    if everything:
        for place, verdict in enumerate(verdicts):
            page.named(label if place == 0 else "", verdict.tool, verdict_reason(verdict), style="open")
    elif verdicts:
        page.row(label, "what differs can be set or edited: so many settings by hand, at this likelihood")
        page.grid("", [f"{verdict.tool}: {_settings(verdict)}".rstrip(": ") for verdict in verdicts], style="open")


def _settings(verdict: ToolVerdict) -> str:
    """Return how many settings it would take, and their price; "" where that was not counted."""
    if verdict.settings_needed is None:
        return ""
    if verdict.settings_needed == 0:
        return "none needed"
    price = f", {power(verdict.price_log10)}" if verdict.price_log10 is not None else ""
    return f"{verdict.settings_needed:,}{price}"
