"""Masks, strides and values of expressions: compiled, plain and by definition."""

from __future__ import annotations

from functools import reduce
from math import gcd
from operator import and_, or_

import numpy as np
import pytest

from craftmark.kernels.bits import ALWAYS, EVER, HIGH, LOW, MASKS, fold_masks, fold_strides
from craftmark.packets.fields import WORDS
from tests.kernels.both import run_both

EDGES = np.array([0, 1, 2, 3, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF], np.uint32)


def random_words(seed, rows):
    rng = np.random.default_rng(seed)
    words = rng.integers(0, 1 << 32, (rows, WORDS), dtype=np.uint32)
    edge = rng.random(words.shape) < 0.3
    words[edge] = rng.choice(EDGES, int(edge.sum()))
    return words, rng.permutation(rows)[: rows * 2 // 3], rng.integers(0, 4, rows)


def no_masks(slots):
    masks = np.zeros((slots, MASKS), np.uint32)
    masks[:, ALWAYS : ALWAYS + WORDS] = masks[:, LOW : LOW + WORDS] = 0xFFFFFFFF
    return masks


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("sort", [False, True])
def test_masks_and_ranges_are_those_of_all_values(seed, sort):
    words, rows, slots = random_words(seed, 60)
    slot = np.sort(slots[: len(rows)]) if sort else slots[: len(rows)]
    masks = run_both(fold_masks, len(rows), rows, slot, words, no_masks(4))[1][3]
    always, ever, low, high = (masks[:, at : at + WORDS] for at in (ALWAYS, EVER, LOW, HIGH))
    for s in range(4):
        mine = words[rows[slot == s]]
        for w in range(WORDS):
            values = [int(value) for value in mine[:, w]]
            assert always[s, w] == reduce(and_, values, 0xFFFFFFFF)
            assert ever[s, w] == reduce(or_, values, 0)
            assert (low[s, w], high[s, w]) == (min(values, default=0xFFFFFFFF), max(values, default=0))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("step", [1, 6, 256, 1 << 20])
def test_a_stride_is_the_gcd_of_all_differences(seed, step):
    words, rows, slots = random_words(seed, 60)
    words -= words % np.uint32(step)
    words[:, 5] = 77
    slot, watched = slots[: len(rows)], np.array([2, 3, 5, 39])
    base, stride = np.full((4, 4), -1, np.int64), np.zeros((4, 4), np.int64)
    _, args = run_both(fold_strides, len(rows), rows, slot, words, watched, base, stride)
    base, stride = args[4:]
    for s in range(4):
        for column, word in enumerate(watched):
            values = [int(value) for value in words[rows[slot == s], word]]
            assert base[s, column] in (values or [-1])
            assert stride[s, column] == reduce(gcd, [value - values[0] for value in values], 0)


def test_the_order_of_values_moves_no_stride():
    values = np.array([0xFFFFFFFF, 0, 12, 0x80000000, 0xFFFFFFFF], np.uint32)
    found = set()
    for seed in range(6):
        words = np.zeros((5, WORDS), np.uint32)
        words[:, 2] = np.random.default_rng(seed).permutation(values)
        args = np.full((1, 1), -1, np.int64), np.zeros((1, 1), np.int64)
        _, out = run_both(fold_strides, 5, np.arange(5), np.zeros(5, np.int64), words, np.array([2]), *args)
        found.add(int(out[5][0, 0]))
    assert found == {1}


def test_nothing_folds_to_nothing():
    words = np.zeros((0, WORDS), np.uint32)
    none = np.empty(0, np.int64)
    _, args = run_both(fold_masks, 0, none, none, words, np.full((1, MASKS), 9, np.uint32))
    assert (args[3] == 9).all()
