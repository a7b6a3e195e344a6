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
    N_STRANDS,
    NUMBERS,
    SLOT,
    assign,
    chain_rows,
    chains_in_order,
    free_rows,
    keep,
    key_hashes,
    rehash,
)
from craftmark.packets.fields import WORDS
from tests.kernels.both import run_both
from tests.laws.batches import random_batch
from tests.naive.grouping import key_of, strands_of
from tests.naive.sketches import mix

SIZES = (9, 8, 7, 5, 5, 4, 3, 2, 1, 1, 1, 1, 1, 1, 1, 1)


def tables(strands, entries):
    numbers = np.zeros(NUMBERS, np.int64)
    numbers[FREE_HEAD] = -1
    return (
        np.zeros((1, KEY_WORDS), np.uint32), np.zeros(4, np.int64), np.zeros(entries, np.int64),
        np.zeros((strands, KEY_WORDS), np.uint32), np.zeros((strands, INFO_COLUMNS), np.int64), numbers,
    )  # fmt: skip


def assigned(batch, seed, *, strands=64, entries=128):
    out = np.full(len(batch), -1, np.int64)
    made = tables(strands, entries)
    return run_both(assign, len(batch), 0, batch.words, batch.ts_ns, *made, hash_factors(seed), out)


@pytest.mark.parametrize("seed", [0, 1, 2**32, 2**60 - 1])
def test_strands_are_those_of_a_dictionary(seed):
    batch = random_batch(3, SIZES)
    done, args = assigned(batch, seed)
    keys, info, numbers, strand = args[6], args[7], args[8], args[10]
    twin = strands_of(batch.words.tolist())
    assert done == len(batch)
    assert numbers[N_STRANDS] == len(twin)
    for number, (key, rows) in enumerate(twin.items()):
        assert tuple(keys[number].tolist()) == key
        assert np.flatnonzero(strand == number).tolist() == rows
        times = batch.ts_ns[rows]
        assert info[number, [COUNT, FIRST_NS, LAST_NS, HEAD, SLOT]].tolist() == [
            len(rows), times.min(), times.max(), -1, -1,
        ]  # fmt: skip


def test_a_full_table_stops_at_the_row_that_needs_room():
    batch = random_batch(4, (1,) * 30)
    distinct = len(strands_of(batch.words.tolist()))
    assert distinct > 5
    done, args = assigned(batch, 7, strands=5, entries=16)
    firsts = [rows[0] for rows in strands_of(batch.words.tolist()).values()]
    assert done == firsts[5]
    assert args[8][N_STRANDS] == 5


@pytest.mark.parametrize("seed", [5, 2**59])
def test_a_crowded_table_still_finds_every_strand(seed):
    """64 strands in 64 entries but one: probing runs around the end."""
    batch = random_batch(6, (2,) * 60)
    count = len(strands_of(batch.words.tolist()))
    _, args = assigned(batch, seed, strands=count, entries=64)
    assert np.bincount(args[10]).tolist() == [len(rows) for rows in strands_of(batch.words.tolist()).values()]


@pytest.mark.parametrize("seed", [5, 2**59])
def test_a_larger_table_finds_the_same_strands(seed):
    batch = random_batch(6, SIZES)
    _, args = assigned(batch, seed)
    key, keys, info, numbers, strand = args[3], args[6], args[7], args[8], args[10]
    _, (larger, _, _) = run_both(rehash, int(numbers[N_STRANDS]), np.zeros(512, np.int64), keys, hash_factors(seed))
    again = np.full(len(batch), -1, np.int64)
    _, out = run_both(
        assign,
        len(batch),
        0,
        batch.words,
        batch.ts_ns,
        key,
        np.zeros(4, np.int64),
        larger,
        keys,
        info,
        numbers,
        hash_factors(seed),
        again,
    )
    assert out[10].tolist() == strand.tolist()
    assert out[7][: int(numbers[N_STRANDS]), COUNT].tolist() == (2 * np.bincount(strand)).tolist()


class Store:
    """The store's arrays, with every kernel run compiled and plain."""

    def __init__(self, batch, capacity):
        self.batch, self.capacity, self.strand = batch, capacity, assigned(batch, 1)[1][10]
        self.numbers = np.zeros(NUMBERS, np.int64)
        self.numbers[FREE_HEAD] = -1
        strands = int(self.strand.max()) + 1
        self.info = np.full((strands, INFO_COLUMNS), -1, np.int64)
        self.kept = np.zeros(strands, np.int32)
        self.words = np.zeros((len(batch), WORDS), np.uint32)
        self.ts_ns, self.number, self.link = (np.zeros(len(batch), np.int64) for _ in range(3))

    def keep(self, rows):
        none = [np.full(len(rows), -1, np.int64) for _ in range(3)]
        part, strand = self.batch.take(rows), self.strand[rows]
        _, args = run_both(
            keep, len(rows), self.capacity, part.words, part.ts_ns, part.packet_id, strand, self.kept, self.info,
            self.numbers, self.words, self.ts_ns, self.number, self.link, *none,
        )  # fmt: skip
        self.kept, self.info, self.numbers = args[5:8]
        self.words, self.ts_ns, self.number, self.link = args[8:12]
        deep, promoted = int(self.numbers[N_DEEP]), int(self.numbers[N_PROMOTED])
        return rows[args[12][:deep]], args[13][:deep], args[14][:promoted]

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
