"""The table of one scan: its marks, the comparison with tools, the sender, the answers, the purposes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from craftmark.render.conclusion import kind_of_probe
from craftmark.render.maker_table import write_maker
from craftmark.render.numbers import counted, listed, percent

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from craftmark.render.layout import Page
    from craftmark.report.document import Claim, Remembered, Scan, Told, Toolmark, Tunnel

#: Entries shown of a long list before the rest is counted; -v shows all that the report holds.
SHOWN = 6
RANGES_SHOWN = 160

#: Purposes of less weight are only counted.
LEAST_WEIGHT = 0.05

#: What the states of a port mean where the protocol has none.
_HOSTS = {"open": "live hosts", "closed": "hosts that do not speak it", "filtered": "hosts behind a filter"}

#: Kinds of tunnel in words.
TUNNELS = {
    "gre": "GRE", "ipip": "IP in IP", "6in4": "IPv6 in IPv4", "4in6": "IPv4 in IPv6", "6in6": "IPv6 in IPv6",
}  # fmt: skip

_CONSTANT_KINDS = ("constant", "ttl")
_OTHER_LABELS = {
    "order": "order",
    "timing": "timing",
    "options": "TCP options",
    "relation": "relations",
    "counter": "counters",
    "generator": "generator",
    "payload": "payload",
    "repeat": "repeats",
}


def write_scan(page: Page, scan: Scan, claims: Sequence[Claim], *, everything: bool) -> None:
    """Write the table of a scan with the claims about it; ``everything`` lifts the caps on lists, and nothing else."""
    _write_sent(page, scan, SHOWN if not everything else len(scan.sources))
    _write_marks(page, scan)
    page.gap()
    write_maker(page, scan, everything=everything)
    page.gap()
    _write_sender(page, scan)
    _write_answers(page, scan)
    _write_purposes(page, scan, everything=everything)
    for claim in claims:
        page.row(claim.id, f"{claim.statement} ({claim.confidence})")


def _write_sent(page: Page, scan: Scan, most: int) -> None:
    page.row("sent", f"{counted(scan.probes, 'probe')}, {kind_of_probe(scan.parts[0] if scan.parts else scan)}")
    if len(scan.parts) > 1:
        page.grid("kinds", [f"{kind_of_probe(part)}: {part.probes:,}" for part in scan.parts])
    sources = [f"{source.address}: {source.probes:,}" for source in scan.sources[:most]]
    page.grid("sources", [*sources, *_rest(scan.sources_total - len(sources))])
    targets = [f"{target.address}: {target.probes:,}" for target in scan.targets[:most]]
    page.grid("targets", [*targets, *_rest(scan.targets_total - len(targets))])
    if scan.ports is not None and scan.ports.total:
        page.row("ports", f"{scan.ports.total:,}: {_cut(scan.ports.ranges)}")
    write_tunnels(page, scan.tunnels[:most], scan.tunnels_total, of=scan.probes)


def write_tunnels(page: Page, tunnels: Sequence[Tunnel], total: int, *, of: int) -> None:
    """Write what tunnels packets came through, ``of`` how many packets in all."""
    for place, one in enumerate(tunnels):
        ttls = [str(ttl) for ttl in one.ttls[:SHOWN]] + (["more"] if len(one.ttls) > SHOWN else [])
        through = f"through a tunnel ({TUNNELS[one.kind]}) from {one.source} to {one.target}, outer TTL {listed(ttls)}"
        page.row("tunnel" if place == 0 else "", f"{one.packets:,} of {of:,} came {through}")
    if total > len(tunnels):
        page.row("", f"and {counted(total - len(tunnels), 'more tunnel')}")


def _write_marks(page: Page, scan: Scan) -> None:
    constants = [mark for mark in scan.toolmarks if mark.kind in _CONSTANT_KINDS]
    for (held, seen, sampled), marks in _by_count(constants):
        page.row("constant", f"in {held:,} of {seen:,} probes{' tested' if sampled else ''}", style="bold")
        page.grid("", [mark.statement for mark in marks])
    for kind, label in _OTHER_LABELS.items():
        marks = [mark for mark in scan.toolmarks if mark.kind == kind]
        for place, mark in enumerate(marks):
            page.row(label if place == 0 else "", f"{mark.statement}: {held_of_seen(mark)}")


def held_of_seen(mark: Toolmark) -> str:
    """Return in how many of how many probes a mark held."""
    tested = " tested" if mark.sampled else ""
    return f"{mark.held:,} of {mark.seen:,}{tested}"


def _by_count(marks: Sequence[Toolmark]) -> Iterable[tuple[tuple[int, int, bool], list[Toolmark]]]:
    groups: dict[tuple[int, int, bool], list[Toolmark]] = {}
    for mark in marks:
        groups.setdefault((mark.held, mark.seen, mark.sampled), []).append(mark)
    return sorted(groups.items(), key=lambda group: -len(group[1]))


def _write_sender(page: Page, scan: Scan) -> None:
    sender = scan.sender
    if sender.hops:
        ranked = sorted(sender.hops, key=lambda hop: -hop.weight)
        page.grid("hops", [f"{hop.hops} (from {hop.initial_ttl}) {percent(hop.weight)}" for hop in ranked[:8]])
    else:
        page.row("hops", f"cannot be told: {sender.hops_reason or 'no reason is known'}")
    if scan.sources_total > 1:
        page.row("one sender", _verdict_line(sender.one_sender.verdict, sender.one_sender.reasons))
    page.row("spoofing", _verdict_line(sender.spoofing.verdict, sender.spoofing.reasons))


def _verdict_line(verdict: str, reasons: Sequence[str]) -> str:
    return f"{verdict}: {'; '.join(reasons[:3])}" if reasons else verdict


def _write_answers(page: Page, scan: Scan) -> None:
    answers = scan.answers
    if not answers.seen:
        page.row("answers", "none came" if answers.both_ways else "unseen: these inputs hold nothing from the targets")
    for place, seen in enumerate(answers.seen):
        ports = f" ({counted(seen.ports.total, 'port')}: {_cut(seen.ports.ranges)})" if seen.ports else ""
        page.row(
            "answers" if place == 0 else "", f"{seen.state}: {seen.answer}, {counted(seen.packets, 'packet')}{ports}"
        )
    for place, told in enumerate(answers.told):
        page.row("told it" if place == 0 else "", _told_line(told))
    groups: dict[str, list[str]] = {}
    for row in answers.predicted:
        if row.basis == "standard":
            whom = f"{row.state} ports" if scan.ports is not None else _HOSTS[row.state]
            groups.setdefault("no answer" if row.answer == "none" else row.answer, []).append(whom)
    for place, (answer, whose) in enumerate(groups.items()):
        page.row("expected" if place == 0 else "", f"{answer} from {listed(whose)}, by the standard")
    for place, entry in enumerate(answers.remembered[:SHOWN]):
        page.row("firewalls" if place == 0 else "", f"{entry.firewall}: {entry_made(entry)}")
    page.row("reach", answers.reach or "cannot be told")


def _told_line(told: Told) -> str:
    """Return what one kind of answer told: the ports, what they are, and by whose behaviour where that is not plain."""
    which = counted(told.packets, "probe" if told.answer == "none" else "packet")
    if told.ports is not None:
        which = f"{counted(told.ports.total, 'port')} ({_cut(told.ports.ranges)})"
    shown = "silence" if told.answer == "none" else told.answer
    why = "" if told.why == "by the standard" else f", {told.why}"
    return f"{which}: {told.meaning} ({shown}{why})"


def entry_made(row: Remembered) -> str:
    """Return whether a firewall makes an entry, with its own word for the packet."""
    verdict = f" ({row.verdict})" if row.verdict else ""
    return f"{'makes an entry' if row.creates_state else 'makes no entry'}{verdict}"


def _write_purposes(page: Page, scan: Scan, *, everything: bool) -> None:
    """Write the purposes worth a thought with their reasons; the rest is counted, "unexplained" never left out."""
    ranked = sorted(scan.purposes, key=lambda purpose: -purpose.weight)
    shown = [one for one in ranked if everything or one.weight >= LEAST_WEIGHT or one.id == "unexplained"]
    for place, purpose in enumerate(shown):
        reasons = [*purpose.for_, *(f"against: {one}" for one in purpose.against)]
        why = f" ({'; '.join(reasons if everything else reasons[:2])})" if reasons else ""
        page.row("purpose" if place == 0 else "", f"{percent(purpose.weight)} {purpose.statement}{why}")
    left = [one for one in ranked if one not in shown]
    if left:
        page.row("", f"{counted(len(left), 'other')}, at most {percent(left[0].weight)} each (-v shows them)")


def _rest(number: int) -> list[str]:
    return [f"and {number:,} more"] if number > 0 else []


def _cut(ranges: str) -> str:
    """Return the first part of a long list of ports, cut at a comma, as words that can be wrapped."""
    shown = ranges if len(ranges) <= RANGES_SHOWN else ranges[: ranges.rfind(",", 0, RANGES_SHOWN)] + ",..."
    return shown.replace(",", ", ")
