"""Rows to strands and the store of rows: compiled, plain and with a dictionary and lists."""

from __future__ import annotations

import numpy as np
import pytest

from craftmark.evidence.strands import hash_factors
from craftmark.kernels.grouping import (
    COUNT,
    FIRST_NS,
    FREE_HEAD,
    HEAD,
    INFO_COLUMNS,
    KEY_WORDS,
    LAST_NS,
    LIVE_ROWS,
    N_DEEP,
    N_PROMOTED,
    N_ROWS,
    N_SLOTS,
    N_STORED,
    N_STRANDS,
    NUMBERS,
    SLOT,
    absorb,
    adopt,
    assign,
    chain_rows,
    chains_in_order,
    free_rows,
    keep,
    key_hashes,
    rehash,
)
from tests.kernels.both import run_both
from tests.laws.batches import random_batch
from tests.naive.grouping import key_of, strands_of
from tests.naive.sketches import mix

SIZES = (9, 8, 7, 5, 5, 4, 3, 2, 1, 1, 1, 1, 1, 1, 1, 1)


def tables(strands, entries):
    numbers = np.zeros(NUMBERS, np.int64)
    numbers[FREE_HEAD] = -1
    return (
        np.zeros(4, np.int64), np.zeros(entries, np.int64),
        np.zeros((strands, KEY_WORDS), np.uint32), np.zeros((strands, INFO_COLUMNS), np.int64), numbers,
    )  # fmt: skip


def work(rows):
    """Room for keys, hashes and rows that are looked up."""
    return np.zeros((rows, KEY_WORDS), np.uint32), np.zeros(rows, np.int64), np.zeros(rows, np.int64)


def assigned(batch, seed, *, strands=64, entries=128):
    """Return the arguments from ``recent`` on after assigning all rows, in pieces that the last strands outlive."""
    made = tables(strands, entries)
    strand = np.full(len(batch), -1, np.int64)
    for first in range(0, len(batch), 20):
        part = batch.take(slice(first, first + 20))
        out = np.full(len(part), -1, np.int64)
        _, args = run_both(assign, len(part), part.words, part.ts_ns, *work(len(part)), *made, hash_factors(seed), out)
        made, strand[first : first + 20] = args[5:10], args[11]
    return (*made, strand)


@pytest.mark.parametrize("seed", [0, 1, 2**32, 2**60 - 1])
def test_strands_are_those_of_a_dictionary(seed):
    batch = random_batch(3, SIZES)
    _, _, keys, info, numbers, strand = assigned(batch, seed)
    twin = strands_of(batch.words.tolist())
    assert numbers[N_STRANDS] == len(twin)
    for key, rows in twin.items():
        (number,) = set(strand[rows].tolist())
        assert tuple(keys[number].tolist()) == key
        assert np.flatnonzero(strand == number).tolist() == rows
        times = batch.ts_ns[rows]
        assert info[number, [COUNT, FIRST_NS, LAST_NS, HEAD, SLOT]].tolist() == [
            len(rows), times.min(), times.max(), -1, -1,
        ]  # fmt: skip


@pytest.mark.parametrize("seed", [5, 2**59])
def test_a_crowded_table_still_finds_every_strand(seed):
    """64 strands in 64 entries but one: probing runs around the end."""
    batch = random_batch(6, (2,) * 60)
    count = len(strands_of(batch.words.tolist()))
    strand = assigned(batch, seed, strands=count, entries=64)[5]
    sizes = [len(rows) for rows in strands_of(batch.words.tolist()).values()]
    assert sorted(np.bincount(strand).tolist()) == sorted(sizes)


@pytest.mark.parametrize("seed", [5, 2**59])
def test_a_larger_table_finds_the_same_strands(seed):
    batch = random_batch(6, SIZES)
    _, _, keys, info, numbers, strand = assigned(batch, seed)
    n = int(numbers[N_STRANDS])
    larger = run_both(rehash, n, np.zeros(n, np.int64), np.zeros(512, np.int64), keys, hash_factors(seed))[1][1]
    made = (np.zeros(4, np.int64), larger, keys, info, numbers)
    again = np.full(len(batch), -1, np.int64)
    _, out = run_both(assign, len(batch), batch.words, batch.ts_ns, *work(len(batch)), *made, hash_factors(seed), again)
    assert out[11].tolist() == strand.tolist()
    assert out[8][: int(numbers[N_STRANDS]), COUNT].tolist() == (2 * np.bincount(strand)).tolist()


