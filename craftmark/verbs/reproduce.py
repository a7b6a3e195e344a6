"""``craftmark reproduce CASE -o test.pcap``: a scan's marks in a synthetic capture, to test rules and sensors offline.

Nothing is sent: a file is written. Its packets are the scan's probes between addresses for documentation, and it is
examined again, so that what it lost of the marks is told.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from craftmark import pipeline
from craftmark.assess.likeness import compare
from craftmark.errors import ExitCode, SourceError
from craftmark.export.frames import Built, build, payload_of
from craftmark.export.pcap import write_frames
from craftmark.export.readdress import SOURCES, TARGETS, TARGETS6, readdress
from craftmark.packets.batch import PacketBatch, join, source_text, target_text
from craftmark.packets.expressions import parse
from craftmark.render.escape import visible
from craftmark.sources.inputs import STDIN
from craftmark.tools.load import load_rules
from craftmark.verbs.arguments import add_page_arguments, add_reading_arguments
from craftmark.verbs.base import OptionError
from craftmark.verbs.case import chosen_scan, is_saved, load_finding, settings_of
from craftmark.verbs.extract import belonging, open_case
from craftmark.verbs.files import whole_file
from craftmark.verbs.screen import screen_of

if TYPE_CHECKING:
    import argparse

    from craftmark.pipeline import Settings
    from craftmark.report.document import Scan

#: Probes that are reproduced at most, the first of the capture.
MOST: Final = 1 << 16


class Probes(NamedTuple):
    """The first probes of a scan by time, their payloads where captured whole, and how many more there are."""

    batch: PacketBatch
    payloads: dict[int, bytes]
    left: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("case", metavar="CASE", help="a capture, or CAPTURE:S1 for one scan of several")
    parser.add_argument("-o", "--output", metavar="FILE", required=True, help="the capture, FILE.pcap")
    add_page_arguments(parser)
    add_reading_arguments(parser)


def run(parsed: argparse.Namespace) -> int:
    """Examine, write the synthetic capture, examine that too, and tell what differs."""
    path, _ = chosen_scan(parsed.case)
    if path == STDIN or is_saved(path):
        raise OptionError(f"{visible(parsed.case)}: reproduce needs the capture in a file: a report holds no packets")
    settings, screen = settings_of(parsed), screen_of(parsed)
    report, scan = load_finding(parsed.case, settings, screen)
    probes = _probes(path, settings, scan)
    rules = [parse(text) for text in load_rules(*map(Path, settings.rules)).relations]
    moved = readdress(probes.batch, scan, rules)
    payloads = {place: probes.payloads[row] for place, row in enumerate(moved.rows.tolist()) if row in probes.payloads}
    built = build(moved.batch, payloads=payloads)
    if not len(built.rows):
        why = "; ".join(one.why for one in built.refused)
        raise SourceError(
            f"none of the scan's packets can be written as a frame ({why})", name=path, code=ExitCode.USAGE
        )
    with whole_file(parsed.output) as stream:
        write_frames(stream, built.batch, name=parsed.output)
    if not screen.quiet:
        left = probes.left + len(probes.batch) - len(built.rows)
        sys.stderr.write("".join(f"craftmark: {line}\n" for line in _told(parsed.output, scan, settings, built, left)))
    return ExitCode.DAMAGED if report.damaged else ExitCode.EXAMINED


def _probes(path: str, settings: Settings, scan: Scan) -> Probes:
    is_probe = belonging([path], settings, scan.id)
    parts: list[PacketBatch] = []
    payloads: list[bytes] = []
    left = 0
    for batch in open_case([path], settings).batches():
        rows = np.flatnonzero(is_probe(batch))
        chosen = rows[: MOST - len(payloads)]
        left += len(rows) - len(chosen)
        parts.append(batch.take(chosen))
        payloads += [_harmless(batch, row) for row in chosen.tolist()]
    batch = join(parts)
    order = np.argsort(batch.ts_ns, kind="stable")
    kept = {place: payloads[row] for place, row in enumerate(order.tolist()) if payloads[row]}
    return Probes(batch.take(order), kept, left)


def _harmless(batch: PacketBatch, row: int) -> bytes:
    """Return a packet's payload, empty where it is not known or names one of the packet's addresses."""
    payload, words = payload_of(batch, row), batch.words[row]
    names = (source_text(words).encode(), target_text(words).encode())
    return b"" if any(name in payload for name in names) else payload


def _told(target: str, scan: Scan, settings: Settings, built: Built, left: int) -> list[str]:
    """Return what is said of the capture that was written."""
    lines = [f"wrote {visible(target)}: {len(built.rows)} packets from {SOURCES} to {TARGETS} (of IPv6: to {TARGETS6})"]
    if left:
        lines.append(f"{left} of the scan's {scan.probes} probes are left out, for these networks hold 254 hosts each")
    lines += [f"{one.packets} packets left out: {one.why}" for one in built.refused]
    again = pipeline.examine([target], replace(settings, own=(), where=None, paths=(), format_name=None, year=None))
    if not again.scans:
        return [*lines, "examined again, it holds no scan: too little of it is left"]
    likeness = compare(scan.markprint, again.scans[0].markprint)
    if likeness.same_structure:
        return [*lines, "examined again, it has the same markprint"]
    names = ", ".join(field.name for field in likeness.fields if field.finding == "differs")
    return [*lines, f"examined again, its markprint differs in {names}"]
