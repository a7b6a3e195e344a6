"""One body of evidence per day of UTC, or per input: a study of a year must not hold a year in memory.

A day is handed out as soon as no packet of it can come: inputs are read in the order of their first packets, and in one
input no packet is expected more than a day before one that stands ahead of it. Packets that are later still are counted
on the oldest day that is open, so that all packets are counted once.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from craftmark.evidence.fold import Evidence
from craftmark.packets.batch import INPUT_SHIFT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from craftmark.packets.batch import PacketBatch
    from craftmark.packets.expressions import Expression
    from craftmark.sources.inputs import Case

DAY_NS: Final = 86_400 * 1_000_000_000
#: The day of inputs whose clock tells none: they are read last.
NO_DAY: Final = 1 << 40


class Portion(NamedTuple):
    """The evidence of one day, or of one input: ``key`` is the day since the epoch, or the input's number."""

    key: int
    evidence: Evidence


def fold_days(
    case: Case,
    relations: Mapping[str, Expression],
    *,
    where: Expression | None = None,
    watch: Callable[[int], None] | None = None,
) -> Iterator[Portion]:
    """Yield the evidence of each day that has packets, in order; parameters as in ``run/local``."""
    folding = _Folding(relations, where)
    first_days = [_first_day(one.first) for one in case.inputs]
    for batch in filter(len, case.batches()):
        number = int(batch.packet_id[0] >> INPUT_SHIFT)
        following = first_days[number] if number < len(first_days) else NO_DAY
        days = batch.ts_ns // DAY_NS if first_days[number - 1] < NO_DAY else np.full(len(batch), NO_DAY)
        folding.update(batch, days)
        yield from folding.closed(min(int(days.max()) - 1, following))
        if watch is not None:
            watch(folding.packets)
    yield from folding.closed(NO_DAY + 1)


def fold_inputs(
    case: Case,
    relations: Mapping[str, Expression],
    *,
    where: Expression | None = None,
    watch: Callable[[int], None] | None = None,
) -> Iterator[Portion]:
    """Yield the evidence of each input that has packets, in the order of their numbers."""
    folding = _Folding(relations, where)
    for batch in filter(len, case.batches()):
        numbers = batch.packet_id >> INPUT_SHIFT
        yield from folding.closed(int(numbers[0]))
        folding.update(batch, numbers)
        if watch is not None:
            watch(folding.packets)
    yield from folding.closed(len(case.inputs) + 1)


def _first_day(first: tuple[int, int]) -> int:
    has_no_epoch, first_ns = first
    return NO_DAY if has_no_epoch else first_ns // DAY_NS


class _Folding:
    """The portions that are open, by their keys; those below ``floor`` were handed out."""

    def __init__(self, relations: Mapping[str, Expression], where: Expression | None) -> None:
        self._relations = relations
        self._where = where
        self._open: dict[int, Evidence] = {}
        self._floor = -NO_DAY
        self.packets = 0

    def update(self, batch: PacketBatch, keys: np.ndarray[tuple[int], np.dtype[np.int64]]) -> None:
        """Fold a batch whose packets belong to portions of these keys."""
        self.packets += len(batch)
        keys = np.maximum(keys, self._floor)
        if self._where is not None:
            chosen = self._where.select(batch)
            batch, keys = batch.take(chosen), keys[chosen]
        if len(batch) and keys.min() == keys.max():
            self._of(int(keys[0])).update(batch)
            return
        for key in np.unique(keys).tolist():
            self._of(key).update(batch.take(keys == key))

    def _of(self, key: int) -> Evidence:
        if key not in self._open:
            self._open[key] = Evidence(self._relations, seed=secrets.randbits(60))
        return self._open[key]

    def closed(self, floor: int) -> Iterator[Portion]:
        """Hand out the portions below ``floor``."""
        self._floor = max(self._floor, floor)
        for key in sorted(key for key in self._open if key < floor):
            yield Portion(key, self._open.pop(key))
