"""The Time to Live on arrival: one value, one per source, a path walked hop by hop, or drawn at random from a range."""

from __future__ import annotations

from math import log10
from typing import TYPE_CHECKING, Final

import numpy as np

from craftmark.marks.base import Level, Toolmark
from craftmark.marks.chance import STATED_AT, log10_factorial, unevenness
from craftmark.marks.sequences import column, groups, neighbours, packets_with, showing, split
from craftmark.marks.wording import counted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from craftmark.evidence.dossier import Dossier, FieldEvidence

#: A range wider than this tells nothing: half of all values.
_WIDEST: Final = 128
#: A range is called uniform from this many probes per value on, and this many values.
_PROBES_PER_VALUE: Final = 3
_FEWEST_VALUES: Final = 6
#: Unevenness, in standard deviations, beyond which a range is not called uniform.
_UNEVEN: Final = 3.1


def infer(dossier: Dossier) -> list[Toolmark]:
    """Return the one mark of the TTL, or none where it spreads over most of its range."""
    evidence = dossier.field("ip_ttl")
    if evidence is None:
        return []
    if evidence.constant is not None:
        return [_mark(dossier, evidence, f"ip_ttl = {evidence.constant}", values=(evidence.constant,))]
    sample = showing(dossier.sample, "ip_ttl")
    ttl = column(sample, "ip_ttl")
    if len(ttl) < 2:
        return []
    low, high = evidence.minimum, evidence.maximum
    sources = groups(sample, "source")
    earlier, later = neighbours(ttl, sources)
    if sources.any() and len(later) and (earlier == later).all():
        text = f"ip_ttl = one value per source, {low}..{high}"
        return [_mark(dossier, evidence, text, name="per-source", values=(low, high))]
    return (
        _path(dossier, evidence, split(ttl, groups(sample, "source", "target"), 2))
        or _uniform(dossier, evidence, ttl)
        or _spread(dossier, evidence)
    )


def _path(dossier: Dossier, evidence: FieldEvidence, walks: list[NDArray[np.int64]]) -> list[Toolmark]:
    """Find probes to one target whose TTL goes up by one, each value once or a few times in a row."""
    rising = [walk for walk in walks if np.ptp(walk) and set(np.diff(walk).tolist()) <= {0, 1}]
    steps = sum(len(walk) for walk in rising)
    chance = 0.0 + sum(_sorted_by_chance(walk) for walk in rising)
    if steps < 0.9 * evidence.seen or chance > -3 or max(np.ptp(walk) for walk in rising) < 3:
        return []
    low, high = evidence.minimum, evidence.maximum
    text = f"ip_ttl rises by 1 from {low} to {high}, towards each target"
    return [_mark(dossier, evidence, text, name="path", values=(low, high), chance=chance, level="class")]


def _sorted_by_chance(walk: NDArray[np.int64]) -> float:
    counts = np.unique(walk, return_counts=True)[1]
    return sum(log10_factorial(int(count)) for count in counts) - log10_factorial(len(walk))


def _uniform(dossier: Dossier, evidence: FieldEvidence, ttl: NDArray[np.int64]) -> list[Toolmark]:
    low, high = evidence.minimum, evidence.maximum
    width = high - low + 1
    if not _FEWEST_VALUES <= width <= _WIDEST or len(ttl) < _PROBES_PER_VALUE * width:
        return []
    if unevenness(np.bincount(ttl - low, minlength=width)) > _UNEVEN:
        return []
    chance = len(ttl) * log10(width / 256)
    if chance > STATED_AT:
        return []
    text = f"ip_ttl uniform over {low}..{high} ({counted(width, 'value')})"
    return [_mark(dossier, evidence, text, name="uniform", values=(low, high), chance=chance)]


def _spread(dossier: Dossier, evidence: FieldEvidence) -> list[Toolmark]:
    low, high = evidence.minimum, evidence.maximum
    if high - low + 1 > _WIDEST:
        return []
    text = f"ip_ttl spreads over {low}..{high} ({counted(evidence.distinct, 'value')})"
    return [_mark(dossier, evidence, text, name="spread", values=(low, high), level="class")]


def _mark(  # noqa: PLR0913 - what a mark consists of
    dossier: Dossier,
    evidence: FieldEvidence,
    statement: str,
    *,
    values: tuple[int, ...],
    name: str = "",
    chance: float = 0.0,
    level: Level = "subclass",
) -> Toolmark:
    return Toolmark(
        kind="ttl",
        statement=statement,
        fields=("ip_ttl",),
        held=evidence.seen,
        seen=evidence.seen,
        log10_chance=chance,
        level=level,
        name=name,
        values=values,
        sampled=dossier.sampled and name in ("per-source", "path", "uniform"),
        packets=packets_with(dossier, "ip_ttl"),
    )
