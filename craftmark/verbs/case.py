"""A CASE on the command line: a capture or log, which is examined, a saved report, or a kept case's id.

A file comes before a case of that name; captures and reports are told apart by content.

A saved report is JSON whose first key is one of the report's, so a log of JSON lines is never taken for one; it may be
compressed. Where a verb works on one scan, ``NAME:S1`` chooses it.
"""

from __future__ import annotations

import re
import sys
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from craftmark import pipeline
from craftmark.errors import ExitCode, ReportError, SourceError
from craftmark.render.escape import visible
from craftmark.report.document import Report
from craftmark.sources.base import SNIFF_BYTES, SourceOptions
from craftmark.sources.compression import peel
from craftmark.sources.inputs import STDIN
from craftmark.store.cases import CASE_ID, Store
from craftmark.store.place import data_dir
from craftmark.verbs.base import OptionError
from craftmark.verbs.damage import warn_of_damage
from craftmark.verbs.progress import watched
from craftmark.verbs.screen import Screen

if TYPE_CHECKING:
    import argparse
    import io

    from craftmark.report.document import Scan

#: A report's lists are capped, so no report is larger; more would only fill the memory.
LARGEST_REPORT = 1 << 28

_KEYS: Final = "|".join(field.name for field in fields(Report))
_SAVED: Final = re.compile(rf'(?:\xef\xbb\xbf)?\s*\{{\s*"(?:{_KEYS})"\s*:'.encode("latin-1"))
_CHOSEN: Final = re.compile(r"(?P<name>.+):(?P<id>[SF][1-9][0-9]{0,8})", re.DOTALL)


class Finding(NamedTuple):
    """One scan or flood of a case."""

    report: Report
    scan: Scan


def settings_of(parsed: argparse.Namespace) -> pipeline.Settings:
    """Return how captures are examined, by the options of ``add_reading_arguments``."""
    return pipeline.Settings(
        year=parsed.year,
        trust_clock=parsed.trust_clock,
        own=tuple(parsed.own),
        where=parsed.where,
        rules=tuple(parsed.rules),
        format_name=parsed.format_name,
        cores=parsed.cores,
        paths=tuple(parsed.path),
        surveys=tuple(parsed.surveys),
    )


def load(name: str, settings: pipeline.Settings | None = None, screen: Screen | None = None) -> Report:
    """Return the report of a case: read back as it was saved or kept, or made by examining the capture or log.

    Progress and damage are told on stderr as the screen wants it. Raises SourceError, RuleError or ExpressionError.
    """
    settings, screen = settings or pipeline.Settings(), screen or Screen(quiet=True)
    saved = None if settings.format_name else _saved(name)
    if (report := kept_case(name)) is not None:
        pass
    elif saved is None:
        with watched(shown=screen.shows_progress) as progress:
            report = pipeline.examine([name], settings, progress=progress)
    else:
        report = _read_back(saved, name)
    if not screen.quiet:
        warn_of_damage(report)
    return report


def load_finding(name: str, settings: pipeline.Settings | None = None, screen: Screen | None = None) -> Finding:
    """Return one scan or flood: the one that ``NAME:S1`` names, or of a case alone the only one.

    Raises what ``load`` raises, and OptionError where the case has none of that name, none, or several.
    """
    path, chosen = chosen_scan(name)
    report = load(path, settings, screen)
    found = (*report.scans, *report.floods)
    ids = ", ".join(one.id for one in found[:12]) + (", ..." if len(found) > 12 else "")
    if chosen is not None:
        found = tuple(one for one in found if one.id == chosen)
        if not found:
            raise OptionError(f"{visible(name)}: no scan or flood is called that; there is {ids or 'none'}")
    if not found:
        raise OptionError(f"{visible(name)}: no scan was found")
    if len(found) > 1:
        raise OptionError(f"{visible(name)}: say which scan, as {visible(name)}:{found[0].id} (there are {ids})")
    return Finding(report, found[0])


def chosen_scan(name: str) -> tuple[str, str | None]:
    """Return the path of ``NAME:S1`` and the scan it chooses; None where the name chooses none, or is a file's."""
    chosen = None if name == STDIN or Path(name).exists() else _CHOSEN.fullmatch(name)
    return (chosen["name"], chosen["id"]) if chosen else (name, None)


def kept_case(name: str) -> Report | None:
    """Return the report of the kept case with this id; None where there is none, or a file is called so."""
    if not CASE_ID.fullmatch(name) or Path(name).exists():
        return None
    return Store(data_dir()).load(name)


def is_saved(name: str) -> bool:
    """Tell whether a case is a saved report in a file."""
    return name != STDIN and _saved(name) is not None


def _saved(name: str) -> bytes | None:
    """Return the text of a saved report, None if it is something else; what cannot be read is left to the pipeline."""
    if name == STDIN:
        stream: io.BufferedReader | None = getattr(sys.stdin, "buffer", None)
        return _text(stream, name) if stream is not None and _is_report(stream) else None
    path = Path(name)
    try:
        if not path.is_file():
            return None
        outer = path.open("rb")
    except (OSError, ValueError):
        return None
    with outer:
        stream, _ = peel(outer, name=name, max_expansion=SourceOptions().max_expansion)
        return _text(stream, name) if _is_report(stream) else None


def _is_report(stream: io.BufferedReader) -> bool:
    return _SAVED.match(stream.peek(SNIFF_BYTES)) is not None


def _text(stream: io.BufferedReader, name: str) -> bytes:
    text = stream.read(LARGEST_REPORT + 1)
    if len(text) > LARGEST_REPORT:
        raise SourceError("is larger than any report can be", name=name, code=ExitCode.UNREADABLE)
    return text


def _read_back(text: bytes, name: str) -> Report:
    try:
        return Report.from_json(text)
    except ReportError as fault:
        remedy = "reports are saved with --json; examine the capture again"
        raise SourceError(
            f"no report that can be read: {fault}", name=name, code=ExitCode.UNREADABLE, remedy=remedy
        ) from fault
