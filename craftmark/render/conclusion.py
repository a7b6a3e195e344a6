"""A scan in plain sentences: what was sent, which code made it and which did not, how far off, its reach, why.

Pure: the same scan gives the same sentences, whatever evidence is shown beside them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from craftmark.render.numbers import counted, duration, listed, moment, percent, power

if TYPE_CHECKING:
    from collections.abc import Iterator

    from craftmark.report.document import Part, Scan, ToolVerdict

_PROTOCOLS = {"tcp": "TCP", "udp": "UDP", "icmp": "ICMP", "icmp6": "ICMPv6", "sctp": "SCTP", "arp": "ARP"}
_SHAPES = {
    "port": "port scan",
    "address": "address scan",
    "block": "scan of many ports of many addresses",
    "protocol": "IP protocol scan",
    "host": "host scan",
    "spot": "repeated probe of one spot",
    "path": "path trace",
}
_PATTERNS = {"rising", "falling", "shuffled", "popular-first"}

#: Names listed in a sentence before the rest is counted.
_NAMED = 24


def headline(scan: Scan, *, flood: bool = False) -> str:
    """Return what a scan is and who made it, in half a sentence."""
    what = "flood" if flood else _SHAPES[scan.shape]
    return f"{what}, {_maker_phrase(scan)}"


def sentences(scan: Scan, *, flood: bool = False) -> Iterator[str]:
    """Yield the conclusions about a scan, one plain sentence each; a flood teaches its sender nothing."""
    yield _sent(scan)
    yield from _made(scan)
    yield from _not_made(scan)
    yield _far(scan)
    if not flood:
        yield f"What it could learn: {first_sentence(scan.answers.reach) or 'cannot be told'}."
    if scan.purposes:
        ranked = sorted(scan.purposes, key=lambda purpose: -purpose.weight)[:2]
        yield f"Why: {'; '.join(f'{purpose.statement} ({percent(purpose.weight)})' for purpose in ranked)}."


def kind_of_probe(part: Part | Scan) -> str:
    """Return protocol and control bits, or ICMP type and code, of a part or a scan."""
    name = _PROTOCOLS.get(part.protocol, f"IP protocol {part.protocol}" if part.protocol.isdigit() else part.protocol)
    if part.control_bits is not None:
        return f"{name} {'+'.join(part.control_bits) or 'without control bits'}"
    icmp = getattr(part, "icmp", None)
    return f"{name} type {icmp.type} code {icmp.code}" if icmp else name


def by_conclusion(scan: Scan, conclusion: str) -> list[ToolVerdict]:
    """Return the comparisons with tools that ended so; systems' stacks are told by ``kind_why``."""
    return [verdict for verdict in scan.maker.tools if verdict.conclusion == conclusion and verdict.kind != "stack"]


def not_eliminated(scan: Scan) -> list[ToolVerdict]:
    """Return the comparisons that ended inconclusive, those first that need the least luck to send such packets."""
    fits = by_conclusion(scan, "inconclusive")
    return sorted(fits, key=lambda verdict: -(verdict.price_log10 if verdict.price_log10 is not None else -math.inf))


def sources_phrase(scan: Scan) -> str:
    """Return the sources by address where they are few, else their number."""
    if scan.sources_total <= min(4, len(scan.sources)):
        return listed([source.address for source in scan.sources])
    return counted(scan.sources_total, "source")


def targets_phrase(scan: Scan) -> str:
    """Return the targets by address where they are few, else their number."""
    if scan.targets_total <= min(2, len(scan.targets)):
        return listed([target.address for target in scan.targets])
    return counted(scan.targets_total, "address", "addresses")


def agreement(verdict: ToolVerdict) -> str:
    """Return how many marks agree with an identified tool, at what chance, and how many its user changed."""
    agree = f"{counted(len(verdict.agrees), 'mark')} {'agrees' if len(verdict.agrees) == 1 else 'agree'}"
    if verdict.log10_chance is not None:
        agree += f" ({power(verdict.log10_chance)} that other code would show them)"
    changed = len(verdict.disagrees)
    return (
        f"{agree}; {changed:,} {'differs' if changed == 1 else 'differ'}, which its user can set" if changed else agree
    )


def first_sentence(text: str) -> str:
    """Return the first sentence of a text, without its full stop and starting low unless it starts with a name."""
    first = text.split(". ", maxsplit=1)[0].rstrip(".")
    return first[:1].lower() + first[1:] if first[1:2].islower() else first


def _sent(scan: Scan) -> str:
    kinds = [kind_of_probe(part) for part in scan.parts] if len(scan.parts) > 1 else []
    what = f"packets of {len(kinds)} kinds ({listed(kinds, most=4)})" if kinds else f"{_kind_of_one(scan)} packets"
    return f"{sources_phrase(scan)} sent {scan.probes:,} {what} {_where_to(scan)}{_ordered(scan)}{_when(scan)}."


