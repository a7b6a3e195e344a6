"""``craftmark export CASE --as FORMAT``: a scan's marks as a filter, a rule or a record of another program."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, cast

from craftmark.errors import ExitCode, ReportError
from craftmark.export.match import OF_A_RUN, Subject, match_of
from craftmark.marks.markprint import MIXED
from craftmark.render.escape import visible
from craftmark.sources.inputs import STDIN
from craftmark.tools.load import load_rules
from craftmark.verbs.arguments import CASE_HELP, add_page_arguments, add_reading_arguments
from craftmark.verbs.base import OptionError
from craftmark.verbs.case import chosen_scan, is_saved, load_finding, settings_of
from craftmark.verbs.count import Hits, count_hits
from craftmark.verbs.files import write_file
from craftmark.verbs.screen import deliver, screen_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from craftmark.export.match import Match
    from craftmark.pipeline import Settings
    from craftmark.report.document import Scan
    from craftmark.tools.rule import RuleSet


class Exporter(Protocol):
    """A module of ``export/``: its file's suffix, the fields and IP versions it can tell, and how it writes."""

    SUFFIX: str
    TELLS: frozenset[str]
    IP_VERSIONS: tuple[int, ...]

    def write(self, subject: Subject) -> str:
        """Return the file's text."""


#: Formats by name, each with its module; one that can tell relations has ``relation(text) -> str``.
FORMATS: Final = (
    "bpf",
    "csv",
    "iptables",
    "misp",
    "nftables",
    "snort",
    "stix",
    "suricata",
    "ticket",
    "wireshark",
    "zeek",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("case", metavar="CASE", help=CASE_HELP)
    parser.add_argument("--as", dest="form", metavar="FORMAT", choices=FORMATS, required=True, help=", ".join(FORMATS))
    parser.add_argument("--only", metavar="ID", help="the scan, as S1; CASE:S1 says the same")
    parser.add_argument("--with-run", action="store_true", help="also look for values that this run chose")
    parser.add_argument("-o", "--output", metavar="FILE", help="write it here; without it, to stdout")
    add_page_arguments(parser)
    add_reading_arguments(parser)


def run(parsed: argparse.Namespace) -> int:
    """Write the export."""
    name = f"{parsed.case}:{parsed.only}" if parsed.only else parsed.case
    settings, screen = settings_of(parsed), screen_of(parsed)
    found = load_finding(name, settings, screen)
    exporter = cast("Exporter", import_module(f"craftmark.export.{parsed.form}"))
    try:
        whole = match_of(found.scan, _own(found.scan, load_rules(*map(Path, settings.rules))), with_run=parsed.with_run)
    except ReportError as fault:
        raise OptionError(visible(str(fault))) from fault
    if whole.ip_version not in exporter.IP_VERSIONS:
        raise OptionError(
            f"--as {parsed.form}: {found.scan.id} is IPv{whole.ip_version}, which this format cannot tell"
        )
    if whole.protocol == MIXED and exporter.TELLS:
        raise OptionError(
            f"--as {parsed.form}: {found.scan.id} tries one protocol after the other, which no rule can tell"
        )
    relation: Callable[[str], str] | None = getattr(exporter, "relation", None)
    match = whole.only(exporter.TELLS, relation)
    notes = tuple(map(visible, _notes(match, _counted(name, settings, match), with_run=parsed.with_run)))
    text = exporter.write(Subject(found.report, found.scan, match, notes))
    if parsed.output is None:
        deliver(text)
    else:
        write_file(parsed.output, text.encode())
        deliver("".join(f"{note}\n" for note in notes))
    return ExitCode.DAMAGED if found.report.damaged else ExitCode.EXAMINED


def _own(scan: Scan, rules: RuleSet) -> frozenset[str]:
    """Return the fields whose values the identified tool's rule fixes, as seen here."""
    rule = rules.by_id.get(scan.maker.tool or "")
    constants = dict(part.split("=") for part in scan.markprint.values.partition(";")[0].split(",") if "=" in part)
    lines = [expected for mode in rule.modes for expected in mode.expects] if rule is not None else []
    return frozenset(
        one.field
        for one in lines
        if one.field in OF_A_RUN and constants.get(one.field) in {str(value) for value in one.values}
    )


def _counted(name: str, settings: Settings, match: Match) -> Hits | None:
    """Return how many packets the terms hold for; None for a saved report, which has no packets."""
    path, _ = chosen_scan(name)
    if path == STDIN or is_saved(path):
        return None
    return count_hits(path, settings, match.scan, [match.expression])[0]


def _notes(match: Match, hits: Hits | None, *, with_run: bool) -> list[str]:
    """Return what the rule matches and what it would miss."""
    notes = [f"{match.label}: matches {' and '.join(match.terms) or 'its protocol alone'}"]
    if hits is None:
        notes.append("not counted: a saved report holds no packets")
    else:
        notes.append(
            f"counted on the capture: {hits.probes:,} of {hits.of_probes:,} probes of {match.scan}, "
            f"{hits.others:,} of {hits.of_others:,} other packets"
        )
    if match.lacking:
        notes.append(f"broader than the marks, this format cannot tell: {', '.join(match.lacking)}")
    if with_run:
        notes.append("misses other runs: it also looks for values that this run chose")
    notes.append("does not look at addresses, target ports or TTL; misses the same code with other options or values")
    return notes
