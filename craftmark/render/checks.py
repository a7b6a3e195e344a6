"""The plan of ``craftmark verify`` before anything is sent, and what came back."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from craftmark.render.evidence import write_claim
from craftmark.render.layout import Page
from craftmark.render.numbers import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from craftmark.checks.plan import Plan
    from craftmark.report.checked import Check
    from craftmark.report.document import Claim

_WARNING = (
    "These packets come from this machine: who holds these addresses, or watches the way, can see that you asked."
)
_LACKING = {
    "ping": "no ping here",
    "ack": "a lone ACK needs hping3 or nmap, and root",
    "trace": "no traceroute here",
    "system": "asking for the system needs nmap, and root",
}


def render_plan(plan: Plan, target: str, *, width: int, colour: bool) -> str:
    """Return the plan: every command, how many packets at most, who is left out and why, where results are kept."""
    page = Page(width=width, colour=colour)
    asked = counted(len(plan.addresses), "address", "addresses")
    page.paragraph(f"Plan: ask {asked}, with at most {counted(plan.packets_each, 'packet')} to each.", style="bold")
    page.gap()
    for place, check in enumerate(plan.checks):
        words = f"{check.asks}; at most {counted(check.packets, 'packet')}"
        page.row("" if place else "would run", f"{shlex.join(check.command)}  ({words})")
    for one in plan.special:
        page.row("note", f"{one.address} is {one.special}; it is asked since you said so", style="warning")
    for one in plan.left_out:
        page.row("left out", f"{one.address}: {one.special}")
    if plan.more > 0:
        page.row("left out", f"{counted(plan.more, 'more source')} (--most)")
    for kind in plan.lacking:
        page.row("left out", _LACKING[kind])
    if plan.checks:
        page.row("kept in", target)
        page.gap()
        page.paragraph(_WARNING, style="warning")
    return page.text()


def render_outcome(checks: Iterable[Check], claims: Sequence[Claim], *, width: int, colour: bool) -> str:
    """Return what each check found, and the claims that follow."""
    page = Page(width=width, colour=colour)
    page.paragraph("Asked:", style="bold")
    for check in checks:
        write_check(page, check)
    page.gap()
    for claim in claims:
        write_claim(page, claim, inputs=1)
    return "\n" + page.text()


def write_check(page: Page, check: Check) -> None:
    """Write one check in one line."""
    told: list[str] = [check.outcome]
    if check.ttls:
        told.append(f"TTL {', '.join(map(str, check.ttls))}")
    if check.hops:
        told.append(f"{' or '.join(map(str, check.hops))} hops")
    if check.system:
        told.append(check.system)
    page.named("checked", check.address, f"{check.program} {check.kind}: {', '.join(told)}")