def _kind_of_one(scan: Scan) -> str:
    return kind_of_probe(scan.parts[0] if scan.parts else scan)


def _where_to(scan: Scan) -> str:
    if scan.ports is None or scan.ports.total == 0:
        return f"to {targets_phrase(scan)}"
    if scan.ports.total == 1:
        return f"to port {scan.ports.ranges} of {targets_phrase(scan)}"
    ranges = scan.ports.ranges
    ports = f"ports {ranges}" if len(ranges) <= 30 else f"{scan.ports.total:,} ports"
    return f"to {ports} of {targets_phrase(scan)}"


def _ordered(scan: Scan) -> str:
    """Return the order of the ports, or of the targets where there is one port."""
    several_ports = scan.ports is not None and scan.ports.total > 1
    for mark in scan.toolmarks:
        if mark.kind == "order" and mark.name in _PATTERNS and mark.fields:
            of_ports = mark.fields[0].endswith("_dport")
            if of_ports if several_ports else mark.fields[0] == "ip_dst":
                return f", in {mark.name} order"
    return ""


def _when(scan: Scan) -> str:
    span = f", within {duration(scan.duration_ns)}" if scan.duration_ns else ""
    first = moment(scan.first_ns) if scan.first_ns is not None else scan.first_text
    return f"{span}, from {first} on" if first else span


def _maker_phrase(scan: Scan) -> str:
    maker = scan.maker
    kind = {"crafted": "crafted", "stack": "sent by a system's own stack", "undecided": "maker undecided"}[maker.kind]
    if not maker.tool:
        return kind
    joint = " with" if maker.kind == "crafted" else ", made with"
    return f"{kind}{joint} {_tool_name(scan)}"


def _tool_name(scan: Scan) -> str:
    """Return the identified tool as a reader names it, with its versions."""
    verdict = next((one for one in scan.maker.tools if one.tool == scan.maker.tool), None)
    name = verdict.name if verdict is not None and verdict.name else scan.maker.tool or ""
    version = scan.maker.version
    return f"{name} {version}" if version and version not in name else name


def _made(scan: Scan) -> Iterator[str]:
    maker = scan.maker
    if maker.kind_why:
        said = {"crafted": "Crafted", "stack": "Sent by a system's own stack", "undecided": "Crafted or not, undecided"}
        yield f"{said[maker.kind]}: {maker.kind_why[0]}."
    found = [verdict for verdict in by_conclusion(scan, "identification") if verdict.tool == maker.tool]
    if maker.tool is not None:
        yield f"Made with {_tool_name(scan)}" + (f": {agreement(found[0])}." if found else ".")
        if found and found[0].kind == "library":
            edited = maker.parameters.get("edited")
            changed = (
                f" Changed in it: {', '.join(edited.value)}." if edited and isinstance(edited.value, tuple) else ""
            )
            yield f"That is the template its values come from; which program sent them stays open.{changed}"
    elif maker.conclusion == "unsuitable":
        yield "By which tool: too little was seen to tell."
    elif maker.kind != "stack":
        fits = [verdict.tool for verdict in not_eliminated(scan)]
        yield f"By which tool cannot be told: {listed(fits, most=_NAMED)} would fit." if fits else "No known tool fits."


def _not_made(scan: Scan) -> Iterator[str]:
    out = [verdict.tool for verdict in by_conclusion(scan, "elimination")]
    if out:
        yield f"Not made with {listed(out, most=_NAMED, last='or')}."
    fits = not_eliminated(scan)
    if scan.maker.tool is not None and fits:
        prices = [verdict.price_log10 for verdict in fits if verdict.price_log10 is not None]
        price = f", at odds of {power(max(prices))} or less" if prices else ""
        names = listed([verdict.tool for verdict in fits], most=_NAMED)
        yield f"Not eliminated, since what differs can be set or edited{price}: {names}."


def _far(scan: Scan) -> str:
    sender = scan.sender
    parts = []
    if sender.hops:
        best = max(sender.hops, key=lambda hop: hop.weight)
        away = counted(best.hops, "hop")
        parts.append(f"Most likely {away} away: initial TTL {best.initial_ttl} ({percent(best.weight)})")
    else:
        why = f" ({sender.hops_reason})" if sender.hops_reason else ""
        parts.append(f"How far away the sender is cannot be told{why}")
    if scan.sources_total > 1 and sender.one_sender.verdict != "undecided":
        one = sender.one_sender.verdict == "one"
        parts.append("one sender for all sources" if one else "several senders")
    if sender.spoofing.verdict != "undecided":
        parts.append(f"the source addresses are {sender.spoofing.verdict} ({percent(sender.spoofing.confidence)})")
    return "; ".join(parts) + "."
