"""``craftmark sign``: draft a rule from a tool's captures, lint it, try it, and say what would make it stronger."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from craftmark.errors import ExitCode, SourceError
from craftmark.marks.wording import counted
from craftmark.packets.expressions import parse
from craftmark.render.escape import visible
from craftmark.render.layout import Page
from craftmark.report.concluding import Concluder
from craftmark.run.local import fold
from craftmark.scans.scans import find
from craftmark.sources.base import SourceOptions
from craftmark.sources.inputs import open_inputs
from craftmark.tools.draft import NAME, draft
from craftmark.tools.lint import lint
from craftmark.tools.load import load_rules, read_extra
from craftmark.tools.rule import KINDS
from craftmark.tools.stacks import stack_shapes
from craftmark.verbs.arguments import add_page_arguments, add_reading_arguments, folder
from craftmark.verbs.base import OptionError
from craftmark.verbs.case import chosen_scan, settings_of
from craftmark.verbs.files import write_file
from craftmark.verbs.screen import deliver, screen_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from craftmark.evidence.finished import Finished
    from craftmark.pipeline import Settings
    from craftmark.report.concluding import Concluded
    from craftmark.scans.scans import Findings
    from craftmark.tools.draft import Draft
    from craftmark.tools.rule import RuleSet
    from craftmark.verbs.screen import Screen

#: Probes from which what varies, and how, is well known.
MANY: Final = 1000


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the tool: where it was captured, and all that is concluded of its scan without the new rule."""

    name: str
    scan: str
    concluded: Concluded


@dataclass(frozen=True, slots=True)
class Trial:
    """A scan under the new rule: who was named before and who is now, and why it is not the new one."""

    name: str
    scan: str
    before: str | None
    after: str | None
    why: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument(
        "captures",
        metavar="CAPTURE",
        nargs="+",
        help="a capture of the tool, or CAPTURE:S1; several are runs",
    )
    parser.add_argument("--name", metavar="ID", required=True, help="the new rule's id, such as mytool")
    parser.add_argument("--kind", metavar="KIND", choices=KINDS, default="scanner", help=f"one of {', '.join(KINDS)}")
    parser.add_argument("-o", "--output", metavar="FILE", help="write the rule here; without it, to stdout")
    parser.add_argument(
        "--against",
        metavar="DIR",
        action="append",
        default=[],
        type=folder,
        help="captures that must stay other tools'",
    )
    add_page_arguments(parser)
    add_reading_arguments(parser)


def run(parsed: argparse.Namespace) -> int:
    """Draft the rule, try it, write it, and tell what it does."""
    screen, settings = screen_of(parsed), settings_of(parsed)
    known = load_rules(*map(Path, settings.rules))
    _check(parsed, known)
    runs = [_run(name, settings, known) for name in parsed.captures]
    citation = ", ".join(f"{visible(Path(one.name).name)} {one.scan}" for one in runs)
    parts = [list(zip(one.concluded.subject.parts, one.concluded.part_marks, strict=False)) for one in runs]
    is_stack = all(one.concluded.maker.kind == "stack" for one in runs)
    made = draft(parsed.name, parsed.kind, parts, f"captures {citation}", is_stack=is_stack)
    path = parsed.output or f"{parsed.name}.toml"
    rules = read_extra(known, {path: made.text})
    complaints = [str(one) for one in lint(rules) if one.path == path]
    own = [trial for one in parsed.captures for trial in _trials(one, settings, known, rules)]
    others = [trial for place in parsed.against for trial in _against(place, parsed.captures, settings, (known, rules))]
    page = _page(parsed.name, made, complaints, (own, others), list(_advice(made, runs, own)), screen)
    if parsed.output is None:
        deliver(made.text)
        sys.stderr.write("" if screen.quiet else page)
    else:
        write_file(parsed.output, made.text.encode())
        deliver(page)
    return ExitCode.EXAMINED


def _check(parsed: argparse.Namespace, known: RuleSet) -> None:
    if not NAME.fullmatch(parsed.name):
        raise OptionError(f"--name {visible(parsed.name)}: an id has lower-case letters, digits and . _ - (40 at most)")
    if parsed.name in known.by_id:
        raise OptionError(f"--name {parsed.name}: a rule is called that already; craftmark tools show {parsed.name}")
    if parsed.output is not None and not parsed.output.endswith(".toml"):
        raise OptionError(f"-o {visible(parsed.output)}: --rules reads files that end in .toml")


def _read(path: str, settings: Settings, rules: RuleSet) -> tuple[Finished, Findings]:
    case = open_inputs([path], options=SourceOptions(year=settings.year), format_name=settings.format_name)
    where = parse(settings.where, outer=True) if settings.where else None
    finished = fold(case.batches(), {text: parse(text) for text in rules.relations}, where=where).finish()
    return finished, find(finished, stack_shapes(rules))


