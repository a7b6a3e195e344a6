"""Values that stay for a stretch of probes and then change for good: drawn once per burst, per phase or per run.

A program that draws a value once and sends many probes with it shows each value in one stretch. Where the stretches
are those of the targets it is a value per target (``repeats``); a clock that goes on is no stretch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from craftmark.marks.base import Toolmark
from craftmark.marks.chance import FREE, STATED_AT, in_blocks
from craftmark.marks.sequences import column, followed, groups, showing, shown
from craftmark.marks.wording import listed
from craftmark.packets.fields import FIELDS, fields_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from craftmark.evidence.dossier import Dossier
    from craftmark.packets.batch import PacketBatch

#: Probes per stretch on average from which values stay, and the fewest stretches that are told.
_LONG: Final = 3.0
_FEWEST: Final = 2
#: Share of the stretches that have a value of their own, of the changes that come with a change of target, and of the
#: steps that go one way in a clock.
_NEARLY_ALL: Final = 0.9


def infer(dossier: Dossier) -> list[Toolmark]:
    """Return one mark for all fields that change at the same probes."""
    together: dict[bytes, list[str]] = {}
    packets = followed(dossier.consecutive)
    if len(packets) < _LONG * _FEWEST:
        return []
    at_targets = _changes(groups(packets, "target", "port").astype(np.int64))
    for field in fields_of(dossier.protocol):
        evidence = dossier.field(field.name)
        if field.name not in FREE or evidence is None or evidence.constant is not None:
            continue
        if len(showing(packets, field.name)) == len(packets) and _stays(packets, field.name, at_targets):
            together.setdefault(_changes(column(packets, field.name)).tobytes(), []).append(field.name)
    return [mark for names in together.values() for mark in _mark(dossier, packets, names)]


def _changes(values: NDArray[np.int64]) -> NDArray[np.bool_]:
    changes: NDArray[np.bool_] = np.diff(values) != 0
    return changes


def _stays(packets: PacketBatch, name: str, at_targets: NDArray[np.bool_]) -> bool:
    values = column(packets, name)
    changes = _changes(values)
    count = int(np.count_nonzero(changes))
    stretches = count + 1
    if stretches < _FEWEST or stretches * _LONG > len(values) or len(np.unique(values)) < _NEARLY_ALL * stretches:
        return False
    if np.count_nonzero(changes & at_targets) >= _NEARLY_ALL * count and np.count_nonzero(at_targets) <= 2 * count:
        return False
    return not _is_a_clock(values[np.append(True, changes)], FIELDS[name].bits)


def _is_a_clock(values: NDArray[np.int64], bits: int) -> bool:
    """Tell whether the values go one way, by small steps."""
    if len(values) < 4:
        return len(values) < 3 or bool((np.abs(np.diff(values)) < 1 << (bits // 2)).all())
    steps = np.diff(values) % (1 << bits)
    rising = np.count_nonzero(steps < 1 << (bits - 2))
    falling = np.count_nonzero(steps >= 3 << (bits - 2))
    return bool(max(rising, falling) >= _NEARLY_ALL * len(steps))


def _mark(dossier: Dossier, packets: PacketBatch, names: list[str]) -> list[Toolmark]:
    values = column(packets, names[0])
    sizes = np.unique(values, return_counts=True)[1].tolist()
    stretches = int(np.count_nonzero(_changes(values))) + 1
    chance = in_blocks(sizes, stretches - 1)
    if chance > STATED_AT:
        return []
    keep = "keeps its value" if len(names) == 1 else "keep their values"
    return [
        Toolmark(
            kind="repeat",
            statement=f"{listed(names)} {keep} for a stretch of probes: {stretches:,} stretches",
            fields=tuple(names),
            held=len(values),
            seen=len(values),
            log10_chance=chance,
            level="class",
            name="per-stretch",
            values=(stretches,),
            sampled=len(values) < dossier.probes,
            packets=shown(packets),
        )
    ]
