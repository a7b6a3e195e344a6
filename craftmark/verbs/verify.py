"""``craftmark verify``: ask the claimed sources, as analysts do by hand, with the system's own programs.

The one verb that causes packets. It prints its plan first and does nothing more without ``--consent``; ``--dry-run`` is
the plan alone. What came back is kept with the case: claims beside what was asked and answered.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import PurePath
from typing import TYPE_CHECKING

from craftmark.checks.judge import attach, checked
from craftmark.checks.plan import Wanted, plan
from craftmark.checks.running import run_program, this_machine
from craftmark.errors import ExitCode
from craftmark.render.checks import render_outcome, render_plan
from craftmark.render.escape import visible
from craftmark.sources.inputs import STDIN
from craftmark.store.cases import Store
from craftmark.store.place import data_dir
from craftmark.verbs.arguments import CASE_HELP, add_page_arguments, add_reading_arguments
from craftmark.verbs.base import OptionError
from craftmark.verbs.case import chosen_scan, is_saved, kept_case, load, settings_of
from craftmark.verbs.files import write_file
from craftmark.verbs.screen import deliver, screen_of

if TYPE_CHECKING:
    from craftmark.checks.base import Kind, Runner
    from craftmark.checks.plan import Plan
    from craftmark.report.document import Report, Scan
    from craftmark.verbs.screen import Screen

#: Addresses asked in one go at most.
MOST_ADDRESSES = 64


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("case", metavar="CASE", help=CASE_HELP)
    parser.add_argument("--consent", action="store_true", help="send the packets of the plan")
    parser.add_argument("--dry-run", action="store_true", help="print the plan and send nothing")
    parser.add_argument("--most", metavar="N", type=addresses, default=4, help="addresses to ask at most; default: 4")
    parser.add_argument("--trace", action="store_true", help="also trace the way, one packet per router")
    parser.add_argument("--system", action="store_true", help="also ask nmap what system answers")
    parser.add_argument("--reserved", action="store_true", help="also ask reserved, private and own addresses")
    parser.add_argument("-o", "--output", metavar="FILE", help="save the case with the results here")
    add_reading_arguments(parser)
    add_page_arguments(parser)


def run(parsed: argparse.Namespace) -> int:
    """Print the plan and, with consent, run it and keep what came back."""
    return verify(parsed, run_program)


def verify(parsed: argparse.Namespace, runner: Runner) -> int:
    """Do the same with any runner of programs."""
    screen = screen_of(parsed)
    name, only = chosen_scan(parsed.case)
    report = load(name, settings_of(parsed), screen)
    scans = _chosen(report, only, parsed.case)
    made = plan(scans, _wanted(parsed, report), this_machine())
    target = _target(parsed.output, name)
    deliver(render_plan(made, target, width=screen.width, colour=screen.colour))
    if parsed.dry_run:
        return ExitCode.EXAMINED
    if not parsed.consent:
        raise OptionError("verify: nothing was sent; --consent sends this plan's packets, --dry-run only prints it")
    if not made.checks:
        raise OptionError("verify: there is nothing to ask; the plan says why")
    _ask(report, made, [scan.id for scan in scans], target, runner, screen)
    return ExitCode.DAMAGED if report.damaged else ExitCode.EXAMINED


def _ask(report: Report, made: Plan, scans: list[str], target: str, runner: Runner, screen: Screen) -> None:
    found = []
    for check in made.checks:
        if screen.shows_progress:
            sys.stderr.write(f"craftmark: {visible(' '.join(check.command))}\n")
        found.append(checked(check, runner(check.command)))
    attached = attach(report, found, scans)
    _keep(attached, target)
    claims = attached.claims[len(report.claims) :]
    deliver(render_outcome(found, claims, width=screen.width, colour=screen.colour))
    if not screen.quiet:
        sys.stderr.write(f"craftmark: kept in {visible(target)}\n")


def _chosen(report: Report, only: str | None, case: str) -> list[Scan]:
    found = [*report.scans, *report.floods]
    if only is not None:
        found = [scan for scan in found if scan.id == only]
    if not found:
        raise OptionError(f"{visible(case)}: no such scan in it, so nobody to ask")
    return found


def _wanted(parsed: argparse.Namespace, report: Report) -> Wanted:
    more: tuple[tuple[bool, Kind], ...] = ((parsed.trace, "trace"), (parsed.system, "system"))
    kinds: tuple[Kind, ...] = ("ping", "ack", *(kind for asked, kind in more if asked))
    own = tuple(dict.fromkeys((*report.conditions.own, *parsed.own)))
    return Wanted(kinds, parsed.most, parsed.reserved, own)


def _target(output: str | None, name: str) -> str:
    """Return where the case is kept: as asked, or where it came from; a capture's beside the capture."""
    if output is not None:
        return output
    if name == STDIN:
        raise OptionError("verify: say with -o where to save the case that comes from standard input")
    saved = is_saved(name) and PurePath(name).suffix == ".json"  # never in place of a compressed one
    return name if saved or kept_case(name) is not None else f"{name}.verified.json"


def _keep(report: Report, target: str) -> None:
    if kept_case(target) is None:
        write_file(target, report.to_json().encode("utf-8"))
        return
    store = Store(data_dir())
    told = next(one for one in store.cases() if one.id == target)
    store.keep(report, name=told.name, now_ns=told.kept_ns)


def addresses(text: str) -> int:
    """Return a number of addresses to ask."""
    if text.isascii() and text.isdigit() and 1 <= int(text) <= MOST_ADDRESSES:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!a} is not a number of addresses from 1 to {MOST_ADDRESSES}")
