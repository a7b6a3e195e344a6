"""``craftmark examine``, the main job: examine captures and logs, show the report, tell the exit code."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from craftmark import pipeline
from craftmark.errors import ExitCode
from craftmark.render.escape import visible
from craftmark.render.json import render_json, render_jsonl
from craftmark.render.text import knows_tool, render_text, render_why
from craftmark.verbs.base import OptionError
from craftmark.verbs.damage import warn_of_damage
from craftmark.verbs.extract import extract
from craftmark.verbs.fail_on import found
from craftmark.verbs.progress import watched
from craftmark.verbs.screen import Screen, deliver

if TYPE_CHECKING:
    from craftmark.report.document import Report, Scan

Output = Literal["text", "json", "jsonl"]


@dataclass(frozen=True, slots=True)
class ExamineOptions:
    """What the user asked for: how to examine, what to show of it, and where. ``write_to`` gets one scan's packets."""

    paths: tuple[str, ...]
    settings: pipeline.Settings = field(default_factory=pipeline.Settings)
    screen: Screen = field(default_factory=Screen)
    output: Output = "text"
    verbosity: int = 0
    why: str | None = None
    only: str | None = None
    write_to: str | None = None
    fail_on: str | None = None
    keeps: bool = False


def examine_command(options: ExamineOptions) -> int:
    """Examine, write the result to stdout, and return the exit code.

    Raises SourceError, RuleError or ExpressionError from the pipeline, and OptionError.
    """
    with watched(shown=options.screen.shows_progress) as progress:
        report = pipeline.examine(options.paths, options.settings, progress=progress)
    shown = select(report, options.only)
    result = _render(shown, options)
    if options.write_to is not None:
        _write_packets(shown, options)
    deliver(result)
    if options.keeps:
        _keep(report, options)
    if not options.screen.quiet:
        warn_of_damage(report)
    return exit_code(report, shown, options.fail_on)


def select(report: Report, only: str | None) -> Report:
    """Return the report cut to one scan or flood; raises OptionError where none has that id."""
    if only is None:
        return report
    scans = tuple(scan for scan in report.scans if scan.id == only)
    floods = tuple(flood for flood in report.floods if flood.id == only)
    if not scans and not floods:
        raise OptionError(f"--only {visible(only)}: {_known_ids(report)}")
    return replace(
        report,
        conditions=replace(report.conditions, only=only),
        scans=scans,
        scans_total=len(scans),
        floods=floods,
        floods_total=len(floods),
        campaigns=tuple(one for one in report.campaigns if only in one.scans),
        claims=tuple(claim for claim in report.claims if claim.about == only),
    )


def exit_code(report: Report, shown: Report, fail_on: str | None) -> ExitCode:
    """Return the code to end with: what was asked for with --fail-on comes before damage."""
    if fail_on is not None and found(shown, fail_on):
        return ExitCode.FOUND
    return ExitCode.DAMAGED if report.damaged else ExitCode.EXAMINED


def _known_ids(report: Report) -> str:
    ids = [one.id for one in (*report.scans, *report.floods)]
    if not ids:
        return "no scan was found"
    shown = ", ".join(ids[:12])
    return f"no scan or flood is called that; there {'is' if len(ids) == 1 else 'are'} {shown}" + (
        f" and {len(ids) - 12:,} more" if len(ids) > 12 else ""
    )


def _render(report: Report, options: ExamineOptions) -> str:
    if options.why is not None:
        if not knows_tool(report, options.why):
            raise OptionError(" ".join(render_why(report, options.why).split()))
        return render_why(report, options.why, width=options.screen.width, colour=options.screen.colour)
    if options.output == "json":
        return render_json(report)
    if options.output == "jsonl":
        return render_jsonl(report)
    return render_text(report, verbosity=options.verbosity, width=options.screen.width, colour=options.screen.colour)


def _keep(report: Report, options: ExamineOptions) -> None:
    """Keep the case among those that ``craftmark seen`` and the page know; raises SourceError where that cannot be."""
    from craftmark.store.cases import Store  # noqa: PLC0415 - SQLite is not needed otherwise
    from craftmark.store.place import data_dir  # noqa: PLC0415 - the same

    case = Store(data_dir()).keep(report, name=", ".join(one.name for one in report.inputs), now_ns=time.time_ns())
    if not options.screen.quiet:
        sys.stderr.write(f"craftmark: kept as case {case}\n")


def _write_packets(report: Report, options: ExamineOptions) -> None:
    """Write the packets of the one scan shown as a pcap."""
    finding = _the_one(report)
    target = Path(options.write_to or "")
    for path in options.paths:
        if path != "-" and target.exists() and Path(path).exists() and target.samefile(path):
            raise OptionError(f"-w {visible(str(target))}: that is an input; choose another file")
    written = extract(options.paths, options.settings, finding.id, target)
    if not options.screen.quiet:
        noun = "packet" if written == 1 else "packets"
        sys.stderr.write(f"craftmark: {written:,} {noun} of {finding.id} written to {visible(str(target))}\n")


def _the_one(report: Report) -> Scan:
    findings = (*report.scans, *report.floods)
    if not findings:
        raise OptionError("-w: no scan was found, nothing is written")
    if len(findings) > 1:
        raise OptionError(f"-w writes one scan: say which with --only ({_known_ids(report).partition('; ')[2]})")
    return findings[0]
