"""``craftmark cluster``: one case in tasks that any number of processes share, with an engine or with none."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from craftmark.errors import ExitCode
from craftmark.render.escape import visible
from craftmark.verbs.arguments import add_page_arguments, add_reading_arguments
from craftmark.verbs.case import settings_of
from craftmark.verbs.screen import deliver, screen_of

if TYPE_CHECKING:
    from craftmark.cluster.plan import Plan

_MOST_MERGED = 1000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    steps = parser.add_subparsers(dest="step", metavar="STEP", required=True)
    plan = steps.add_parser("plan", help="look at the inputs and write what is to be done")
    run = steps.add_parser("run", help="plan, and run all tasks: here, or on a Dask cluster")
    for step in (plan, run):
        step.add_argument("paths", nargs="+", metavar="CAPTURE", help="captures and logs that every worker can open")
        step.add_argument("-o", "--output", metavar="DIR", required=True, help="folder of the exchange, shared by all")
        step.add_argument("--merged", metavar="N", type=_merged, default=8, help="outputs that a reduce task merges")
        add_reading_arguments(step)
    run.add_argument("--cluster", metavar="ADDRESS", help="a Dask scheduler, as tcp://host:8786")
    for name, said in (("map", "fold one input"), ("reduce", "merge the outputs of some map tasks")):
        step = steps.add_parser(name, help=said)
        step.add_argument("folder", metavar="DIR")
        step.add_argument("--task", metavar="N", type=_number, required=True, help="its number, from 0")
    commit = steps.add_parser("commit", help="merge what is left, conclude, write report.json and manifest.json")
    commit.add_argument("folder", metavar="DIR")
    for step in steps.choices.values():
        add_page_arguments(step)


def run(parsed: argparse.Namespace) -> int:
    """Do one step."""
    from craftmark.cluster.plan import read_plan  # noqa: PLC0415 - after the options are known to be right

    if parsed.step in ("plan", "run"):
        return _plan(parsed)
    folder = Path(parsed.folder)
    plan = read_plan(folder)
    return _commit(plan, folder, parsed) if parsed.step == "commit" else _task(plan, folder, parsed)


def _plan(parsed: argparse.Namespace) -> int:
    from craftmark.cluster.plan import PLAN, plan_of, plan_text  # noqa: PLC0415 - as above
    from craftmark.verbs.files import write_file  # noqa: PLC0415 - as above

    folder = Path(parsed.output)
    plan = plan_of(parsed.paths, settings_of(parsed), merged=parsed.merged)
    folder.mkdir(parents=True, exist_ok=True)
    write_file(str(folder / PLAN), plan_text(plan).encode())
    if parsed.step == "run":
        return _run(plan, folder, parsed)
    deliver(f"{plan.maps:,} map tasks, {plan.reduces:,} reduce tasks: {visible(str(folder / PLAN))}\n")
    return ExitCode.EXAMINED


def _run(plan: Plan, folder: Path, parsed: argparse.Namespace) -> int:
    from craftmark.cluster.engine import run_here, run_on_dask  # noqa: PLC0415 - as above

    screen = screen_of(parsed)

    def told(kind: str, done: int, total: int) -> None:
        if screen.shows_progress:
            sys.stderr.write(f"\r{kind} {done:,} of {total:,}" + ("\n" if done == total else ""))

    if parsed.cluster is None:
        run_here(folder, told)
    else:
        run_on_dask(folder, parsed.cluster, told)
    return _commit(plan, folder, parsed)


def _task(plan: Plan, folder: Path, parsed: argparse.Namespace) -> int:
    from craftmark.cluster.tasks import map_input, reduce_some  # noqa: PLC0415 - as above
    from craftmark.verbs.base import OptionError  # noqa: PLC0415 - as above

    total, task = (plan.maps, map_input) if parsed.step == "map" else (plan.reduces, reduce_some)
    if parsed.task >= total:
        raise OptionError(f"--task {parsed.task}: the plan has {total:,} {parsed.step} tasks, from 0")
    did = task(plan, folder, parsed.task)
    deliver(f"{parsed.step} {parsed.task}: {'done' if did else 'was done already'}\n")
    return ExitCode.EXAMINED


def _commit(plan: Plan, folder: Path, parsed: argparse.Namespace) -> int:
    from craftmark.cluster.tasks import commit  # noqa: PLC0415 - as above
    from craftmark.render.text import render_text  # noqa: PLC0415 - as above
    from craftmark.verbs.damage import warn_of_damage  # noqa: PLC0415 - as above

    screen = screen_of(parsed)
    report = commit(plan, folder)
    deliver(render_text(report, width=screen.width, colour=screen.colour))
    if not screen.quiet:
        warn_of_damage(report)
    return ExitCode.DAMAGED if report.damaged else ExitCode.EXAMINED


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        msg = f"{text!a} is not the number of a task"
        raise argparse.ArgumentTypeError(msg)
    return int(text)


def _merged(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= _MOST_MERGED):
        msg = f"{text!a} is not a number from 1 to {_MOST_MERGED}"
        raise argparse.ArgumentTypeError(msg)
    return int(text)
