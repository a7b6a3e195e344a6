"""Walks: planted ones are found from few elements and followed to the end, random elements are on none."""

from __future__ import annotations

from math import gcd

import numpy as np
import pytest

from craftmark.kernels.residues import group, multiply
from craftmark.marks.walk_search import FEWEST, Search
from craftmark.marks.walks import JITTER, Track, follow, in_arcs

PRIME, ROOT = 4294967311, 3
ORDER = PRIME - 1
SPARSE = ORDER / 3_702_258_432
#: Logarithms of a telescope's /16 in a list of all of IPv4.
BLOCK = group(PRIME, ROOT).logarithms(np.arange(1 << 16) + 739_000_000)


def planted(seed, count, *, pace=1e5, jitter=0.005, loss=0.0, arcs=1, skip=3):
    """Return the first packets of a walk that reach the telescope, and the logarithm of its step."""
    rng = np.random.default_rng(seed)
    step = int(rng.integers(1, ORDER))
    while gcd(step, ORDER) > 1:
        step += 1
    away = (BLOCK - int(rng.integers(0, ORDER))) % ORDER
    places = multiply(away, np.int64(pow(step, -1, ORDER)), ORDER) % (ORDER // arcs)
    seconds = places / (pace * SPARSE) + rng.normal(0, jitter, len(places))
    kept = np.argsort(seconds)
    kept = kept[rng.random(len(kept)) >= loss][skip : skip + count]
    return Track(BLOCK[kept], seconds[kept] - seconds[kept[0]], ORDER, SPARSE), step


@pytest.mark.parametrize("seed", range(4))
def test_ten_packets_are_enough_at_an_unknown_pace(seed):
    track, step = planted(seed, 10)
    walk = Search(1 << 24).fit(track, 1, 1_000_000)
    assert walk is not None
    assert walk.step == step
    assert walk.log10_chance < -6


@pytest.mark.parametrize("seed", range(3))
def test_half_of_the_packets_may_be_lost(seed):
    track, step = planted(seed, 40, loss=0.5)
    walk = Search(1 << 24).fit(track, 1, 1_000_000)
    assert walk is not None
    assert walk.step == step
    assert follow(walk, track).held.all()


def test_arcs_walked_at_once_are_told_from_one():
    track, step = planted(1, 60, arcs=2)
    walk = Search(1 << 24).fit(track, 2, 1_000_000)
    assert walk is not None
    assert (walk.step * pow(step, -1, ORDER)) % (ORDER // 2) in (1, ORDER // 2)
    assert in_arcs(walk, track, (1, 2, 3, 4)).arcs == 2
    assert follow(walk, track).held.all()


def test_stray_packets_among_the_fitted_do_not_hide_the_walk():
    track, step = planted(2, 60)
    logs = track.logs.copy()
    logs[[5, 30]] = (1234567, 7654321)
    walk = Search(1 << 24).fit(Track(logs, track.seconds, ORDER, SPARSE), 1, 1_000_000)
    assert walk is not None
    assert walk.step == step
    held = follow(walk, Track(logs, track.seconds, ORDER, SPARSE)).held
    assert np.flatnonzero(~held).tolist() == [5, 30]


def test_places_count_steps_from_the_anchor():
    track, step = planted(3, 20)
    walk = Search(1 << 24).fit(track, 1, 1_000_000)
    assert walk is not None
    places = walk.places(track.logs, ORDER)
    assert [(walk.anchor + int(n) * step) % ORDER for n in places] == track.logs.tolist()


@pytest.mark.parametrize("count", [FEWEST, 6, 10, 30])
def test_random_elements_are_on_no_walk(count):
    rng = np.random.default_rng(count)
    for _ in range(20):
        logs = rng.choice(BLOCK, count, replace=False)
        track = Track(logs, np.sort(rng.uniform(0, 60, count)), ORDER, SPARSE, JITTER)
        assert Search(1 << 18).fit(track, 1, 1_000_000) is None
        assert Search(1 << 18).fit(track.by_rank(), 1, 1_000_000) is None


def test_a_search_ends_at_its_ceiling():
    rng = np.random.default_rng(1)
    search = Search(100_000)
    track = Track(rng.choice(BLOCK, 16, replace=False), np.arange(16) * 5.0, ORDER, SPARSE)
    assert search.fit(track, 1, 15_000_000) is None
    assert search.tries < 200_000


def test_too_few_elements_are_no_walk():
    track, _ = planted(1, FEWEST - 1)
    assert Search(1 << 20).fit(track, 1, 1_000_000) is None


def test_one_element_again_and_again_is_no_walk():
    track = Track(np.full(20, 77), np.arange(20) * 1.0, ORDER, SPARSE)
    assert Search(1 << 20).fit(track, 1, 1_000_000) is None