@pytest.mark.parametrize("seed", [5, 2**59])
def test_another_tables_strands_are_entered_with_their_counts_and_times(seed):
    batch, half = random_batch(6, SIZES), 40
    whole = assigned(batch, seed)
    _, table, keys, info, numbers, _ = assigned(batch.take(slice(0, half)), seed)
    _, _, others, counted, others_numbers, _ = assigned(batch.take(slice(half, None)), seed + 1)
    n = int(others_numbers[N_STRANDS])
    out = np.full(n, -1, np.int64)
    _, args = run_both(absorb, n, others, counted, table, keys, info, numbers, hash_factors(seed), out)
    keys, info, total = args[3], args[4], int(args[5][N_STRANDS])
    assert keys[args[7]].tolist() == others[:n].tolist()
    told = {tuple(key): row[:3] for key, row in zip(keys[:total].tolist(), info[:total].tolist(), strict=True)}
    count = int(whole[4][N_STRANDS])
    assert told == {
        tuple(key): row[:3] for key, row in zip(whole[2][:count].tolist(), whole[3][:count].tolist(), strict=True)
    }


class Store:
    """The store's arrays, with every kernel run compiled and plain."""

    def __init__(self, batch, capacity):
        self.batch, self.capacity, self.strand = batch, capacity, assigned(batch, 1)[5]
        self.numbers = np.zeros(NUMBERS, np.int64)
        self.numbers[FREE_HEAD] = -1
        strands = int(self.strand.max()) + 1
        self.info = np.full((strands, INFO_COLUMNS), -1, np.int64)
        self.kept = np.zeros(strands, np.int32)
        self.number, self.link = (np.zeros(len(batch), np.int64) for _ in range(2))

    def keep(self, rows):
        none = [np.full(len(rows), -1, np.int64) for _ in range(5)]
        _, args = run_both(
            keep, len(rows), np.arange(len(rows)), self.capacity, self.strand[rows],
            self.kept, self.info, self.numbers, self.link, *none,
        )  # fmt: skip
        self.kept, self.info, self.numbers, self.link = args[3:7]
        stored, deep, promoted = (int(self.numbers[n]) for n in (N_STORED, N_DEEP, N_PROMOTED))
        self.number[args[8][:stored]] = self.batch.packet_id[rows[args[7][:stored]]]
        return rows[args[9][:deep]], args[10][:deep], args[11][:promoted]

    def free(self, strands):
        _, args = run_both(free_rows, len(strands), strands, self.info, self.kept, self.link, self.numbers)
        self.info, self.kept, self.link, self.numbers = args[1:]

    def chains(self, strands):
        none = [np.full(int(self.kept[strands].sum()), -1, np.int64) for _ in range(2)]
        count, args = run_both(chain_rows, len(strands), strands, self.info, self.link, *none)
        assert count == len(args[3])
        return self.number[args[3]].tolist(), args[4].tolist()

    def in_order(self, order):
        none = np.full(int(self.numbers[LIVE_ROWS]), -1, np.int64), np.full(len(order) + 1, -1, np.int64)
        return run_both(chains_in_order, len(order), order, self.info, self.link, *none)[1][3:]


@pytest.mark.parametrize("capacity", [1, 4, 5, 1000])
def test_a_strand_is_promoted_by_the_row_after_its_capacity(capacity):
    batch = random_batch(8, SIZES)
    store = Store(batch, capacity)
    deep, slot, promoted = store.keep(np.arange(len(batch)))
    seen: dict[int, int] = {}
    expected = []
    for row, strand in enumerate(store.strand.tolist()):
        seen[strand] = seen.get(strand, 0) + 1
        if seen[strand] > capacity:
            expected.append((row, strand))
    order = list(dict.fromkeys(strand for _, strand in expected))
    assert promoted.tolist() == order
    assert deep.tolist() == [row for row, _ in expected]
    assert slot.tolist() == [order.index(strand) for _, strand in expected]
    assert store.numbers[N_SLOTS] == len(order)
    assert store.kept.tolist() == [min(seen[strand], capacity) for strand in range(len(seen))]
    assert store.numbers[LIVE_ROWS] == store.kept.sum() == store.numbers[N_ROWS]
    assert [store.info[strand, SLOT] for strand in order] == list(range(len(order)))


