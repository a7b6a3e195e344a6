"""A study as one function: captures in, cases one after another, tables out."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, NamedTuple

from craftmark import pipeline
from craftmark.run.days import NO_DAY, fold_days, fold_inputs
from craftmark.study.case import studied
from craftmark.study.tables import tables_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from craftmark.run.days import Portion
    from craftmark.sources.base import Provenance
    from craftmark.sources.inputs import Case
    from craftmark.study.base import Asked, Table
    from craftmark.study.case import StudiedCase

_EPOCH = date(1970, 1, 1).toordinal()


class Study(NamedTuple):
    """A finished study. knowledge: hash of the rules."""

    cases: tuple[StudiedCase, ...]
    inputs: tuple[Provenance, ...]
    tables: dict[str, Table]
    knowledge: str

    @property
    def damaged(self) -> bool:
        """Whether an input was damaged or could not be examined."""
        return any(one.damage_total for one in self.inputs)


def study(
    paths: Sequence[str], settings: pipeline.Settings, asked: Asked, *, progress: pipeline.Progress | None = None
) -> Study:
    """Examine captures and logs case by case; raises what ``pipeline.examine`` raises."""
    grounds = pipeline.grounds_of(settings)
    case = pipeline.open_case(sorted(paths), settings)
    found: list[StudiedCase] = []
    scans = 0
    fold = fold_days if asked.by == "day" else fold_inputs

    def watch(packets: int) -> None:
        if progress is not None:
            progress(packets, fraction=case.fraction, scans=scans)

    watcher: Callable[[int], None] = watch
    for portion in fold(case, grounds.relations, where=pipeline.where_of(settings), watch=watcher):
        inputs = _inputs_of(portion, case, asked)
        judged = pipeline.judge(portion.evidence, inputs, grounds, settings, most=asked.most)
        found.append(studied(_name(portion, inputs, asked), judged, grounds))
        scans += found[-1].scans_total
    described = tuple(case.describe())
    return Study(tuple(found), described, tables_of(found, described, asked), grounds.rules.sha256)


def _inputs_of(portion: Portion, case: Case, asked: Asked) -> list[Provenance]:
    """Return the inputs whose clock tells the times of a portion."""
    if asked.by == "input":
        return [case.inputs[portion.key - 1].describe()]
    dated = portion.key < NO_DAY
    return [one.describe() for one in case.inputs if (one.describe().clock == "epoch") == dated]


def _name(portion: Portion, inputs: Sequence[Provenance], asked: Asked) -> str:
    if asked.by == "input":
        return inputs[0].name
    if portion.key >= NO_DAY:
        return "no date"
    try:
        return date.fromordinal(_EPOCH + portion.key).isoformat()
    except (ValueError, OverflowError):
        return datetime.fromtimestamp(0, UTC).date().isoformat()
