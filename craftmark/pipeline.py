"""The main job as one function: from bytes or log lines to the report, one name per step. Nothing turns back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from craftmark import __version__
from craftmark.assess.routes import read_routes
from craftmark.assess.surveys import read_surveys
from craftmark.errors import ExitCode, SourceError
from craftmark.kernels._jit import expect
from craftmark.packets.expressions import parse
from craftmark.report import build
from craftmark.report.concluding import Concluder
from craftmark.report.document import SCHEMA, Report
from craftmark.report.examined import Conditions, Traffic
from craftmark.report.excerpt import rows_each
from craftmark.run.cores import fold_on_cores, usable_cores
from craftmark.run.local import fold
from craftmark.run.spread import spread
from craftmark.scans.scans import find
from craftmark.sources.base import SourceOptions
from craftmark.sources.inputs import Case, open_inputs
from craftmark.tools.load import load_rules
from craftmark.tools.stacks import stack_shapes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from craftmark.assess.routes import Route
    from craftmark.assess.surveys import Surveys
    from craftmark.evidence.finished import Finished
    from craftmark.evidence.fold import Evidence
    from craftmark.packets.expressions import Expression
    from craftmark.report.concluding import Concluded
    from craftmark.scans.scans import Findings, Scan
    from craftmark.sources.base import Provenance
    from craftmark.tools.rule import RuleSet

#: Scans and floods that a report describes, the largest first; totals count all.
SCANS_SHOWN = 100
FLOODS_SHOWN = 20

#: Bytes of inputs from which all cores are used: below, a second one takes longer to start than it saves.
CORES_FROM = 1 << 25
#: Bytes of a packet in a capture, to expect rather too few packets of scans and floods than too many.
_BYTES_A_PACKET = 200


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user may choose. Defaults: no year, clocks not trusted as evidence, no own networks, all packets.

    year: for logs without one. trust_clock: let dates count as evidence. own: the user's own networks. where: selects
    packets. rules: folders of rules that add to or replace the built-in ones. format_name: overrides recognition.
    cores: how many to use, the result is the same (None: all of them for large inputs).
    paths: files with traced routes, to lay beside the distances. surveys: files that list networks of surveys.
    """

    year: int | None = None
    trust_clock: bool = False
    own: tuple[str, ...] = ()
    where: str | None = None
    rules: tuple[str, ...] = ()
    format_name: str | None = None
    cores: int | None = None
    paths: tuple[str, ...] = ()
    surveys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Grounds:
    """What evidence is gathered for and judged by: rules, the relations they name, traced routes, known surveys."""

    rules: RuleSet
    relations: Mapping[str, Expression]
    routes: tuple[Route, ...]
    surveys: tuple[Surveys, ...] = ()

    @property
    def listed(self) -> tuple[tuple[Route, ...], tuple[Surveys, ...]]:
        """What the user's own files tell of addresses."""
        return self.routes, self.surveys


