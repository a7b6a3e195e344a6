"""The main job as one function: from bytes or log lines to the report, one name per step. Nothing turns back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from craftmark import __version__
from craftmark.assess.routes import read_routes
from craftmark.errors import ExitCode, SourceError
from craftmark.kernels._jit import expect
from craftmark.packets.expressions import parse
from craftmark.report import build
from craftmark.report.concluding import Concluder
from craftmark.report.document import SCHEMA, Conditions, Report, Traffic
from craftmark.report.excerpt import rows_each
from craftmark.run.cores import fold_on_cores, usable_cores
from craftmark.run.local import fold
from craftmark.scans.scans import find
from craftmark.sources.base import SourceOptions
from craftmark.sources.inputs import Case, open_inputs
from craftmark.tools.load import load_rules
from craftmark.tools.stacks import stack_shapes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from craftmark.evidence.fold import Evidence
    from craftmark.packets.expressions import Expression
    from craftmark.scans.scans import Findings

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
    paths: files with traced routes, to lay beside the distances.
    """

    year: int | None = None
    trust_clock: bool = False
    own: tuple[str, ...] = ()
    where: str | None = None
    rules: tuple[str, ...] = ()
    format_name: str | None = None
    cores: int | None = None
    paths: tuple[str, ...] = ()


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
    routes = tuple(route for file in settings.paths for route in read_routes(_text(file), name=file))
    rules = load_rules(*(Path(folder) for folder in settings.rules))
    relations = {text: parse(text) for text in rules.relations}
    case = _open(paths, settings)
    evidence = _fold(case, relations, settings, _watch(case, progress))
    finished = evidence.finish()
    findings = find(finished, stack_shapes(rules))
    clock = build.clock_of(case.describe())
    day = _day(findings, clock) if settings.trust_clock else None
    conclude = Concluder(finished, findings.ear, rules, day, settings.own, routes)
    scans = [conclude(scan, f"S{n}") for n, scan in enumerate(findings.scans[:SCANS_SHOWN], 1)]
    floods = [conclude(one, f"F{n}", is_flood=True) for n, one in enumerate(findings.floods[:FLOODS_SHOWN], 1)]
    tunnels = finished.evidence.tunnels.of()
    rows = rows_each(len(scans) + len(floods))
    return Report(
        schema=SCHEMA,
        craftmark=__version__,
        knowledge=rules.sha256,
        conditions=Conditions(
            settings.year, settings.trust_clock, tuple(settings.own), settings.where, None, tuple(settings.paths)
        ),
        inputs=tuple(build.build_input(one) for one in case.describe()),
        traffic=Traffic(**findings.traffic),
        scans=tuple(build.build_scan(found, clock, rules, rows=rows) for found in scans),
        scans_total=findings.scans_total,
        floods=tuple(build.build_scan(found, clock, rules, rows=rows) for found in floods),
        floods_total=findings.floods_total,
        campaigns=build.build_campaigns(scans, rules),
        claims=build.build_claims([*scans, *floods]),
        unseen=build.build_unseen(case.describe()),
        tunnels=build.build_tunnels(tunnels),
        tunnels_total=len(tunnels),
    )


def _fold(
    case: Case, relations: Mapping[str, Expression], settings: Settings, watch: Callable[[int], None] | None
) -> Evidence:
    """Fold the inputs on one core or on several, with the same result."""
    where = _where(settings)
    if case.size is None:
        return fold(case.batches(), relations, where=where, watch=watch)
    expect(case.size // _BYTES_A_PACKET)
    cores = settings.cores or (usable_cores() if case.size >= CORES_FROM else 1)
    if cores > 1:
        return fold_on_cores(case.pieces(), relations, cores, where=where, watch=watch)
    return fold(case.batches(), relations, where=where, ahead=settings.cores is None, watch=watch)


def _open(paths: Sequence[str | Path], settings: Settings) -> Case:
    options = SourceOptions(year=settings.year)
    return open_inputs([str(path) for path in paths], options=options, format_name=settings.format_name)


def _text(name: str) -> str:
    try:
        return Path(name).read_text(encoding="utf-8", errors="replace")
    except OSError as fault:
        raise SourceError(fault.strerror or "unreadable", name=name, code=ExitCode.NO_SUCH_INPUT) from fault


def _where(settings: Settings) -> Expression | None:
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
