"""The three kinds of task: map folds one input, reduce merges some outputs, commit merges the rest and concludes.

Evidence is a commutative monoid, so the report is byte for byte that of one process. Finding scans needs all strands
together (an answer may belong to a probe of any input), so the commit holds the merged evidence of the whole case.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from craftmark.cluster.exchange import SUFFIX, Gathered, is_whole, octets_of, read
from craftmark.errors import ExitCode, SourceError
from craftmark.evidence.fold import Evidence
from craftmark.pipeline import grounds_of, judge, open_case, report_of, where_of
from craftmark.run.local import fold
from craftmark.sources.inputs import refusal
from craftmark.verbs.files import write_file

if TYPE_CHECKING:
    from pathlib import Path

    from craftmark.cluster.plan import Plan, Planned
    from craftmark.pipeline import Grounds
    from craftmark.report.document import Report

#: What the commit leaves: the report, and what it was made from.
REPORT: Final = "report.json"
MANIFEST: Final = "manifest.json"


def map_input(plan: Plan, folder: Path, number: int) -> bool:
    """Fold one input into its exchange file; tell whether there was anything to do."""
    path = folder / (plan.map_name(number) + SUFFIX)
    if is_whole(path):
        return False
    write_file(str(path), octets_of(_folded(plan, plan.inputs[number])))
    return True


def reduce_some(plan: Plan, folder: Path, number: int) -> bool:
    """Merge the outputs of some map tasks into one; tell whether there was anything to do."""
    path = folder / (plan.reduce_name(number) + SUFFIX)
    if is_whole(path):
        return False
    names = [plan.map_name(one) for one in plan.of_reduce(number)]
    write_file(str(path), octets_of(_merged(names, folder, grounds_of(plan.settings))))
    return True


def commit(plan: Plan, folder: Path) -> Report:
    """Merge what the reduce tasks left, check that nothing is missing, conclude, and write report and manifest."""
    grounds = grounds_of(plan.settings)
    names = [plan.reduce_name(number) for number in range(plan.reduces)]
    whole = _merged(names, folder, grounds)
    _check(plan, folder, whole)
    inputs = (*whole.inputs, *plan.refused, *whole.refused)
    report = report_of(judge(whole.evidence, inputs, grounds, plan.settings), grounds, plan.settings)
    write_file(str(folder / REPORT), report.to_json().encode())
    manifest = {
        "outputs": sorted(name + SUFFIX for name in names),
        "inputs": {one.name: one.packets for one in inputs},
        "packets": sum(one.packets for one in inputs),
        "report": REPORT,
    }
    write_file(str(folder / MANIFEST), (json.dumps(manifest, indent=1, sort_keys=True) + "\n").encode())
    return report


def _folded(plan: Plan, planned: Planned) -> Gathered:
    """Fold one input under the number it has in the case; one that turns out to be unusable is refused."""
    settings = plan.settings
    relations = grounds_of(settings).relations
    case = open_case([planned.path], settings)
    one = case.inputs[0]
    if one.size != planned.bytes:
        one.close()
        raise SourceError(
            f"has {one.size:,} bytes, and had {planned.bytes:,} when it was planned", name=planned.path,
            code=ExitCode.UNREADABLE, remedy="plan again",
        )  # fmt: skip
    one.number = planned.number
    one.notes.extend(planned.notes)
    try:
        evidence = fold(case.batches(), relations, where=where_of(settings), ahead=True)
    except SourceError as error:
        return Gathered(Evidence(relations), (), (refusal(planned.name, error),))
    one.describe().name = planned.name
    return Gathered(evidence, (one.describe(),))


def _merged(names: list[str], folder: Path, grounds: Grounds) -> Gathered:
    whole = Gathered(Evidence(grounds.relations), ())
    for name in names:
        part = read(folder / (name + SUFFIX), grounds.relations)
        whole.evidence.merge(part.evidence)
        whole = Gathered(whole.evidence, (*whole.inputs, *part.inputs), (*whole.refused, *part.refused))
    return whole


def _check(plan: Plan, folder: Path, whole: Gathered) -> None:
    """Hold what was merged to what was planned and decoded: every input once, every packet once."""
    told = sorted(one.name for one in (*whole.inputs, *whole.refused))
    if told != sorted(one.name for one in plan.inputs):
        raise SourceError("its outputs are not those of the plan", name=str(folder), code=ExitCode.UNREADABLE)
    decoded = sum(one.packets for one in whole.inputs)
    if plan.settings.where is None and whole.evidence.packets != decoded:
        what = f"{whole.evidence.packets:,} packets were merged, {decoded:,} decoded"
        raise SourceError(what, name=str(folder), code=ExitCode.UNREADABLE, remedy="remove the outputs and run again")
    if not whole.inputs:
        raise SourceError("holds no input that can be examined", name=str(folder), code=ExitCode.NO_PACKETS)
