"""``craftmark share CASE -o case.zip``: the evidence of scans to hand on, own addresses anonymised, relations kept."""

from __future__ import annotations

import io
import os
import secrets
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from craftmark import __version__, pipeline
from craftmark.errors import ExitCode, SourceError
from craftmark.export.pcap import write_frames
from craftmark.packets.batch import PacketBatch, join
from craftmark.packets.expressions import parse
from craftmark.render.escape import visible
from craftmark.sources.inputs import STDIN
from craftmark.tools.load import load_rules
from craftmark.verbs.arguments import add_page_arguments, add_reading_arguments
from craftmark.verbs.base import OptionError
from craftmark.verbs.case import chosen_scan, is_saved, settings_of
from craftmark.verbs.examine import select
from craftmark.verbs.extract import open_case, owners
from craftmark.verbs.files import write_file
from craftmark.verbs.progress import watched
from craftmark.verbs.screen import screen_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from craftmark.export.frames import Built
    from craftmark.export.share.anonymise import Anonymised
    from craftmark.export.share.keyed import Key
    from craftmark.pipeline import Settings
    from craftmark.report.document import Report

_KEY_OCTETS: Final = 32
_HIDDEN: Final = "cut"
_KEPT: Final = "kept, but for those with an own address in them"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("case", metavar="CASE", help="a capture, or CAPTURE:S1 for one scan of it")
    parser.add_argument("-o", "--output", metavar="FILE", required=True, help="the bundle, FILE.zip")
    parser.add_argument("--key", metavar="FILE", help="32 octets of your own, made if it is not there; keep it secret")
    parser.add_argument("--keep-payloads", action="store_true", help="payloads too, but for those that tell an address")
    add_page_arguments(parser)
    add_reading_arguments(parser)


def run(parsed: argparse.Namespace) -> int:
    """Examine, anonymise, examine again, and write the bundle."""
    try:
        from craftmark.export.share.bundle import zipped  # noqa: PLC0415 - needs the library that the extra installs
    except ModuleNotFoundError as fault:
        raise OptionError(f"share needs the Python package {fault.name}; pip install 'craftmark[share]'") from fault
    path, only = chosen_scan(parsed.case)
    if path == STDIN or is_saved(path):
        raise OptionError(f"{visible(parsed.case)}: share needs the capture in a file: a report holds no packets")
    settings, screen = settings_of(parsed), screen_of(parsed)
    with watched(shown=screen.shows_progress) as progress:
        report = select(pipeline.examine([path], settings, progress=progress), only)
    if not (report.scans or report.floods):
        raise OptionError(f"{visible(parsed.case)}: no scan was found, nothing is shared")
    files = _files(path, settings, report, _key(parsed.key), keeps_payloads=parsed.keep_payloads)
    write_file(parsed.output, zipped(files))
    if not screen.quiet:
        sys.stderr.write(f"craftmark: wrote {visible(parsed.output)}: read its CHANGES before you hand it on\n")
    return ExitCode.DAMAGED if report.damaged else ExitCode.EXAMINED


def _key(name: str | None) -> Key:
    """Return the key in a file, made there if it is none yet; without a name a key that is forgotten."""
    from craftmark.export.share.keyed import Key  # noqa: PLC0415 - as above

    if name is None:
        return Key(secrets.token_bytes(_KEY_OCTETS))
    try:
        if not Path(name).exists():
            handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as stream:
                stream.write(secrets.token_bytes(_KEY_OCTETS))
        octets = Path(name).read_bytes()
    except OSError as fault:
        what = f"the key cannot be used: {fault.strerror or fault}"
        raise SourceError(what, name=name, code=ExitCode.UNREADABLE) from fault
    if len(octets) != _KEY_OCTETS:
        raise OptionError(f"--key {visible(name)}: a key has {_KEY_OCTETS} octets, this file {len(octets)}")
    return Key(octets)


