"""Deep evidence folded together: one pass over a block's rows in place of one for each accumulator.

The result is the accumulators' own, as if each had been updated with the same rows; tests hold both against another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from craftmark.evidence.distinct import REGISTER_BITS
from craftmark.evidence.strides import WATCHED
from craftmark.kernels.deep import by_slot, fold_deep

if TYPE_CHECKING:
    from craftmark.evidence.base import Ints
    from craftmark.evidence.distinct import Ports, Targets
    from craftmark.evidence.samples import RowSample
    from craftmark.evidence.strides import Strides
    from craftmark.evidence.values import Values
    from craftmark.packets.batch import PacketBatch

_NONE = np.zeros((0, 0), np.uint8)


class SlotOrder:
    """Brings rows together slot by slot."""

    def __init__(self) -> None:
        self._newest = np.empty(0, np.int64)
        self._work = np.empty((4, 0), np.int64)

    def __call__(self, rows: Ints, slot: Ints, slots: int) -> tuple[Ints, Ints]:
        """Return the same rows and slots, those of a slot one after another; valid until the next call."""
        n = len(rows)
        if len(self._newest) < slots:
            self._newest = np.full(slots + slots // 4, -1, np.int64)
        if self._work.shape[1] < n:
            self._work = np.empty((4, n), np.int64)
        older, groups, rows_out, slot_out = self._work
        by_slot(n, rows, slot, self._newest, older, groups, rows_out, slot_out)
        return rows_out[:n], slot_out[:n]


def fold_together(
    batch: PacketBatch,
    rows: Ints,
    slot: Ints,
    accumulators: tuple[Values, Strides, Targets | None, Ports | None],
    samples: tuple[RowSample, RowSample],
) -> None:
    """Fold rows into masks, strides, sketches and both samples: the fair one, then the one by time."""
    values, strides, targets, ports = accumulators
    fair, runs = samples
    sketched = targets is not None and ports is not None
    fold_deep(
        len(rows), rows, slot, batch.words, batch.ts_ns, batch.packet_id,
        values.state["masks"], WATCHED, strides.state["base"], strides.state["stride"],
        targets.state["registers"] if targets is not None else _NONE, REGISTER_BITS if sketched else 0,
        ports.state["bitmap"] if ports is not None else _NONE,
        fair.capacity, *fair.heaps(), *runs.heaps(),
    )  # fmt: skip