def _run(name: str, settings: Settings, rules: RuleSet) -> Run:
    """Return the one scan of a capture, or the one chosen, as concluded without the new rule."""
    path, wanted = chosen_scan(name)
    finished, findings = _read(path, settings, rules)
    conclude = Concluder(finished, findings.ear, rules, None)
    ids = {f"S{place}": scan for place, scan in enumerate(findings.scans, 1)}
    ids |= {f"F{place}": flood for place, flood in enumerate(findings.floods, 1)}
    if wanted is None and len(ids) == 1:
        wanted = next(iter(ids))
    if wanted is None or wanted not in ids:
        told = f"say which scan, as {visible(path)}:{next(iter(ids))}" if ids else "no scan was found"
        raise OptionError(f"{visible(name)}: {told}")
    return Run(path, wanted, conclude(ids[wanted], wanted, is_flood=wanted.startswith("F")))


def _trials(name: str, settings: Settings, before: RuleSet, after: RuleSet) -> Iterator[Trial]:
    """Yield every scan of a capture, or the chosen one, with who is named without and with the new rule."""
    path, wanted = chosen_scan(name)
    finished, findings = _read(path, settings, after)
    new = next(rule.id for rule in after if rule.id not in before.by_id)
    for letter, found in (("S", findings.scans), ("F", findings.floods)):
        for place, scan in enumerate(found, 1):
            scan_id = f"{letter}{place}"
            if wanted in (None, scan_id):
                old, now = (
                    Concluder(finished, findings.ear, rules, None)(scan, scan_id, is_flood=letter == "F").maker
                    for rules in (before, after)
                )
                verdict = next(one for one in now.tools if one.tool == new)
                yield Trial(path, scan_id, old.tool, now.tool, verdict.reason or verdict.conclusion)


def _against(place: str, own: Sequence[str], settings: Settings, rules: tuple[RuleSet, RuleSet]) -> Iterator[Trial]:
    """Yield the scans of all captures of a folder but the tool's own; what cannot be read is passed over."""
    mine = {Path(chosen_scan(name)[0]).resolve() for name in own}
    for path in sorted(Path(place).rglob("*")):
        if path.is_file() and path.resolve() not in mine:
            try:
                yield from _trials(str(path), settings, *rules)
            except SourceError:
                continue


def _advice(made: Draft, runs: Sequence[Run], own: Sequence[Trial]) -> Iterator[str]:
    """Yield what would make the rule stronger, the most useful first."""
    mains = [one.concluded.subject.main for one in runs]
    for tool in sorted({one.concluded.maker.tool for one in runs} - {None}, key=str):
        yield f"{tool} in derives_from or confusable_with: its rule explains these probes already"
    if "headers = " in made.text:
        yield "something beside the headers: a system's own stack wrote these, so they tell nothing of the tool"
    if len(runs) == 1:
        yield "a second run, better on another day: what differs is drawn per run, what stays is the tool's"
    if len({party.address for main in mains for party in main.targets}) == 1:
        yield "another target: values that belong to the target cannot be told from constants"
    if (most := max(main.probes for main in mains)) < MANY:
        yield f"more probes, here are {most:,}: how fields vary is sure from {MANY:,} on"
    if made.unseen:
        yield f"a capture instead of a log: {', '.join(sorted(made.unseen))} cannot be seen here"
    if not any("initial_ttl" in line for line in made.text.splitlines()):
        yield "a capture beside the sender: it shows the TTL as it is sent"
    yield 'the source or the manual: say settable = "no" of what nobody can set, only that rules a tool out'
    if any(trial.after is None for trial in own):
        yield "other modes of the tool: marks that no other rule shares are too few here"


def _page(
    name: str,
    made: Draft,
    complaints: Sequence[str],
    trials: tuple[Sequence[Trial], Sequence[Trial]],
    advice: Sequence[str],
    screen: Screen,
) -> str:
    own, others = trials
    page = Page(width=screen.width, colour=screen.colour)
    named = sum(trial.after == name for trial in own)
    page.paragraph(f"{name}: {made.expectations} expectations; named in {named} of its {len(own)} scans.", style="bold")
    page.gap()
    for place, line in enumerate(complaints or ["nothing to complain of"]):
        page.row("" if place else "lint", line)
    for place, trial in enumerate(own):
        page.row("" if place else "own scans", _told(trial, name))
    wrong = [trial for trial in others if name == trial.after or trial.before != trial.after]
    if others:
        noun = counted(len(others), "scan")
        page.row("others", f"{noun} of other captures, {len(wrong):,} of them named otherwise with this rule")
    for trial in wrong:
        page.row("", _told(trial, name), style="warning")
    if made.left_out:
        page.row("left out", f"{', '.join(made.left_out)}: the runs differ")
    page.gap()
    for place, text in enumerate(advice):
        page.row("" if place else "stronger with", text)
    return page.text()


def _told(trial: Trial, name: str) -> str:
    where = f"{trial.name} {trial.scan}"
    if trial.after == name:
        return f"{where}: {name} ({trial.why}){f', was {trial.before}' if trial.before else ''}"
    was = f", was {trial.before or 'nobody'}" if trial.before != trial.after else ""
    return f"{where}: {trial.after or 'nobody'}{was}; {name}: {trial.why}"
