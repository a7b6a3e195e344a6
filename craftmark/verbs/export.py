"""``craftmark export CASE --as FORMAT``: a scan's marks as a filter, a rule or a record of another program."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, cast

from craftmark.errors import ExitCode, ReportError
from craftmark.export.casetables import FORMS as TABLES_OF_A_CASE
from craftmark.export.match import NO_IP, OF_A_RUN, Subject, label_of, matches_of
from craftmark.marks.markprint import FEWEST, MIXED
from craftmark.render.escape import visible
from craftmark.sources.inputs import STDIN
from craftmark.tools.load import load_rules
from craftmark.verbs.arguments import CASE_HELP, add_page_arguments, add_reading_arguments
from craftmark.verbs.base import OptionError
from craftmark.verbs.case import Finding, chosen_scan, is_saved, load_finding, settings_of
from craftmark.verbs.count import Hits, count_all, count_hits
from craftmark.verbs.files import write_file
from craftmark.verbs.screen import deliver, screen_of
from craftmark.verbs.tables import write_tables

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Sequence

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
    "sigma",
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
    every = sorted((*FORMATS, *TABLES_OF_A_CASE))
    parser.add_argument("--as", dest="form", metavar="FORMAT", choices=every, required=True, help=", ".join(every))
    parser.add_argument("--only", metavar="ID", help="the scan, as S1; CASE:S1 says the same")
    parser.add_argument("--with-run", action="store_true", help="also look for values that this run chose")
    parser.add_argument("-o", "--output", metavar="FILE", help="write it here; without it, to stdout")
    parser.add_argument(
        "--against",
        metavar="CAPTURE",
        dest="quiet_capture",
        action="append",
        default=[],
        help="other traffic of yours: say how much of it is hit",
    )
    add_page_arguments(parser)
    add_reading_arguments(parser)


def run(parsed: argparse.Namespace) -> int:
    """Write the export."""
    name = f"{parsed.case}:{parsed.only}" if parsed.only else parsed.case
    settings, screen = settings_of(parsed), screen_of(parsed)
    if parsed.form in TABLES_OF_A_CASE:
        return write_tables(parsed.case, parsed.form, parsed.output, settings, screen)
    found = load_finding(name, settings, screen)
    text, notes = text_of(name, found, parsed.form, settings, with_run=parsed.with_run, against=parsed.quiet_capture)
    if parsed.output is None:
        deliver(text)
    else:
        write_file(parsed.output, text.encode())
        deliver("".join(f"{note}\n" for note in notes))
    return ExitCode.DAMAGED if found.report.damaged else ExitCode.EXAMINED


def text_of(
    name: str, found: Finding, form: str, settings: Settings, *, with_run: bool = False, against: Sequence[str] = ()
) -> tuple[str, tuple[str, ...]]:
    """Return a scan in one of ``FORMATS``, and what is to be said of it; name: the case, which may choose a scan.

    Raises OptionError where the format cannot tell such probes, and what reading the case again raises.
    """
    exporter = cast("Exporter", import_module(f"craftmark.export.{form}"))
    try:
        own = _own(found.scan, load_rules(*map(Path, settings.rules)))
        every = matches_of(found.scan, own, with_run=with_run)
    except ReportError as fault:
        raise OptionError(visible(str(fault))) from fault
    told = _told(every, exporter, form)
    notes = [*_notes(told, _counted(name, settings, told), with_run=with_run)]
    notes[-1:-1] = [*_left_out(every, told), *(_quiet(path, told) for path in against)]
    shown = tuple(map(visible, notes))
    return exporter.write(Subject(found.report, found.scan, label_of(found.scan), told, shown)), shown


def _told(every: Sequence[Match], exporter: Exporter, form: str) -> tuple[Match, ...]:
    """Return what a format can tell of each kind of probe; raises OptionError where it can tell none."""
    relation: Callable[[str, int], str] | None = getattr(exporter, "relation", None)
    if not exporter.TELLS:
        return tuple(every)
    scan = every[0].scan
    if every[0].protocol == MIXED:
        raise OptionError(f"--as {form}: {scan} tries one protocol after the other, which no rule can tell")
    told = [one for one in every if one.ip_version in exporter.IP_VERSIONS and one.protocol != MIXED]
    if told:
        return tuple(one.only(exporter.TELLS, relation) for one in told)
    layer = "ARP" if every[0].ip_version == NO_IP else f"IPv{every[0].ip_version}"
    raise OptionError(f"--as {form}: {scan} is {layer}, which this format cannot tell")


def _own(scan: Scan, rules: RuleSet) -> frozenset[tuple[str, int]]:
    """Return fields with the values that the identified tool's rule fixes for them, of those that a run may draw."""
    rule = rules.by_id.get(scan.maker.tool or "")
    lines = [expected for mode in rule.modes for expected in mode.expects] if rule is not None else []
    return frozenset((one.field, value) for one in lines if one.field in OF_A_RUN for value in one.values)


def _counted(name: str, settings: Settings, matches: Sequence[Match]) -> list[Hits] | None:
    """Return how many packets each match holds for, and any of them; None for a saved report, which has no packets."""
    path, _ = chosen_scan(name)
    if path == STDIN or is_saved(path):
        return None
    return count_hits(path, settings, matches[0].scan, [one.expression for one in matches])


def _notes(matches: Sequence[Match], hits: Sequence[Hits] | None, *, with_run: bool) -> Iterator[str]:
    """Yield what the rules match and what they would miss."""
    for number, match in enumerate(matches):
        yield f"{match.label}: matches {' and '.join(match.terms) or 'its protocol alone'}"
        if match.kind and hits is not None:
            yield f"{match.label}: {hits[number].probes:,} probes hit, {match.probes:,} are of this kind"
        if match.lacking:
            yield f"broader than the marks, this format cannot tell: {', '.join(match.lacking)}"
        if match.probes < FEWEST:
            yield f"known from {match.probes:,} probes only: more may show that a value here is not the code's"
    if hits is None:
        yield "not counted: a saved report holds no packets"
    else:
        yield (
            f"counted on the capture: {hits[-1].probes:,} of {hits[-1].of_probes:,} probes of {matches[0].scan}, "
            f"{hits[-1].others:,} of {hits[-1].of_others:,} other packets"
        )
    if with_run:
        yield "misses other runs: it also looks for values that this run chose"
    yield "does not look at addresses, target ports or TTL; misses the same code with other options or values"


def _left_out(every: Sequence[Match], told: Sequence[Match]) -> Iterator[str]:
    """Yield which kinds of probe a format cannot tell."""
    kept = {one.number for one in told}
    for one in every:
        if one.number not in kept:
            yield f"{one.label}: {one.probes:,} probes that this format cannot tell"


def _quiet(path: str, matches: Sequence[Match]) -> str:
    """Return how many packets of a capture of other traffic are hit."""
    hits, packets = count_all(path, [one.expression for one in matches])
    return f"counted on {Path(path).name}: {hits:,} of {packets:,} packets"
