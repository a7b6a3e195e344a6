"""One rule as a page for a reader: what the tool's probes show, what its user can change, and where that was read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from craftmark.packets.fields import ARP, ICMP, ICMP6, SCTP, TCP, UDP
from craftmark.render.layout import Page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from craftmark.tools.rule import Expectation, Mode, RuleSet, ToolRule

_PROTOCOLS: Final = {
    TCP: "TCP", UDP: "UDP", ICMP: "ICMP", ICMP6: "ICMPv6", SCTP: "SCTP", ARP: "ARP", -1: "any protocol",
    -2: "other protocols",
}  # fmt: skip
_SETTABLE: Final = {
    "no": "", "option": "an option sets it", "argument": "its user gives it", "source edit": "people edit it",
    "path": "routers rewrite it",
}  # fmt: skip


def render_rule(rule: ToolRule, rules: RuleSet, *, width: int, colour: bool) -> str:
    """Return the page of one rule of a set."""
    page = Page(width=width, colour=colour)
    page.paragraph(f"{rule.name}: {rule.summary}", style="bold")
    page.gap()
    for label, text in _facts(rule, rules):
        page.row(label, text)
    for mode in rule.modes:
        page.gap()
        page.paragraph(_heading(mode), style="bold")
        for expected in mode.expects:
            page.named("", expected.field or "order", _told(expected), style="plain")
    page.gap()
    for place, recipe in enumerate(rule.recipes):
        details = ", ".join(f"{key} = {value}" for key, value in recipe.details.items())
        page.named("" if place else "recipes", recipe.id, f"{recipe.kind}: {details} [{recipe.source}]")
    for place, fact in enumerate(rule.facts):
        text = f"{', '.join(fact.fields)}: {fact.statement} [{fact.source}]"
        page.named("" if place else "until", _day(fact.until), text, style="plain")
    page.gap()
    for place, (key, citation) in enumerate(rule.sources.items()):
        page.named("" if place else "sources", f"[{key}]", citation, style="plain")
    return page.text()


def _facts(rule: ToolRule, rules: RuleSet) -> Iterator[tuple[str, str]]:
    yield "rule", f"{rule.id}, {rule.kind}{', a draft: it names nobody' if rule.status == 'draft' else ''}"
    if rule.names:
        yield "also called", ", ".join(rule.names)
    if rule.since is not None:
        yield "known since", f"{_day(rule.since)} ({rule.since_source})"
    if versions := list(dict.fromkeys(mode.versions for mode in rule.modes if mode.versions)):
        yield "versions", "; ".join(versions)
    if rule.derives_from:
        yield "made from", ", ".join(rule.derives_from)
    if descends := [one.id for one in rules if rule.id in one.derives_from]:
        yield "made from it", ", ".join(descends)
    if rule.confusable_with:
        yield "confusable with", f"{', '.join(rule.confusable_with)}: where these fit as well, none is named"
    if rule.free_form:
        yield "free form", "its user can set every field: packets never rule it out, and each setting has its price"
    if rule.kind == "library":
        yield "template", "its values name where the values of a program come from, not the program"
    if rule.all_probes:
        yield "no other", "it sends no kinds of probe but these"
    if rule.path:
        yield "file", rule.path


def _heading(mode: Mode) -> str:
    protocol = _PROTOCOLS.get(mode.protocol, f"IP protocol {mode.protocol}")
    parts = [f"{mode.id}: {protocol}"]
    if mode.protocol == TCP:
        parts.append(mode.bits_text)
    if mode.icmp is not None:
        parts.append(f"type {mode.icmp[0]} code {mode.icmp[1]}")
    if mode.versions:
        parts.append(f"versions {mode.versions}")
    if mode.since is not None:
        parts.append(f"not before {_day(mode.since)}")
    if mode.headers == "stack":
        parts.append("headers of the system's stack")
    return ", ".join(parts)


def _told(expected: Expectation) -> str:
    """Return an expectation in words, who can change it, and the key of its source."""
    changed = f"{expected.option} sets it" if expected.option else _SETTABLE[expected.settable]
    said = f" ({expected.says})" if expected.says else ""
    text = expected.text.removeprefix(f"{expected.field} ")
    return f"{text}{said}{f'; {changed}' if changed else ''} [{expected.source}]"


def _day(day: int) -> str:
    return f"{day // 10000:04}-{day // 100 % 100:02}-{day % 100:02}"