def test_chains_hold_each_strands_rows_newest_first():
    batch = random_batch(8, SIZES)
    store = Store(batch, 1000)
    store.keep(np.arange(len(batch)))
    strands = np.arange(len(store.kept))[::-1].copy()
    numbers, slots = store.chains(strands)
    assert numbers == [int(n) for s in strands for n in batch.packet_id[store.strand == s][::-1]]
    assert set(slots) == {-1}


def test_rows_stand_strand_by_strand_oldest_first():
    batch = random_batch(8, (40, 9, 5, 1))
    store = Store(batch, 1000)
    store.keep(np.arange(len(batch)))
    order = np.random.default_rng(1).permutation(len(store.kept))
    out, start = store.in_order(order)
    assert start.tolist() == [0, *np.cumsum(store.kept[order])]
    for place, strand in enumerate(order):
        rows = out[start[place] : start[place + 1]]
        assert store.number[rows].tolist() == batch.packet_id[store.strand == strand].tolist()


def test_freed_rows_are_used_again_and_nothing_else_is_touched():
    batch = random_batch(8, SIZES)
    store = Store(batch, 1000)
    half = len(batch) // 2
    store.keep(np.arange(half))
    gone = np.flatnonzero(store.kept > 0)[::2]
    left = np.setdiff1d(np.flatnonzero(store.kept > 0), gone)
    before = store.chains(left)
    freed = int(store.kept[gone].sum())
    store.free(gone)
    assert store.chains(left) == before
    assert store.kept[gone].sum() == 0
    assert store.numbers[LIVE_ROWS] == half - freed
    later = np.arange(half, half + freed)
    store.keep(later)
    assert store.numbers[N_ROWS] == half
    everyone = np.arange(len(store.kept))
    kept = [n for r, n in enumerate(batch.packet_id[: half + freed]) if r >= half or store.strand[r] not in set(gone)]
    assert sorted(store.chains(everyone)[0]) == sorted(kept)


@pytest.mark.parametrize("capacity", [1, 4, 9, 1000])
def test_rows_of_another_store_are_taken_over_where_both_are_small(capacity):
    batch, half = random_batch(8, SIZES), 30
    ours, theirs = Store(batch, 1000), Store(batch, 1000)
    ours.keep(np.arange(half))
    theirs.keep(np.arange(half, len(batch)))
    mine, n = np.arange(len(ours.kept)), len(ours.kept)
    none = [np.full(len(batch), -1, np.int64) for _ in range(2)]
    left, args = run_both(
        adopt, n, capacity, mine, theirs.kept, theirs.info, theirs.link,
        ours.kept, ours.info, ours.numbers, ours.link, *none, np.full(n, -1, np.int64),
    )  # fmt: skip
    before, more = ours.kept.copy(), theirs.kept
    ours.kept, ours.info, ours.numbers, ours.link = args[5:9]
    stored = int(ours.numbers[N_STORED])
    ours.number[args[10][:stored]] = theirs.number[args[9][:stored]]
    large = np.flatnonzero((more > 0) & (before + more > capacity))
    assert args[11][:left].tolist() == large.tolist()
    for strand in range(n):
        rows = np.flatnonzero(ours.strand == strand)
        told = ours.chains(np.array([strand]))[0]
        wanted = rows[rows < half] if strand in large else rows
        assert sorted(told) == sorted(batch.packet_id[wanted].tolist())


def test_hashes_of_keys_are_those_of_the_definition():
    words = random_batch(8, SIZES).words
    keys = np.array([key_of(row) for row in words.tolist()], np.uint32)
    none = [np.zeros(len(keys), np.int64) for _ in range(2)]
    _, args = run_both(key_hashes, len(keys), keys, *none)
    for key, source, whole in zip(keys.tolist(), args[1].tolist(), args[2].tolist(), strict=True):
        state = 0x51ED270B
        for number, word in enumerate(key):
            if number == 4:
                assert source == state
            state = mix(state, word)
        assert whole == state