class Found(NamedTuple):
    """Evidence after the floor of scans: the strands, what was found in them, and the inputs they are from."""

    finished: Finished
    findings: Findings
    inputs: tuple[Provenance, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """Evidence after all floors: the strands, what was found in them, and all conclusions about the largest."""

    finished: Finished
    findings: Findings
    inputs: tuple[Provenance, ...]
    clock: build.Clock
    scans: tuple[Concluded, ...]
    floods: tuple[Concluded, ...]


class Progress(Protocol):
    """Told what is done so far."""

    def __call__(self, packets: int, *, fraction: float | None = None, scans: int | None = None) -> None:
        """Tell packets read, the share of the inputs read, and scans found, each None where unknown."""


def examine(
    paths: Sequence[str | Path] | str | Path, settings: Settings | None = None, *, progress: Progress | None = None
) -> Report:
    """Examine captures and logs, or one alone, as one case and return the report.

    Raises SourceError when no input can be examined, RuleError for wrong rules, ExpressionError for a wrong ``where``.
    """
    settings = settings or Settings()
    paths = [paths] if isinstance(paths, str | Path) else list(paths)
    grounds = grounds_of(settings)
    case = open_case(paths, settings)
    evidence = _fold(case, grounds.relations, settings, _watch(case, progress))
    return report_of(judge(evidence, case.describe(), grounds, settings), grounds, settings)


def grounds_of(settings: Settings) -> Grounds:
    """Return what evidence is gathered for and judged by; raises RuleError, or SourceError for a missing file."""
    routes = tuple(route for file in settings.paths for route in read_routes(_text(file), name=file))
    rules = load_rules(*(Path(folder) for folder in settings.rules))
    surveys = tuple(read_surveys(_text(file), name=file) for file in settings.surveys)
    return Grounds(rules, {text: parse(text) for text in rules.relations}, routes, surveys)


def judge(
    evidence: Evidence, inputs: Sequence[Provenance], grounds: Grounds, settings: Settings, *, most: int = SCANS_SHOWN
) -> Judged:
    """Return the scans and floods in a body of evidence, the ``most`` largest scans with all that is concluded."""
    found = find_in(evidence, inputs, grounds)
    scans, floods = found.findings.scans[:most], found.findings.floods[:FLOODS_SHOWN]
    return conclude(found, grounds, settings, scans, floods)


def find_in(evidence: Evidence, inputs: Sequence[Provenance], grounds: Grounds) -> Found:
    """Return the scans and floods in a body of evidence, which more may be folded into afterwards."""
    finished = evidence.finish()
    return Found(finished, find(finished, stack_shapes(grounds.rules)), tuple(inputs))


def conclude(
    found: Found,
    grounds: Grounds,
    settings: Settings,
    scans: Sequence[Scan],
    floods: Sequence[Scan],
    *,
    behind: tuple[int, int] = (0, 0),
) -> Judged:
    """Return some of the scans and floods found with all that is concluded, numbered behind those already told."""
    clock = build.clock_of(found.inputs)
    day = _day(found.findings, clock) if settings.trust_clock else None
    concluder = Concluder(found.finished, found.findings.ear, grounds.rules, day, settings.own, grounds.listed)
    named = [
        *((scan, f"S{n}") for n, scan in enumerate(scans, behind[0] + 1)),
        *((one, f"F{n}") for n, one in enumerate(floods, behind[1] + 1)),
    ]
    cores = settings.cores or usable_cores()
    concluded = spread(lambda one: concluder(*one, is_flood=one[1].startswith("F")), named, cores)
    return Judged(*found, clock, tuple(concluded[: len(scans)]), tuple(concluded[len(scans) :]))


def report_of(judged: Judged, grounds: Grounds, settings: Settings) -> Report:
    """Return the report of what was judged."""
    findings, rules, inputs = judged.findings, grounds.rules, judged.inputs
    tunnels = judged.finished.evidence.tunnels.of()
    rows = rows_each(len(judged.scans) + len(judged.floods))
    return Report(
        schema=SCHEMA,
        craftmark=__version__,
        knowledge=rules.sha256,
        conditions=Conditions(
            settings.year,
            settings.trust_clock,
            tuple(settings.own),
            settings.where,
            None,
            tuple(settings.paths),
            tuple(settings.surveys),
        ),
        inputs=tuple(build.build_input(one) for one in inputs),
        traffic=Traffic(**findings.traffic),
        scans=tuple(build.build_scan(found, judged.clock, rules, rows=rows) for found in judged.scans),
        scans_total=findings.scans_total,
        floods=tuple(build.build_scan(found, judged.clock, rules, rows=rows) for found in judged.floods),
        floods_total=findings.floods_total,
        campaigns=build.build_campaigns(judged.scans, rules),
        claims=build.build_claims([*judged.scans, *judged.floods]),
        unseen=build.build_unseen(inputs),
        tunnels=build.build_tunnels(tunnels),
        tunnels_total=len(tunnels),
    )


def _fold(
    case: Case, relations: Mapping[str, Expression], settings: Settings, watch: Callable[[int], None] | None
) -> Evidence:
    """Fold the inputs on one core or on several, with the same result."""
    where = where_of(settings)
    if case.size is None:
        return fold(case.batches(), relations, where=where, watch=watch)
    expect(case.size // _BYTES_A_PACKET)
    cores = settings.cores or (usable_cores() if case.size >= CORES_FROM else 1)
    if cores > 1:
        return fold_on_cores(case.pieces(), relations, cores, where=where, watch=watch)
    return fold(case.batches(), relations, where=where, ahead=settings.cores is None, watch=watch)


def open_case(paths: Sequence[str | Path], settings: Settings) -> Case:
    """Open inputs as one case; raises SourceError when none can be examined."""
    options = SourceOptions(year=settings.year)
    return open_inputs([str(path) for path in paths], options=options, format_name=settings.format_name)


def _text(name: str) -> str:
    try:
        return Path(name).read_text(encoding="utf-8", errors="replace")
    except OSError as fault:
        raise SourceError(fault.strerror or "unreadable", name=name, code=ExitCode.NO_SUCH_INPUT) from fault


def where_of(settings: Settings) -> Expression | None:
    """Return what selects packets, None for all; raises ExpressionError."""
    return parse(settings.where, outer=True) if settings.where else None


def _watch(case: Case, progress: Progress | None) -> Callable[[int], None] | None:
    if progress is None:
        return None
    return lambda packets: progress(packets, fraction=case.fraction)


def _day(findings: Findings, clock: build.Clock) -> int | None:
    """Return the day of the last probe as yyyymmdd, None where the clock tells no date."""
    found = (*findings.scans, *findings.floods)
    if clock.kind != "epoch" or not found:
        return None
    moment = datetime.fromtimestamp(max(scan.last_ns for scan in found) / 1e9, UTC)
    return moment.year * 10_000 + moment.month * 100 + moment.day
