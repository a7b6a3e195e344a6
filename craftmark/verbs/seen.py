"""``craftmark seen CASE``: have I seen this before, when, from whom; among the cases that were kept."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from craftmark.errors import ExitCode
from craftmark.render.layout import Page
from craftmark.store.cases import Store, case_id
from craftmark.store.place import data_dir
from craftmark.store.seen import seen_before
from craftmark.verbs.arguments import CASE_HELP, add_page_arguments, add_reading_arguments
from craftmark.verbs.case import load, settings_of
from craftmark.verbs.screen import deliver, screen_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from craftmark.report.document import Report, Scan
    from craftmark.store.seen import Seen

#: Sightings of one scan on the page; ``--json`` has more.
_SHOWN: Final = 8
_ADDRESSES: Final = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("case", metavar="CASE", help=CASE_HELP)
    parser.add_argument("--json", action="store_true", help="one line of JSON for each earlier sighting")
    add_page_arguments(parser)
    add_reading_arguments(parser)


def run(parsed: argparse.Namespace) -> int:
    """Look the scans of a case up among all that were kept."""
    screen = screen_of(parsed)
    report = load(parsed.case, settings_of(parsed), screen)
    store = Store(data_dir())
    kept = store.sightings(besides=case_id(report))
    found = seen_before(report, kept)
    if parsed.json:
        deliver("".join(json.dumps(_line(one)) + "\n" for one in found))
    else:
        deliver(_page(report, found, len(kept), width=screen.width, colour=screen.colour))
    return ExitCode.DAMAGED if report.damaged else ExitCode.EXAMINED


def _page(report: Report, found: Sequence[Seen], kept: int, *, width: int, colour: bool) -> str:
    page = Page(width=width, colour=colour)
    scans = (*report.scans, *report.floods)
    if not kept:
        page.paragraph("No other case was kept: craftmark --keep keeps one, and so does the page (craftmark serve).")
        return page.text()
    if not scans:
        page.paragraph("No scan to look up.")
    for scan in scans:
        _tell(page, scan, [one for one in found if one.scan is scan])
    return page.text()


def _tell(page: Page, scan: Scan, found: Sequence[Seen]) -> None:
    made = f", made with {scan.maker.tool}" if scan.maker.tool else ""
    times = "once" if len(found) == 1 else f"{len(found)} times"
    page.gap()
    page.paragraph(
        f"{scan.id}: {scan.shape} scan{made}: " + (f"seen {times} before." if found else "never seen before.")
    )
    for one in found[:_SHOWN]:
        page.row(_day(one.sighting.first_ns), _told(one))
    if len(found) > _SHOWN:
        page.row("", f"and {len(found) - _SHOWN} more (--json)")


def _told(one: Seen) -> str:
    sighting = one.sighting
    sources = ", ".join(sighting.sources[:_ADDRESSES])
    more = sighting.sources_total - len(sighting.sources[:_ADDRESSES])
    what = f"{sighting.tool or sighting.maker}, {one.likeness.bits:g} bits alike"
    same = {source.address for source in one.scan.sources} & set(sighting.sources)
    return (
        f"{sighting.scan} of {sighting.case_name} (case {sighting.case}): {sighting.probes:,} probes from {sources}"
        + (f" and {more:,} more" if more > 0 else "")
        + f"; {what}"
        + (f"; same source {', '.join(sorted(same)[:_ADDRESSES])}" if same else "")
    )


def _day(ns: int | None) -> str:
    return "no date" if ns is None else datetime.fromtimestamp(ns / 1e9, UTC).strftime("%Y-%m-%d")


def _line(one: Seen) -> dict[str, object]:
    sighting = one.sighting
    return {
        "scan": one.scan.id, "case": sighting.case, "case_name": sighting.case_name, "earlier": sighting.scan,
        "first_ns": sighting.first_ns, "last_ns": sighting.last_ns, "probes": sighting.probes, "tool": sighting.tool,
        "sources": list(sighting.sources), "sources_total": sighting.sources_total, "bits": one.likeness.bits,
        "meaning": one.likeness.meaning,
    }  # fmt: skip
