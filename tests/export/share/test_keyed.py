"""Numbers are permuted within their domain, by the key and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from craftmark.export.share.keyed import Domain, Key

KEY = Key(bytes(range(32)))
WORDS = st.lists(st.integers(0, 0xFFFFFFFF), min_size=1, max_size=60)


def domain_of(values):
    shown = [value for value in values if value] or [1]
    return Domain(min(shown), max(shown), int(np.bitwise_and.reduce(shown)), int(np.bitwise_or.reduce(shown)))


@given(WORDS, st.integers(0, 31))
def test_a_permutation_stays_in_the_domain_and_keeps_what_is_equal(values, shift):
    values = np.array([value >> shift for value in values], np.uint32)
    domain = domain_of(values.tolist())
    moved = KEY.permuted("field", values, domain)
    assert np.array_equal(moved == 0, values == 0)
    assert domain.holds(moved[moved != 0]).all()
    assert len(np.unique(moved)) == len(np.unique(values))
    assert np.array_equal(values[:, None] == values, moved[:, None] == moved)


@pytest.mark.parametrize("domain", [Domain(1024, 65535, 0, 0xFFFF), Domain(1, 0x7FFFFFFF, 0, 0x7FFFFFFF)], ids=str)
def test_a_whole_range_is_filled_evenly(domain):
    values = np.arange(domain.low, domain.high, (domain.high - domain.low) // 4000, dtype=np.uint32)
    moved = KEY.permuted("field", values, domain)
    counts = np.histogram(moved, bins=16, range=(domain.low, domain.high))[0]
    expected = len(values) / 16
    assert ((counts - expected) ** 2 / expected).sum() < 45  # chi squared, 15 degrees: 10^-4


def test_labels_and_keys_draw_apart():
    values = np.arange(1, 1000, dtype=np.uint32)
    every = Domain(1, 0xFFFF, 0, 0xFFFF)
    one = KEY.permuted("a", values, every)
    assert np.array_equal(one, KEY.permuted("a", values, every))
    assert (one == KEY.permuted("b", values, every)).sum() < 5
    assert (one == Key(bytes(32)).permuted("a", values, every)).sum() < 5
    assert sorted(KEY.order("a", 100).tolist()) == list(range(100)) != KEY.order("a", 100).tolist()
    assert np.array_equal(KEY.numbers("a", values), KEY.numbers("a", values))
