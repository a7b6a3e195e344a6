"""The conclusion in five plain sentences, for a reader in a hurry: what, who, from where, what for, what next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from craftmark.render.conclusion import first_sentence, headline, kind_of_probe, sources_phrase, targets_phrase
from craftmark.render.numbers import counted, duration, listed, moment, percent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from craftmark.report.document import Report, Scan

_SPOOFED = {
    "spoofed": "the addresses in the packets are forged",
    "genuine": "the addresses in the packets are its own",
    "undecided": "whether the addresses in the packets are its own cannot be told from this evidence",
}

_CONCLUSIONS = (
    "A tool is identified where marks beyond chance agree and nothing visible disagrees on what its user cannot set; "
    "eliminated where something does; else inconclusive."
)


def summary(report: Report) -> tuple[str, ...]:
    """Return the sentences: of the largest scan, or the largest flood where there is no scan."""
    findings = report.scans or report.floods
    if not findings:
        packets = sum(one.packets for one in report.inputs)
        return (f"No scan and no flood was found in {counted(packets, 'packet')}.",)
    return tuple(_sentences(report, findings[0], flood=not report.scans))


def _sentences(report: Report, scan: Scan, *, flood: bool) -> Iterator[str]:
    yield _what(report, scan, flood=flood)
    yield _who(scan, flood=flood)
    yield _where(scan)
    yield "It can teach its sender nothing." if flood else f"What it could learn: {first_sentence(scan.answers.reach)}."
    yield _why(scan)


def _what(report: Report, scan: Scan, *, flood: bool) -> str:
    others = report.scans_total + report.floods_total - 1
    more = f" ({counted(others, 'other finding')} in this case; this is the largest {'flood' if flood else 'scan'})"
    kind = kind_of_probe(scan.parts[0] if scan.parts else scan)
    when = f" on {moment(scan.first_ns)}" if scan.first_ns is not None else ""
    span = f" within {duration(scan.duration_ns)}" if scan.duration_ns else ""
    sent = f"{sources_phrase(scan)} sent {counted(scan.probes, 'packet')} ({kind}) to {targets_phrase(scan)}"
    return f"{sent}{span}{when}{more if others else ''}."


def _who(scan: Scan, *, flood: bool) -> str:
    reason = f": {scan.maker.kind_why[0]}" if scan.maker.kind_why else ""
    return f"This is a {headline(scan, flood=flood)}{reason}."


def _where(scan: Scan) -> str:
    spoofed = _SPOOFED[scan.sender.spoofing.verdict]
    if not scan.sender.hops:
        return f"How far away the sender is cannot be told; {spoofed}."
    best = max(scan.sender.hops, key=lambda hop: hop.weight)
    return f"The sender is most likely {counted(best.hops, 'router')} away ({percent(best.weight)}); {spoofed}."


def _why(scan: Scan) -> str:
    if not scan.purposes:
        return "Why it was sent is open."
    best = max(scan.purposes, key=lambda purpose: purpose.weight)
    settled = f"; {best.settled_by} would settle it" if best.settled_by else ""
    return f"Most likely reason ({percent(best.weight)}): {best.statement}{settled}."


def method(report: Report) -> tuple[str, ...]:
    """Return how the report came about: versions, rules, conditions."""
    conditions = report.conditions
    said = [
        f"craftmark {report.craftmark}, rules {report.knowledge[:12]}, read {counted(len(report.inputs), 'input')}.",
        _CONCLUSIONS,
    ]
    if conditions.where:
        said.append(f"Only packets were examined for which this holds: {conditions.where}")
    if conditions.own:
        said.append(f"Own networks: {listed(conditions.own)}.")
    said.append("Dates counted as evidence." if conditions.trust_clock else "Dates did not count as evidence.")
    return tuple(said)
