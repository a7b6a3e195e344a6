"""The report as Markdown, for a ticket or a wiki: the conclusions, the claims, the tools, what was read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from craftmark.render.conclusion import by_conclusion, headline, sentences
from craftmark.render.escape import visible
from craftmark.render.numbers import packet_refs, percent, power
from craftmark.render.summary import method, summary

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from craftmark.report.document import Report, Scan

#: Characters that mean something in Markdown or in the HTML that may stand in it.
_MEANT: Final = re.compile(r"([\\`*_{}\[\]<>|~&$])")

#: Marks likelier than this by accident (log10) are left out: any code might show them.
_SURPRISING: Final = -3.0


def render_markdown(report: Report) -> str:
    """Return the document; every text of the evidence is escaped."""
    lines = ["# craftmark", ""]
    lines += [f"{place}. {_safe(sentence)}" for place, sentence in enumerate(summary(report), 1)]
    for scan in (*report.scans, *report.floods):
        lines += ["", *_finding(report, scan)]
    if report.checks:
        lines += ["", "## What the claimed sources were asked"]
        lines += _table(
            ("address", "asked by", "answer", "hops", "system"),
            [
                (one.address, " ".join(one.command), one.outcome, " or ".join(map(str, one.hops)), one.system)
                for one in report.checks
            ],
        )
    lines += ["", "## Method, inputs and limits", ""]
    lines += [f"- {_safe(sentence)}" for sentence in method(report)]
    lines += [
        f"- input {_safe(one.name)}: {_safe(one.format)}, {one.packets:,} packets, sha256 `{one.sha256}`"
        for one in report.inputs
    ]
    lines += [f"- cannot be seen: {_safe(one.what)}; {_safe(one.shown_by)} would show it" for one in report.unseen]
    return "\n".join(lines) + "\n"


def _finding(report: Report, scan: Scan) -> Iterator[str]:
    flood = scan.id.startswith("F")
    yield f"## {scan.id}: {_safe(headline(scan, flood=flood))}"
    yield ""
    for sentence in sentences(scan, flood=flood):
        yield f"- {_safe(sentence)}"
    claims = [claim for claim in report.claims if claim.about == scan.id]
    yield from _table(
        ("claim", "confidence", "for", "settled by"),
        [(f"{one.id} {one.statement}", one.confidence, "; ".join(one.for_), one.settled_by) for one in claims],
    )
    yield from _table(
        ("toolmark", "held", "by accident", "packets"),
        [
            (
                mark.statement,
                f"{mark.held:,} of {mark.seen:,}",
                power(mark.log10_chance),
                packet_refs(mark.packets, inputs=len(report.inputs)),
            )
            for mark in scan.toolmarks
            if mark.log10_chance <= _SURPRISING
        ],
    )
    yield from _table(("eliminated", "why"), [(one.tool, one.reason) for one in by_conclusion(scan, "elimination")])
    yield from _table(
        ("purpose", "weight", "settled by"),
        [
            (one.statement, percent(one.weight), one.settled_by)
            for one in sorted(scan.purposes, key=lambda purpose: -purpose.weight)
        ],
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    if not rows:
        return
    yield ""
    yield f"| {' | '.join(head)} |"
    yield f"|{' --- |' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(_safe(cell) for cell in row)} |"


def _safe(text: str) -> str:
    return _MEANT.sub(r"\\\1", visible(text))
