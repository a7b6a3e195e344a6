"""Orders by hash and gathered columns: compiled, plain and by NumPy's own."""

from __future__ import annotations

import numpy as np
import pytest

from craftmark.evidence.ordering import numbered, order_by_hash
from craftmark.kernels.grouping import INFO_COLUMNS, KEY_WORDS
from craftmark.kernels.ordering import gather_conversations, gather_strands, hash_order
from tests.kernels.both import run_both


@pytest.mark.parametrize("bits", [31, 62, 63])
@pytest.mark.parametrize("repeats", [1, 7])
def test_hashes_are_sorted_stably(bits, repeats):
    rng = np.random.default_rng(bits)
    values = np.repeat(rng.integers(0, 1 << bits, 100), repeats)
    rng.shuffle(values)
    start, order = np.zeros(65, np.int64), np.empty(len(values), np.int64)
    done, args = run_both(hash_order, len(values), values, bits - 6, start, order)
    assert done == 1
    assert args[3].tolist() == np.argsort(values, kind="stable").tolist()


def test_prepared_values_are_given_up_and_sorted_otherwise():
    values = np.arange(9000)[::-1].copy()
    start, order = np.zeros(65, np.int64), np.empty(len(values), np.int64)
    assert hash_order.dispatcher()(len(values), values, 57, start, order) == 0
    assert order_by_hash(values, 63).tolist() == values.tolist()


def test_equal_hashes_get_one_number():
    rng = np.random.default_rng(1)
    hashes = rng.choice(rng.integers(0, 1 << 63, 50, dtype=np.uint64), 6000) << np.uint64(1)
    number, count = numbered(hashes)
    assert count == len(np.unique(hashes))
    assert len({*zip(hashes.tolist(), number.tolist(), strict=True)}) == count == number.max() + 1
    assert numbered(hashes[:0])[1] == 0


def test_strands_are_gathered_and_their_sources_numbered():
    rng = np.random.default_rng(3)
    keys = rng.integers(0, 2, (40, KEY_WORDS), dtype=np.uint32)
    info = rng.integers(0, 99, (40, INFO_COLUMNS))
    order = np.lexsort(keys.T[::-1])
    none = [np.zeros(40, np.int64) for _ in range(5)]
    _, args = run_both(gather_strands, 40, order, keys, info, np.zeros((40, KEY_WORDS), np.uint32), *none)
    assert (args[3] == keys[order]).all()
    assert np.column_stack(args[4:7]).tolist() == info[order, :3].tolist()
    assert args[7].tolist() == info[order, 4].tolist()
    _, number = np.unique(keys[order, :4], axis=0, return_inverse=True)
    assert args[8].tolist() == number.reshape(-1).tolist()


def test_both_ends_of_a_conversation_hear_what_the_other_said():
    rng = np.random.default_rng(4)
    n = 200
    ends, forward = rng.integers(0, 60, n), rng.integers(0, 2, n).astype(np.bool_)
    said, ts_ns = 1 << rng.integers(0, 9, n), rng.integers(0, 50, n)
    order = np.argsort(ends, kind="stable")
    out = [np.zeros(n, np.int64), np.zeros(n + 1, np.int64), np.zeros(n, np.int64), np.zeros(n, np.int64)]
    count, args = run_both(gather_conversations, n, order, ends, forward, said, ts_ns, *out, np.zeros(n, np.bool_))
    number, start, own, other, asked = args[5:]
    assert count == len(np.unique(ends))
    assert start[count] == n
    for i in range(n):
        mine = (ends == ends[i]) & (forward == forward[i])
        theirs = (ends == ends[i]) & (forward != forward[i])
        assert number[i] == np.searchsorted(np.unique(ends), ends[i])
        assert own[i] == np.bitwise_or.reduce(said[mine])
        assert other[i] == np.bitwise_or.reduce(said[theirs], initial=0)
        assert asked[i] == (theirs.any() and ts_ns[theirs].min() < ts_ns[mine].min())
