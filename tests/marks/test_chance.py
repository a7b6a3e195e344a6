"""Chances: never above 0, never smaller than what counting all cases gives."""

from __future__ import annotations

from math import isfinite, log10

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from craftmark.marks.chance import at_least, first_of, in_blocks, log10_choose, same_value, sorted_within, unevenness
from tests.naive import order as naive


@pytest.mark.parametrize("count", [2, 3, 5, 7])
@pytest.mark.parametrize("limit", [0, 1, 2, 5])
def test_sorted_within_bounds_the_share_of_all_orders(count: int, limit: int) -> None:
    exact = log10(naive.share_sorted_within(count, limit))
    assert exact - 1e-9 <= sorted_within(count, limit) <= 0


def test_a_perfect_order_is_one_in_all() -> None:
    assert sorted_within(6, 0) == pytest.approx(-log10(720))


@pytest.mark.parametrize(("count", "special", "hits"), [(7, 3, 3), (7, 3, 2), (7, 3, 0), (6, 4, 2), (5, 1, 1)])
def test_first_of_is_the_share_of_all_orders(count: int, special: int, hits: int) -> None:
    assert first_of(count, special, hits) == pytest.approx(log10(naive.share_first_of(count, special, hits)), abs=1e-9)


@pytest.mark.parametrize("sizes", [[2, 2], [3, 3], [2, 2, 2], [1, 2, 3]])
@pytest.mark.parametrize("extra", [0, 1, 2])
def test_in_blocks_bounds_the_share_of_all_orders(sizes: list[int], extra: int) -> None:
    changes = len(sizes) - 1 + extra
    assert in_blocks(sizes, changes) >= log10(naive.share_in_blocks(sizes, changes)) - 1e-9


@given(st.integers(1, 60), st.integers(0, 60), st.floats(0.001, 0.999))
def test_at_least_bounds_the_binomial_tail(tries: int, hits: int, share: float) -> None:
    bound = at_least(tries, min(hits, tries), share)
    assert isfinite(bound)
    assert naive.share_at_least(tries, min(hits, tries), share) <= 10**bound + 1e-12
    assert bound <= 0


def test_one_packet_shows_nothing_about_a_constant() -> None:
    assert same_value(1, 32) == 0.0
    assert same_value(0, 32) == 0.0
    assert same_value(3, 16) == pytest.approx(-32 * log10(2))


def test_choices() -> None:
    assert log10_choose(5, 2) == pytest.approx(1.0)


def test_unevenness_tells_uniform_from_lopsided_counts() -> None:
    rng = np.random.default_rng(3)
    even = [unevenness(np.bincount(rng.integers(0, 23, 1000), minlength=23)) for _ in range(50)]
    assert max(even) < 3.5
    assert unevenness(np.array([1000, 10, 10, 10])) > 10
