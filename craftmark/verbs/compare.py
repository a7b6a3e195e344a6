"""``craftmark compare A B``: how alike the code behind two scans is, by their markprints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from craftmark.assess.likeness import Likeness, compare
from craftmark.errors import ExitCode, ReportError
from craftmark.render.escape import visible
from craftmark.render.likeness import render_likeness, statement
from craftmark.report.codec import write_json
from craftmark.report.document import Markprint  # noqa: TC001 - the JSON is written by the types
from craftmark.sources.inputs import STDIN
from craftmark.verbs.arguments import CASE_HELP, add_page_arguments, add_reading_arguments
from craftmark.verbs.base import OptionError
from craftmark.verbs.case import load_finding, settings_of
from craftmark.verbs.screen import deliver, screen_of

if TYPE_CHECKING:
    import argparse

    from craftmark.verbs.case import Finding

SCHEMA = "craftmark.likeness/1"


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two scans compared."""

    case: str
    scan: str
    probes: int
    tool: str | None
    markprint: Markprint


@dataclass(frozen=True, slots=True)
class Compared:
    """The document that ``--json`` writes."""

    schema: str
    one: Side
    other: Side
    statement: str
    likeness: Likeness


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("one", metavar="A", help=f"{CASE_HELP}; A:S1 chooses a scan")
    parser.add_argument("other", metavar="B", help="the same, to compare it with")
    parser.add_argument("--json", action="store_true", help="the comparison as one JSON document")
    add_page_arguments(parser)
    add_reading_arguments(parser)


def run(parsed: argparse.Namespace) -> int:
    """Compare two scans and show how alike they are."""
    if parsed.one == parsed.other == STDIN:
        raise OptionError("standard input can be read only once: save one of the two to a file")
    screen, settings = screen_of(parsed), settings_of(parsed)
    one, other = load_finding(parsed.one, settings, screen), load_finding(parsed.other, settings, screen)
    try:
        likeness = compare(one.scan.markprint, other.scan.markprint)
    except ReportError as fault:
        raise OptionError(visible(str(fault))) from fault
    if parsed.json:
        sides = _side(parsed.one, one), _side(parsed.other, other)
        said = statement(likeness, one.scan, other.scan)
        deliver(write_json(Compared(SCHEMA, *sides, said, likeness), indent=2) + "\n")
    else:
        cases = (parsed.one, one.scan), (parsed.other, other.scan)
        deliver(render_likeness(likeness, cases, width=screen.width, colour=screen.colour))
    damaged = one.report.damaged or other.report.damaged
    return ExitCode.DAMAGED if damaged else ExitCode.EXAMINED


def _side(case: str, found: Finding) -> Side:
    scan = found.scan
    return Side(case=case, scan=scan.id, probes=scan.probes, tool=scan.maker.tool, markprint=scan.markprint)
