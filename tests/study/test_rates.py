"""Rates: Wilson's interval against its definition, and extrapolation against planted scans."""

from __future__ import annotations

import math

import numpy as np
import pytest

from craftmark.study.rates import IPV4, Z, coverage, internet_pps, rate_pps, wilson


@pytest.mark.parametrize(("held", "of"), [(1, 10), (5, 10), (3, 1000), (999, 1000), (17, 40)])
def test_wilsons_ends_are_where_the_share_is_z_deviations_away(held, of):
    """The definition: both ends p solve |held / of - p| = z sqrt(p (1 - p) / of)."""
    found = wilson(held, of)
    for end in (found.low, found.high):
        assert abs(held / of - end) == pytest.approx(Z * math.sqrt(end * (1 - end) / of), rel=1e-5)
    assert found.low < found.share < found.high


def test_nothing_and_all_have_an_interval_and_nothing_of_nothing_has_none():
    assert wilson(0, 10)[:2] == (0, 0)
    assert wilson(0, 10).high == pytest.approx(0.2775, abs=1e-4)
    assert wilson(10, 10).high == 1
    assert wilson(0, 0) is None


def test_the_interval_holds_the_truth_as_often_as_it_says():
    drawn = np.random.default_rng(5).binomial(400, 0.03, 2000)
    held = sum(found.low <= 0.03 <= found.high for found in (wilson(int(count), 400) for count in drawn))
    assert 0.93 < held / 2000 < 0.975


def test_a_planted_random_scan_is_extrapolated_to_its_rate_and_coverage():
    rng = np.random.default_rng(9)
    telescope, sent, seconds = 1 << 22, 1 << 20, 600
    seen = np.unique(rng.integers(0, IPV4, sent, dtype=np.int64))
    reached = seen[seen < telescope]
    pps = rate_pps(len(reached), seconds * 1_000_000_000)
    assert internet_pps(pps, telescope) == pytest.approx(sent / seconds, rel=0.2)
    found = coverage(len(reached), telescope)
    assert found.low < sent / IPV4 < found.high


def test_no_rate_without_a_duration():
    assert rate_pps(10, None) is None
    assert rate_pps(10, 0) is None
    assert rate_pps(1, 5) is None


def test_no_scan_covers_more_than_all():
    assert coverage(300, 256).share == 1
