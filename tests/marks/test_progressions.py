"""Progressions: planted orders are told, random ones are called shuffled or nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from craftmark.marks.progressions import each_once, first_occurrences, inversions, progression
from tests.naive import order as naive


@given(st.lists(st.integers(0, 50), unique=True, max_size=30))
def test_inversions_equal_those_of_the_naive_twin(values: list[int]) -> None:
    assert inversions(np.array(values, np.int64)) == naive.inversions(values)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=30))
def test_first_occurrences_keep_the_order(values: list[int]) -> None:
    assert first_occurrences(np.array(values, np.int64)).tolist() == list(dict.fromkeys(values))


def test_rising_by_one_is_rising_with_its_step() -> None:
    way = progression(np.arange(1, 1025))
    assert way is not None
    assert (way.name, way.step, way.is_even, way.low, way.high) == ("rising", 1, True, 1, 1024)


def test_falling_by_two_is_falling_with_its_step() -> None:
    way = progression(np.arange(100, 0, -2))
    assert way is not None
    assert (way.name, way.step) == ("falling", 2)


def test_a_few_late_packets_do_not_hide_the_order() -> None:
    values = np.arange(200)
    values[[50, 51]], values[[120, 121]] = values[[51, 50]], values[[121, 120]]
    way = progression(values)
    assert way is not None
    assert (way.name, way.step, way.is_even, way.held, way.seen) == ("rising", 1, False, 197, 199)


def test_lost_packets_do_not_hide_the_order() -> None:
    rng = np.random.default_rng(1)
    way = progression(np.sort(rng.permutation(5000)[:100]))
    assert way is not None
    assert (way.name, way.step) == ("rising", 0)


def test_a_constant_stride_is_told_with_its_modulus() -> None:
    way = progression(np.arange(300) * 77 % 1000)
    assert way is not None
    assert (way.name, way.step, way.modulus) == ("stride", 77, 1000)


def test_a_permutation_is_shuffled() -> None:
    way = progression(np.random.default_rng(2).permutation(500))
    assert way is not None
    assert way.name == "shuffled"


def test_blocks_in_another_order_are_neither_rising_nor_shuffled() -> None:
    blocks = np.arange(100).reshape(4, 25)[[2, 0, 3, 1]].ravel()
    assert progression(blocks) is None


@pytest.mark.parametrize("values", [[], [1], [1, 2, 3], [5] * 100])
def test_too_few_values_have_no_order(values: list[int]) -> None:
    assert progression(np.array(values, np.int64)) is None


def test_random_orders_are_never_called_rising_falling_or_stride() -> None:
    rng = np.random.default_rng(4)
    names = [
        way.name for n in (4, 5, 8, 20, 100) for _ in range(200) if (way := progression(rng.integers(0, 65536, n)))
    ]
    assert set(names) <= {"shuffled"}


def test_each_once_is_certain_for_one_and_not_bounded_beyond_the_range() -> None:
    assert each_once(1, 100) == 0.0
    assert each_once(101, 100) == 0.0
    assert each_once(2, 2) == pytest.approx(np.log10(0.5))