def _files(path: str, settings: Settings, report: Report, key: Key, *, keeps_payloads: bool) -> Mapping[str, bytes]:
    """Return the files of the bundle."""
    from craftmark.export.frames import build  # noqa: PLC0415 - as above
    from craftmark.export.share.addresses import Own  # noqa: PLC0415 - as above
    from craftmark.export.share.anonymise import anonymise  # noqa: PLC0415 - as above
    from craftmark.export.share.bundle import CAPTURE, README, changes  # noqa: PLC0415 - as above
    from craftmark.export.share.losses import losses  # noqa: PLC0415 - as above

    scans = (*report.scans, *report.floods)
    batch, scan_of, payloads = _packets(path, settings, [one.id for one in scans], keeps_payloads=keeps_payloads)
    own = Own(settings.own) if settings.own else Own.around(batch.words[scan_of > 0])
    rules = [parse(text) for text in load_rules(*map(Path, settings.rules)).relations]
    made = anonymise(batch, scan_of, scans, rules, own=own, key=key)
    built = build(made.batch, made.quoted, _harmless(payloads, made, own.texts(batch.words)))
    capture = _pcap(built)
    again = _examined(capture, replace(settings, own=made.own if settings.own else (), where=None, paths=()))
    names = ", ".join(one.id for one in scans)
    return {
        "README.txt": README.format(version=__version__, scans=names, packets=len(built.rows)).encode(),
        CAPTURE: capture,
        "report.json": again.to_json().encode(),
        "CHANGES": changes(
            made.done, built.refused, losses(report, again), payloads=_KEPT if keeps_payloads else _HIDDEN
        ).encode(),
    }


def _packets(
    path: str, settings: Settings, scan_ids: Sequence[str], *, keeps_payloads: bool
) -> tuple[PacketBatch, np.ndarray[tuple[int], np.dtype[np.intp]], dict[int, bytes]]:
    """Return the probes of scans and what belongs to them, by time; whose probe each is; and payloads by row."""
    from craftmark.export.share.conversations import Belonging  # noqa: PLC0415 - as above

    owner, names = owners([path], settings)
    place = np.array([scan_ids.index(name) + 1 if name in scan_ids else 0 for name in names])
    numbers, probes = [], []
    for batch in open_case([path], settings).batches():
        if batch.raw is None:
            what = "packets read from a log are no frames that could be shared"
            raise SourceError(what, name=path, code=ExitCode.USAGE, remedy="name a capture")
        numbers.append(place[owner(batch)])
        probes.append(batch.take(numbers[-1] > 0))
    belonging = Belonging(join(probes).words)
    parts, scan_of, payloads = [], [], []
    for batch, mine in zip(open_case([path], settings).batches(), numbers, strict=False):
        rows = np.flatnonzero((mine > 0) | belonging.mine(batch.words))
        parts.append(batch.take(rows))
        scan_of.append(mine[rows])
        payloads += [_payload(batch, row) for row in rows.tolist()] if keeps_payloads else []
    chosen, whose = join(parts), np.concatenate(scan_of)
    order = np.argsort(chosen.ts_ns, kind="stable")
    kept = {place: payloads[row] for place, row in enumerate(order.tolist()) if payloads and payloads[row]}
    return chosen.take(order), whose[order], kept


def _payload(batch: PacketBatch, row: int) -> bytes:
    """Return the payload of a packet where all of it was captured in a frame without a tunnel."""
    from craftmark.export.frames import payload_of  # noqa: PLC0415 - as above

    return payload_of(batch, row)


def _harmless(payloads: Mapping[int, bytes], made: Anonymised, told: Sequence[bytes]) -> dict[int, bytes]:
    """Return payloads by the rows of the anonymised packets, without those that hold an own address."""
    return {
        place: payload
        for place, row in enumerate(made.came_from.tolist())
        if (payload := payloads.get(row)) and not any(text in payload for text in told)
    }


def _pcap(built: Built) -> bytes:
    stream = io.BytesIO()
    write_frames(stream, built.batch, name="the bundle")
    return stream.getvalue()


def _examined(capture: bytes, settings: Settings) -> Report:
    """Examine the bundle's capture as anybody would who gets it."""
    from craftmark.export.share.bundle import CAPTURE  # noqa: PLC0415 - as above

    with tempfile.TemporaryDirectory(prefix="craftmark-") as folder:
        path = Path(folder) / CAPTURE
        path.write_bytes(capture)
        found = pipeline.examine([path], replace(settings, format_name=None))
    inputs = tuple(replace(one, name=CAPTURE) for one in found.inputs)
    return replace(found, inputs=inputs)
