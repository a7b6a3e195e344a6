"""Saved evidence is the same when read back, also when more is folded behind; what is none is told."""

from __future__ import annotations

import io

import numpy as np
import pytest

from craftmark.errors import EvidenceError
from craftmark.evidence.fold import CAPACITIES, Evidence
from craftmark.evidence.saved import read_back, save
from tests.laws.batches import cut, random_batch
from tests.laws.test_laws import RELATIONS, budget_for, folded, wire


@pytest.mark.parametrize("capacity", CAPACITIES)
def test_what_is_read_back_goes_on_as_what_was_saved(capacity):
    before, behind = cut(random_batch(capacity + 2), np.random.default_rng(capacity), 2)
    whole = folded([before], budget_for(capacity))
    again = read_back(save(whole), RELATIONS)
    assert again.capacity == whole.capacity
    assert again.packets == whole.packets
    for one in (whole, again):
        one.update(behind)
    again.lower(whole.capacity)
    assert wire(again.finish()) == wire(whole.finish())


def test_saving_changes_nothing_and_the_seed_moves_nothing():
    batch = random_batch(6)
    whole = folded([batch], budget_for(64))
    save(whole)
    assert wire(whole.finish()) == wire(folded([batch], budget_for(64), seed=99).finish())
    assert wire(read_back(save(Evidence()), {}).finish()) == wire(Evidence().finish())


def _archive(**changed):
    with np.load(io.BytesIO(save(folded([random_batch(3)], budget_for(64))))) as archive:
        arrays = {name: archive[name] for name in archive.files} | changed
    stream = io.BytesIO()
    np.savez(stream, **{name: array for name, array in arrays.items() if array is not None})
    return stream.getvalue()


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"PK no archive",
        save(Evidence())[:-40],
        _archive(form=np.array([9, 64])),
        _archive(form=np.array([1, 63])),
        _archive(keys=np.zeros((2, 3), np.uint32)),
        _archive(words=np.zeros((4, 40), np.float64)),
        _archive(**{"0.masks": np.zeros((1, 1), np.uint32)}),
        _archive(info=None),
        _archive(ts_ns=np.array([{}], object)),
    ],
)
def test_what_is_no_saved_evidence_is_told_and_never_run(octets):
    with pytest.raises(EvidenceError):
        read_back(octets, {})
