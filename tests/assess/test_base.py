"""Weights and odds: exact sums, caps, and words for probabilities."""

from __future__ import annotations

from math import fsum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from craftmark.assess.base import Reason, exact_weights, graded, probability, total_odds


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50).filter(lambda raw: sum(raw) > 1e-3))
def test_weights_are_whole_millionths_that_add_up_to_one(raw):
    weights = exact_weights(raw)
    assert sum(round(weight * 1_000_000) for weight in weights) == 1_000_000
    assert fsum(weights) == pytest.approx(1.0, abs=1e-9)
    assert all(abs(weight - value / sum(raw)) <= 2e-6 for weight, value in zip(weights, raw, strict=True))


def test_odds_are_capped_both_ways():
    assert total_odds([Reason("x", 9.0)], prior=0.0, cap=3.0) == 3.0
    assert total_odds([Reason("x", -9.0)], prior=0.0, cap=3.0) == -3.0
    assert total_odds([Reason("x", 1.0), Reason("y", -0.5)], prior=0.25, cap=3.0) == 0.75


def test_even_odds_are_one_half_and_strength_has_words():
    assert probability(0.0) == 0.5
    assert [graded(chance) for chance in (0.5, 0.8, 0.99)] == ["weak", "fair", "strong"]
