"""The store hands back rows strand by strand, in order of time whatever order they came in."""

from __future__ import annotations

import numpy as np
import pytest

from craftmark.evidence.fold import Evidence
from tests.laws.batches import random_batch

SIZES = (40, 9, 5, 1, 1)


@pytest.mark.parametrize("coming", ["in order", "reversed", "shuffled", "two swapped"])
def test_rows_are_in_order_of_time_then_number(coming):
    batch = random_batch(8, SIZES)
    batch.ts_ns[:] //= 20_000_000_000
    batch = batch.take(np.lexsort((batch.packet_id, batch.ts_ns)))
    rows = np.arange(len(batch))
    if coming == "two swapped":
        rows[[3, 30]] = rows[[30, 3]]
    chosen = {"reversed": rows[::-1], "shuffled": np.random.default_rng(1).permutation(rows)}.get(coming, rows)
    evidence = Evidence()
    evidence.update(batch.take(chosen))
    finished = evidence.finish()
    for strand in range(len(finished)):
        found = finished.small_rows(np.array([strand]))
        stamps = list(zip(found.ts_ns.tolist(), found.packet_id.tolist(), strict=True))
        assert stamps == sorted(stamps)
        assert len(stamps) == finished.count[strand]
