"""Deep evidence folded together equals each accumulator's own fold, compiled and plain."""

from __future__ import annotations

import numpy as np
import pytest

from craftmark.evidence.deep import SlotOrder, fold_together
from craftmark.evidence.distinct import Ports, Targets
from craftmark.evidence.samples import RowSample
from craftmark.evidence.strides import Strides
from craftmark.evidence.values import Values
from craftmark.kernels import _jit
from craftmark.kernels.deep import by_slot
from tests.kernels.both import run_both
from tests.laws.batches import random_batch

SLOTS = 5


def accumulators(*, sketches=True):
    made = [Values(), Strides(), Targets() if sketches else None, Ports() if sketches else None]
    made += [RowSample(16, by_time=False), RowSample(16, by_time=True)]
    for one in made:
        if one is not None:
            one.reserve(SLOTS)
    return made


def told(made):
    states = []
    for one in made:
        if one is not None:
            one.settle()
            states.append({name: array.tobytes() for name, array in one.arrays().items()})
    return states


def test_rows_are_brought_together_slot_by_slot():
    rng = np.random.default_rng(1)
    rows, slot = rng.permutation(90), rng.integers(0, SLOTS, 90)
    work = [np.full(90, -7, np.int64) for _ in range(4)]
    _, args = run_both(by_slot, 90, rows, slot, np.full(SLOTS, -1, np.int64), *work)
    newest, rows_out, slot_out = args[2], args[5], args[6]
    assert (newest == -1).all()
    assert len(np.flatnonzero(np.diff(slot_out))) == SLOTS - 1
    assert sorted(zip(rows_out, slot_out, strict=True)) == sorted(zip(rows, slot, strict=True))


@pytest.mark.parametrize("mode", ["plain", "compiled"])
@pytest.mark.parametrize("sketches", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_folding_together_is_folding_one_by_one(mode, sketches, seed, monkeypatch):
    monkeypatch.setenv("CRAFTMARK_KERNELS", mode)
    if mode == "plain":
        monkeypatch.setattr(_jit.Kernel, "__call__", run_plain)
    batch = random_batch(seed, (60, 40, 20, 9, 3))
    rng = np.random.default_rng(seed)
    rows, slot = rng.permutation(len(batch))[:100], rng.integers(0, SLOTS, 100)
    together, apart = accumulators(sketches=sketches), accumulators(sketches=sketches)
    order = SlotOrder()
    for part in (slice(0, 30), slice(30, 100)):
        mine = order(rows[part], slot[part], SLOTS)
        fold_together(batch, *mine, tuple(together[:4]), tuple(together[4:]))
        for one in apart:
            if one is not None:
                one.update(batch, rows[part], slot[part])
    assert told(together) == told(apart)


def run_plain(kernel, n, *args):
    return kernel.body(n, *[arg.data if isinstance(arg, np.ndarray) else arg for arg in args])
