"""``craftmark doctor``: what an input is, what is in it, what is missing, and what was wrong where."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import numpy as np

from craftmark.errors import ExitCode, SourceError
from craftmark.packets import fields as f
from craftmark.render.layout import Page
from craftmark.sources.base import Provenance, SourceOptions
from craftmark.sources.inputs import open_inputs
from craftmark.verbs.arguments import add_page_arguments, year
from craftmark.verbs.screen import deliver, screen_of

if TYPE_CHECKING:
    import argparse

    from craftmark.packets.batch import PacketBatch
    from craftmark.sources.inputs import Case

_NS: Final = 1_000_000_000
_PROTOCOLS: Final = {f.TCP: "TCP", f.UDP: "UDP", f.ICMP: "ICMP", f.ICMP6: "ICMPv6", f.SCTP: "SCTP", f.ARP: "ARP",
                     f.NOT_IP: "neither IP nor ARP"}  # fmt: skip
_REMARKS: Final = (
    (f.NOTE_CUT, "headers cut by a snaplen"), (f.NOTE_FRAGMENT, "later fragments, without a transport header"),
    (f.NOTE_FIRST_FRAGMENT, "first fragments"), (f.NOTE_TUNNEL, "taken out of tunnels"),
    (f.NOTE_BAD_OPTIONS, "TCP options whose lengths do not add up"),
    (f.NOTE_BAD_LENGTH, "lengths that contradict each other"), (f.NOTE_IP_SUM_BAD, "wrong IP checksums"),
    (f.NOTE_SUM_BAD, "wrong transport checksums (sent so, or left to the network card)"),
    (f.NOTE_NO_TIME, "without a time of their own"),
)  # fmt: skip
_UNSEEN_SHOWN: Final = 60


@dataclass(slots=True)
class Chart:
    """What the packets of one input are, added up."""

    protocols: Counter[int] = field(default_factory=Counter)
    remarks: Counter[int] = field(default_factory=Counter)
    steps_back: int = 0
    furthest_ns: int = 0
    longest_gap_ns: int = 0
    _last_ns: int | None = None

    def add(self, batch: PacketBatch) -> None:
        """Count a batch."""
        kinds, counts = np.unique(batch.words[:, f.PROTOCOL], return_counts=True)
        self.protocols.update(dict(zip(kinds.tolist(), counts.tolist(), strict=True)))
        notes = batch.words[:, f.NOTES]
        self.remarks.update({bit: int((notes & bit != 0).sum()) for bit, _ in _REMARKS})
        times = batch.ts_ns if self._last_ns is None else np.concatenate([[self._last_ns], batch.ts_ns])
        gaps = np.diff(times)
        if len(gaps):
            self.steps_back += int((gaps < 0).sum())
            self.furthest_ns = max(self.furthest_ns, int(-gaps.min()))
            self.longest_gap_ns = max(self.longest_gap_ns, int(gaps.max()))
        self._last_ns = int(batch.ts_ns[-1])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("paths", nargs="+", metavar="FILE", help="capture or log; - reads standard input")
    parser.add_argument("--year", metavar="YYYY", type=year, help="the year of logs that have none")
    parser.add_argument("--format", metavar="NAME", dest="format_name", help="read all inputs as this format")
    add_page_arguments(parser)


def run(parsed: argparse.Namespace) -> int:
    """Examine the inputs themselves; return what ``examine`` would: 0, 3, or the code of what stopped all of them."""
    screen = screen_of(parsed)
    page = Page(width=screen.width, colour=screen.colour)
    codes = [_visit(page, path, parsed) for path in dict.fromkeys(parsed.paths)]
    deliver(page.text())
    if len(set(codes)) == 1:
        return codes[0]
    return ExitCode.DAMAGED


def _visit(page: Page, path: str, parsed: argparse.Namespace) -> ExitCode:
    page.gap()
    page.paragraph(path if path != "-" else "standard input", style="bold")
    chart = Chart()
    try:
        case = open_inputs([path], options=SourceOptions(year=parsed.year), format_name=parsed.format_name)
        for batch in case.batches():
            chart.add(batch)
    except SourceError as fault:
        page.row("not readable", f"{fault.what}" + (f"; {fault.remedy}" if fault.remedy else ""), style="warning")
        page.row("exit code", str(int(fault.code)))
        return fault.code
    told = case.describe()[0]
    _write_what(page, case, told)
    _write_packets(page, told, chart)
    _write_missing(page, told)
    return _write_wrong(page, told)


def _write_what(page: Page, case: Case, told: Provenance) -> None:
    layers = [layer.layer for one in case.inputs for layer in one.layers]
    inside = "".join(f" inside {layer}" for layer in reversed(layers))
    links = f", link type {', '.join(told.link_types)}" if told.link_types else ""
    page.row("what it is", f"{told.format}{inside}{links}, {told.bytes:,} bytes")
    page.row("sha256", told.sha256)


def _write_packets(page: Page, told: Provenance, chart: Chart) -> None:
    shares = [
        f"{count:,} {_PROTOCOLS.get(kind, f'protocol {kind}')}" for kind, count in chart.protocols.most_common(12)
    ]
    page.row("packets", f"{told.packets:,}: {', '.join(shares)}")
    page.row("time", _span(told) + f"; longest gap {_seconds(chart.longest_gap_ns)}")
    if chart.steps_back:
        steps = f"{chart.steps_back:,} steps back, the furthest by {_seconds(chart.furthest_ns)}"
        page.row("", f"not in the order of time: {steps}")
    for bit, text in _REMARKS:
        if chart.remarks[bit]:
            page.row("", f"{chart.remarks[bit]:,} {text}")


def _span(told: Provenance) -> str:
    if told.first_ns is None or told.last_ns is None:
        return "none"
    length = _seconds(told.last_ns - told.first_ns)
    if told.clock != "epoch":
        return f"{length} by a clock that tells no date ({told.clock})"
    first, last = (_moment(ns) for ns in (told.first_ns, told.last_ns))
    return f"{first} to {last} UTC, {length}"


def _moment(ns: int) -> str:
    try:
        return datetime.fromtimestamp(ns // _NS, UTC).strftime("%Y-%m-%d %H:%M:%S") + f".{ns % _NS:09d}"
    except (OverflowError, ValueError, OSError):
        return f"{ns // _NS:,} s since 1970"


def _seconds(ns: int) -> str:
    return f"{ns / _NS:,.6f} s" if ns < 1000 * _NS else f"{ns / _NS:,.0f} s"


def _write_missing(page: Page, told: Provenance) -> None:
    if told.unseen:
        more = f" and {len(told.unseen) - _UNSEEN_SHOWN} more" if len(told.unseen) > _UNSEEN_SHOWN else ""
        page.row("missing", f"no packet shows {', '.join(told.unseen[:_UNSEEN_SHOWN])}{more}")
    else:
        page.row("missing", "nothing: every field of the headers is shown by some packet")
    for note in told.notes:
        page.row("note", note)


def _write_wrong(page: Page, told: Provenance) -> ExitCode:
    if not told.damage_total:
        page.row("wrong", "nothing")
        return ExitCode.EXAMINED
    for one in told.damage:
        page.row("wrong", f"at packet {one.packet:,}, byte {one.byte:,}: {one.what}", style="warning")
    if told.damage_total > len(told.damage):
        page.row("", f"and at {told.damage_total - len(told.damage):,} more places")
    return ExitCode.DAMAGED
