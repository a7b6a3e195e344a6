"""A part of evidence is what folding its strands' packets alone gives, whatever is folded behind it."""

from __future__ import annotations

import numpy as np
import pytest

from craftmark.evidence.fold import CAPACITIES, Evidence
from craftmark.evidence.part import part_of
from craftmark.kernels.grouping import SLOT
from tests.laws.batches import cut, random_batch
from tests.laws.test_laws import RELATIONS, budget_for, folded, wire


def _alone(batches, budget, chosen_keys, capacity):
    """Fold only the packets whose strand has one of these keys."""
    whole = Evidence(RELATIONS, budget=budget)
    whole.lower(capacity)
    for batch in batches:
        table = Evidence().strands
        strand = table.assign(batch).copy()
        inside = np.array([table.keys[s].tobytes() in chosen_keys for s in range(len(table))])
        whole.update(batch.take(inside[strand]))
    return whole


@pytest.mark.parametrize("capacity", CAPACITIES)
def test_a_part_is_its_strands_folded_alone(capacity):
    batch, budget = random_batch(capacity + 1), budget_for(capacity)
    rng = np.random.default_rng(capacity)
    before, behind = cut(batch, rng, 2)
    whole = folded([before], budget)
    finished = whole.finish()  # looking at it meanwhile changes nothing
    chosen = np.flatnonzero(rng.random(len(whole.strands)) < 0.6)
    keys = {whole.strands.keys[s].tobytes() for s in chosen}
    part = part_of(whole, chosen, budget=budget)
    level = part.capacity
    assert level == (whole.capacity if (whole.strands.info[chosen, SLOT] >= 0).any() else CAPACITIES[0])
    assert wire(finished) == wire(folded([before], budget).finish())
    table = Evidence().strands
    strand = table.assign(behind)
    inside = np.array([table.keys[s].tobytes() in keys for s in range(len(table))])
    part.update(behind.take(inside[strand]))
    assert wire(part.finish()) == wire(_alone([before, behind], budget, keys, level).finish())


def test_a_part_and_the_rest_merge_to_the_whole():
    batch = random_batch(5)
    whole, again = folded([batch], budget_for(64)), folded([batch], budget_for(64))
    strands = np.arange(len(again.strands))
    one, other = (
        part_of(again, strands[::2], budget=budget_for(64)),
        part_of(again, strands[1::2], budget=budget_for(64)),
    )
    one.merge(other)
    assert wire(one.finish()) == wire(whole.finish())


def test_no_strand_is_no_evidence():
    assert part_of(folded([random_batch(3)], budget_for(64)), np.arange(0)).packets == 0
