"""Evidence is a commutative monoid: any way of cutting, ordering and merging gives the same bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from craftmark.evidence.fold import CAPACITIES, SKETCHES_FROM, Evidence
from craftmark.kernels import _jit
from craftmark.packets import fields as f
from craftmark.packets.expressions import parse
from tests.laws.batches import SIZES, cut, random_batch
from tests.naive.evidence import fold_plainly
from tests.naive.grouping import rows_needed
from tests.naive.sketches import mix

if TYPE_CHECKING:
    from craftmark.packets.batch import PacketBatch

TEXTS = ("ip_id == low16(ip_dst ^ tcp_seq) ^ tcp_dport", "tcp_seq ^ tcp_ack", "tcp_win < 32", "udp_sport + udp_dport")
RELATIONS = {str(parse(text)): parse(text) for text in TEXTS}
FEW = (40, 17, 16, 5, 4, 3, 2, 1, 1, 1)


def evidence(budget, seed=1):
    return Evidence(RELATIONS, budget=budget, seed=seed)


def folded(batches, budget, seed=1):
    whole = evidence(budget, seed)
    for batch in batches:
        whole.update(batch)
    return whole


def wire(finished):
    """Everything that finished evidence tells, as bytes; deep states in the canonical order of strands."""
    slots = finished.slot[finished.slot >= 0]
    names = ("keys", "count", "first_ns", "last_ns", "source", "complete")
    told = {name: getattr(finished, name).tobytes() for name in names}
    for number, accumulator in enumerate(finished.evidence.accumulators()):
        for name, array in accumulator.arrays().items():
            assert len(array) == len(slots)
            told[f"{number} {type(accumulator).__name__} {name}"] = array[slots].tobytes()
    small = finished.small_rows(np.arange(len(finished)))
    told |= {"words": small.words.tobytes(), "times": small.ts_ns.tobytes(), "numbers": small.packet_id.tobytes()}
    return told | {"capacity": finished.evidence.capacity, "packets": finished.evidence.packets}


def merged(pieces, rng, parts, budget):
    """Fold the pieces into several evidences with seeds of their own and merge them in random order and direction."""
    evidences = [evidence(budget, seed=int(rng.integers(1 << 60))) for _ in range(parts)]
    for piece in pieces:
        evidences[rng.integers(parts)].update(piece)
    while len(evidences) > 1:
        rng.shuffle(evidences)
        evidences[0].merge(evidences.pop())
    return evidences[0].finish()


@pytest.fixture(params=["plain", "compiled"])
def kernels(request, monkeypatch):
    """Run every kernel as its plain body, or compiled."""
    monkeypatch.setenv("CRAFTMARK_KERNELS", request.param)
    if request.param == "plain":
        monkeypatch.setattr(_jit.Kernel, "__call__", run_plain)
    return request.param


def run_plain(kernel, n, *args):
    return kernel.body(n, *[arg.data if isinstance(arg, np.ndarray) else arg for arg in args])


def budget_for(capacity, sizes=SIZES):
    return rows_needed(list(sizes), capacity)


@pytest.mark.parametrize("capacity", CAPACITIES)
def test_cutting_and_merging_changes_nothing_at_any_capacity(capacity):
    sizes = (*SIZES, 4 * capacity) if 1024 <= capacity < CAPACITIES[0] else SIZES  # too long for the next capacity
    batch, budget = random_batch(capacity, sizes), budget_for(capacity, sizes)
    once = folded([batch], budget).finish()
    assert once.evidence.capacity == capacity
    for seed in range(3):
        rng = np.random.default_rng(seed)
        assert wire(merged(cut(batch, rng, 12), rng, 4, budget)) == wire(once)


@pytest.mark.parametrize("capacity", [256, 4])
def test_plain_and_compiled_kernels_fold_alike(capacity, kernels):
    batch, budget = random_batch(7, FEW), budget_for(min(capacity, 16), FEW)
    rng = np.random.default_rng(3)
    found = wire(merged(cut(batch, rng, 5), rng, 3, budget))
    assert found["capacity"] == (CAPACITIES[0] if capacity == 256 else 4)
    assert found == wire(folded([batch], budget, seed=2**59).finish())
    assert_equals_the_twin(folded([batch], budget).finish(), batch, budget)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 2**32 - 1),
    sizes=st.lists(st.sampled_from([1, 2, 3, 4, 5, 16, 17, 40, 70]), min_size=1, max_size=12),
    pieces=st.integers(1, 9),
    parts=st.integers(1, 5),
    share=st.floats(0, 1),
)
def test_any_fold_of_any_packets_is_the_same(seed, sizes, pieces, parts, share):
    batch = random_batch(seed, tuple(sizes))
    budget = int(share * sum(sizes))
    rng = np.random.default_rng(seed)
    assert wire(merged(cut(batch, rng, pieces), rng, parts, budget)) == wire(folded([batch], budget).finish())


@pytest.mark.parametrize("capacity", CAPACITIES)
def test_the_fold_is_what_its_definition_says(capacity):
    sizes = (1100, 257, 65, 17, 5, 3, 1)
    batch, budget = random_batch(11, sizes), budget_for(capacity, sizes)
    assert_equals_the_twin(folded(cut(batch, np.random.default_rng(1), 6), budget).finish(), batch, budget)


def assert_equals_the_twin(finished, batch, budget):
    capacity, strands = fold_plainly(batch, budget)
    assert finished.evidence.capacity == capacity
    assert [tuple(key) for key in finished.keys.tolist()] == [strand["key"] for strand in strands]
    state = finished.evidence
    for number, strand in enumerate(strands):
        told = (finished.count[number], finished.first_ns[number], finished.last_ns[number])
        assert told == (strand["count"], strand["first"], strand["last"])
        slot = int(finished.slot[number])
        if strand["rows"] is not None:
            assert slot < 0
            assert finished.small_rows(np.array([number])).packet_id.tolist() == strand["rows"]
            continue
        for name in ("low", "high", "always", "ever"):
            assert state.values.part(name)[slot].tolist() == strand[name]
        for name in ("base", "stride"):
            assert state.strides.state[name][slot].tolist() == strand[name]
        for name in ("fair", "runs"):
            assert getattr(state, name).state["ident"][slot].tolist() == strand[name]
        assert (state.targets is None) == (state.ports is None) == (capacity < SKETCHES_FROM)
        if state.targets is not None:
            assert state.targets.state["registers"][slot].tolist() == strand["registers"]
            assert state.ports.state["bitmap"][slot].tobytes() == strand["bitmap"]


def test_samples_hold_the_packets_they_name():
    batch = random_batch(5)
    finished = folded(cut(batch, np.random.default_rng(2), 7), budget_for(64)).finish()
    by_number = {number: row for row, number in enumerate(batch.packet_id.tolist())}
    for sample in (finished.evidence.fair, finished.evidence.runs):
        for slot in finished.slot[finished.slot >= 0]:
            kept = sample.rows(int(slot))
            rows = [by_number[number] for number in kept.packet_id.tolist()]
            assert len(kept) == 64
            assert (kept.words == batch.words[rows]).all()
            assert (kept.ts_ns == batch.ts_ns[rows]).all()


@pytest.mark.parametrize("capacity", [1024, 64, 1])
def test_merging_with_nothing_changes_nothing(capacity):
    batch, budget = random_batch(9), budget_for(capacity)
    once = wire(folded([batch], budget).finish())
    left, right = evidence(budget, seed=5), folded([batch], budget)
    left.merge(right)
    assert wire(left.finish()) == once
    left, right = folded([batch], budget), evidence(budget, seed=5)
    left.merge(right)
    assert wire(left.finish()) == once


def test_nothing_at_all_is_finished_as_nothing():
    whole = evidence(10)
    whole.update(random_batch(1, (3,)).take(slice(0, 0)))
    whole.merge(evidence(10, seed=2))
    finished = whole.finish()
    assert len(finished) == 0
    assert len(finished.known_strand) == 0
    assert finished.evidence.packets == 0


@pytest.mark.parametrize("other_budget", [250, 100, 30])
def test_evidences_of_different_capacity_merge_to_the_lower(other_budget):
    """A small part may have kept rows whole that the other had to sample."""
    batch, rng = random_batch(13), np.random.default_rng(4)
    small, large = batch.take(slice(0, 300)), batch.take(slice(300, len(batch)))
    for one, two in ((small, large), (large, small)):
        whole, other = folded([one], 10**9), folded(cut(two, rng, 3), other_budget, seed=9)
        capacity = other.capacity
        whole.merge(other)
        assert whole.capacity == capacity < CAPACITIES[0]
        lowered = folded([batch], 10**9)
        lowered.lower(capacity)
        assert wire(whole.finish()) == wire(lowered.finish())


def test_evidence_for_other_relations_is_refused():
    with pytest.raises(ValueError, match="other relations"):
        Evidence({}).merge(evidence(10))


def accumulators():
    return [type(each).__name__ + f" {number}" for number, each in enumerate(evidence(10).accumulators())]


@pytest.mark.parametrize("name", accumulators())
@pytest.mark.parametrize("seed", range(3))
def test_every_accumulator_is_a_commutative_monoid(name, seed):
    """Slots permuted in each part, as a merge of strand tables does."""
    number, rng = int(name.split()[1]), np.random.default_rng(seed)
    batch = random_batch(seed, (300, 40, 3))
    slot = rng.integers(0, 5, len(batch))
    whole = fresh(number)
    whole.update(batch, np.arange(len(batch)), slot)
    parts = []
    for rows in np.array_split(rng.permutation(len(batch)), 4):
        places, part = rng.permutation(5), fresh(number)
        for piece in np.array_split(rows, 3):
            part.update(batch, piece, places[slot[piece]])
        parts.append((part, np.argsort(places)))
    rng.shuffle(parts)
    left = fresh(number)
    for part, places in parts:
        left.merge(part, places)
    left.merge(fresh(number), np.arange(5))
    assert state(left) == state(whole)


def fresh(number):
    accumulator = evidence(10).accumulators()[number]
    if hasattr(accumulator, "shrink"):
        accumulator.shrink(8)
    accumulator.reserve(5)
    return accumulator


def state(accumulator):
    accumulator.settle()
    return {name: array.tobytes() for name, array in accumulator.arrays().items()}


def test_sources_whose_hashes_collide_stay_together():
    """IPv6 sources can be made to collide; their strands must not lie among each other."""
    batch = colliding_sources(random_batch(3, (40,)))
    finished = folded([batch], 10**6).finish()
    addresses = [tuple(key[:4]) for key in finished.keys.tolist()]
    assert len(set(zip(addresses, finished.source.tolist(), strict=True))) == len(set(addresses)) == 2


def colliding_sources(batch: PacketBatch) -> PacketBatch:
    words = batch.words
    states = []
    for low in (1, 2):
        hashed = 0x51ED270B
        for word in (low, 7, 7):
            hashed = mix(hashed, word)
        states.append(hashed)
    words[:, f.PROTOCOL], words[:, f.IP_VERSION] = f.TCP, 6
    words[:, f.TCP_FLAGS] = np.arange(len(words)) // 2
    odd = np.arange(len(words)) % 2
    words[:, f.IP_SRC] = 1 + odd
    words[:, f.IP_SRC_HIGH : f.IP_SRC_HIGH + 2] = 7
    words[:, f.IP_SRC_HIGH + 2] = np.where(odd, states[0] ^ states[1] ^ 5, 5)
    return batch
