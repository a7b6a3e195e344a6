"""What stacks and firewalls do with a probe, as a matrix: one line per stack, one column per state of its port."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from craftmark.marks.wording import listed
from craftmark.render.escape import visible
from craftmark.render.layout import Page
from craftmark.stacks.respond import BY_STANDARD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from craftmark.stacks.firewall import Remembered
    from craftmark.stacks.nmap_os_db import Counted
    from craftmark.stacks.respond import Prediction

STATES: Final = ("open", "closed", "filtered")
#: Columns of a stack's name and of an answer.
_STACK, _ANSWER = 34, 14
#: Stacks named in the first sentence.
_NAMED: Final = 4


def render_answers(
    probe: str,
    predicted: Sequence[Prediction],
    remembered: Sequence[Remembered],
    *,
    width: int,
    colour: bool,
    systems: Sequence[Counted] | None = None,
) -> str:
    """Return the page of one probe, called as a reader would; ``systems`` is what the user's nmap-os-db says of it."""
    page = Page(width=width, colour=colour)
    page.paragraph(f"{probe}: {_summary(predicted)}", style="bold")
    page.gap()
    _write_stacks(page, predicted)
    _write_systems(page, systems)
    _write_firewalls(page, remembered)
    page.gap()
    cited = [*(row.source for row in predicted), *(entry.source for entry in remembered)]
    for place, source in enumerate(dict.fromkeys(cited)):
        page.row("" if place else "sources", source)
    return page.text()


def _write_stacks(page: Page, predicted: Sequence[Prediction]) -> None:
    states = [state for state in STATES if any(row.state == state for row in predicted)]
    page.paragraph("stack".ljust(_STACK) + "".join(state.ljust(_ANSWER) for state in states).rstrip(), style="dim")
    for name, rows in _by_stack(predicted).items():
        cells = "".join((rows.get(state) or "-").ljust(_ANSWER) for state in states).rstrip()
        if len(name) >= _STACK:
            page.paragraph(name)
        page.paragraph((name if len(name) < _STACK else "").ljust(_STACK) + cells)
    behind = [row for row in predicted if row.rule]
    for place, row in enumerate(behind):
        if not place:
            page.gap()
        page.named("" if place else "filter rules", row.answer, row.stack, style="plain")


def _write_systems(page: Page, systems: Sequence[Counted] | None) -> None:
    """Write how many systems of the user's own nmap-os-db gave each answer."""
    if systems is None:
        return
    page.gap()
    for place, row in enumerate(systems):
        names = ", ".join(visible(name) for name in row.names)
        more = f" and {row.systems - len(row.names):,} more" if row.systems > len(row.names) else ""
        words = f"{row.systems:,} of {row.tested:,} systems ({row.test}, {row.state} port): {names}{more}"
        page.named("" if place else "nmap-os-db", row.answer, words, style="plain")
    if not systems:
        page.row("nmap-os-db", "nmap's tests hold no such probe, or no such system")


def _by_stack(predicted: Sequence[Prediction]) -> dict[str, dict[str, str]]:
    """Return the answer per state of each stack, but for those behind a filter rule."""
    found: dict[str, dict[str, str]] = {}
    for row in predicted:
        if not row.rule:
            found.setdefault(row.stack, {})[row.state] = row.answer
    return found


def _summary(predicted: Sequence[Prediction]) -> str:
    """Return what the standard says of ports, and which stacks differ from it."""
    stacks = _by_stack(predicted)
    standard = stacks.pop(BY_STANDARD, {})
    if not standard:
        return f"{len(stacks)} stacks"
    ports = {state: answer for state, answer in standard.items() if state != "filtered"}
    if len(set(ports.values())) == 1:
        told = f"{next(iter(ports.values()))} from {' and '.join(ports)} ports alike, by the standard"
    else:
        told = ", ".join(f"{answer} from {state} ports" for state, answer in ports.items()) + ", by the standard"
    if "closed" not in standard:
        told = f"{standard.get('open', 'none')} from hosts that speak the protocol, by the standard"
    odd = [name for name, rows in stacks.items() if any(rows[one] != standard.get(one, rows[one]) for one in rows)]
    shown = [*odd[:_NAMED], f"{len(odd) - _NAMED} more"] if len(odd) > _NAMED else odd
    return f"{told}; {listed(shown)} {'differs' if len(odd) == 1 else 'differ'}." if odd else f"{told}."


def _write_firewalls(page: Page, remembered: Sequence[Remembered]) -> None:
    page.gap()
    for place, entry in enumerate(remembered):
        made = "makes an entry" if entry.creates_state else "makes no entry"
        verdict = f" ({entry.verdict})" if entry.verdict else ""
        page.row("" if place else "firewalls", f"{entry.firewall}: {made}{verdict}")
    by_firewall = {entry.firewall.partition(",")[0]: entry for entry in remembered}
    for label, told in (("entries met", "meets"), ("logged", "logged")):
        rows = [(name, getattr(entry, told)) for name, entry in by_firewall.items() if getattr(entry, told)]
        for place, (name, words) in enumerate(rows):
            page.row("" if place else label, f"{name}: {words}")
