"""What the view shows, as plain text: the list of scans and floods, and the panes of one; knows no terminal library.

Every text is made visible here, so no cell holds a control character, whatever packets or file names said.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from craftmark.render.conclusion import headline, kind_of_probe, sentences
from craftmark.render.escape import visible
from craftmark.render.text import render_why
from craftmark.verbs.examine import select

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from craftmark.report.document import Claim, PacketRef, Report, Scan

#: Packets named in a filter for Wireshark.
_REFS: Final = 50
_WORDS: Final = {
    "identification": "made with it", "inconclusive": "not eliminated", "elimination": "not made with it",
    "unsuitable": "cannot be told",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its cells, and what is shown below when it is chosen; ``key`` names it."""

    cells: tuple[str, ...]
    detail: str
    key: str = ""

    def has(self, wanted: str) -> bool:
        """Tell whether a text stands anywhere in it, small letters or capitals."""
        return wanted.lower() in "\n".join((*self.cells, self.detail)).lower()


@dataclass(frozen=True, slots=True)
class Pane:
    """A table with a title; ``detail`` is shown where it has no rows."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    detail: str = ""


def listing(report: Report) -> Pane:
    """Return the scans and floods of a case."""
    rows = tuple(_listed(scan) for scan in (*report.scans, *report.floods))
    columns = ("id", "probes", "protocol", "shape", "sources", "targets", "made by", "hops", "spoofed")
    return Pane("scans", columns, rows, "No scan was found.")


def panes(report: Report, scan_id: str) -> tuple[Pane, ...]:
    """Return the panes of one scan or flood."""
    shown = select(report, scan_id)
    scan = (*shown.scans, *shown.floods)[0]
    return (
        Pane("conclusion", (), (), _conclusion(scan)),
        Pane("marks", ("mark", "kind", "level", "held", "chance", "statement"), tuple(_marks(scan))),
        Pane("tools", ("tool", "conclusion", "agree", "differ", "silent"), tuple(_tools(shown, scan))),
        Pane("hops", ("initial TTL", "hops", "weight", "why"), tuple(_hops(scan)), visible(scan.sender.hops_reason)),
        Pane("answers", ("who", "state", "answer", "known from"), tuple(_answers(scan))),
        Pane("claims", ("claim", "confidence", "statement"), tuple(map(_claim, shown.claims))),
    )


def _row(cells: Iterable[object], detail: str = "", key: str = "") -> Row:
    return Row(tuple(visible(str(cell)) for cell in cells), "\n".join(map(visible, detail.split("\n"))), key)


def _listed(scan: Scan) -> Row:
    hops = scan.sender.hops[0].hops if scan.sender.hops else "?"
    made = scan.maker.tool or scan.maker.kind
    cells = (scan.id, f"{scan.probes:,}", scan.protocol, scan.shape, f"{scan.sources_total:,}")
    more = (f"{scan.targets_total:,}", made, hops, scan.sender.spoofing.verdict)
    return _row((*cells, *more), headline(scan, flood=scan.id.startswith("F")), scan.id)


def _conclusion(scan: Scan) -> str:
    is_flood = scan.id.startswith("F")
    told = [headline(scan, flood=is_flood), "", *sentences(scan, flood=is_flood)]
    if len(scan.parts) > 1:
        told += ["", "Kinds of probe:", *(f"  {kind_of_probe(part)}: {part.probes:,}" for part in scan.parts)]
    for name, one in scan.maker.parameters.items():
        told.append(
            f"Recovered {name}: {one.value} (confidence {one.confidence:.0%}, foretells {one.checked:,} fields)"
        )
    told += ["", "Markprint:", f"  {scan.markprint.structure}", f"  {_values(scan)}"]
    return "\n".join(visible(line) for text in told for line in text.split("\n"))


def _values(scan: Scan) -> str:
    return scan.markprint.values


def _marks(scan: Scan) -> Iterator[Row]:
    for mark in scan.toolmarks:
        held = f"{mark.held:,} of {mark.seen:,}"
        cells = (mark.id, mark.kind, mark.level, held, f"10^{mark.log10_chance:.0f}", mark.statement)
        sampled = " (a sample)" if mark.sampled else ""
        told = f"{mark.statement}\nheld in {held} probes that show it{sampled}\nfields: {', '.join(mark.fields)}"
        yield _row(cells, f"{told}\n{_packets(mark.packets)}", mark.id)


def _tools(shown: Report, scan: Scan) -> Iterator[Row]:
    order = list(_WORDS)
    for one in sorted(scan.maker.tools, key=lambda one: (order.index(one.conclusion), -len(one.agrees))):
        cells = (one.tool, _WORDS[one.conclusion], len(one.agrees), len(one.disagrees), len(one.silent))
        yield _row(cells, render_why(shown, one.tool), one.tool)


def _hops(scan: Scan) -> Iterator[Row]:
    for one in scan.sender.hops:
        yield _row((one.initial_ttl, one.hops, f"{one.weight:.0%}", one.why), one.why)


def _answers(scan: Scan) -> Iterator[Row]:
    for seen in scan.answers.seen:
        ports = f"ports {seen.ports.ranges}" if seen.ports else ""
        yield _row(("seen here", seen.state, seen.answer, f"{seen.packets:,} packets {ports}"), scan.answers.reach)
    for told in scan.answers.predicted:
        yield _row((told.stack, told.state, told.answer, told.basis), f"{told.rule}\n{told.source}".strip())
    for one in scan.answers.remembered:
        entry = "makes an entry" if one.creates_state else "makes no entry"
        yield _row((one.firewall, "", f"{one.verdict}, {entry}", ""), f"{one.entry}\n{one.source}".strip())


def _claim(claim: Claim) -> Row:
    told = [claim.statement, *(f"+ {one}" for one in claim.for_), *(f"- {one}" for one in claim.against)]
    told += [f"What would settle it: {claim.settled_by}"] if claim.settled_by else []
    return _row((claim.id, claim.confidence, claim.statement), "\n".join([*told, _packets(claim.packets)]), claim.id)


def _packets(refs: tuple[PacketRef, ...]) -> str:
    """Return packets as a filter for Wireshark, input by input."""
    lines = []
    for number in dict.fromkeys(one.input for one in refs):
        shown = ", ".join(str(one.packet) for one in refs[:_REFS] if one.input == number)
        lines.append(f"packets of input {number}: frame.number in {{{shown}}}")
    return "\n".join(lines)
