"""Which probe goes at which moment: orders that tell nothing stay, runs stay runs, walks are shuffled."""

from __future__ import annotations

import numpy as np

from craftmark.export.share.keyed import Key
from craftmark.export.share.moments import moved, order_of

KEY = Key(bytes(32))
RISING = np.repeat(np.arange(100, 160, dtype=np.uint32), 2)
WALK = np.array([3 * 5**k % 257 for k in range(120)], np.uint32)


def replaced(targets, seed=3):
    """Return other addresses for targets, the same for the same."""
    return np.random.default_rng(seed).permutation(1 << 16).astype(np.uint32)[targets]


def test_one_or_two_targets_tell_nothing():
    assert order_of(np.array([7, 7, 9, 7, 9], np.uint32)) == "kept"
    assert moved(RISING[:4], RISING[:4], KEY, "a").tolist() == [0, 1, 2, 3]


def test_rising_targets_rise_again_by_what_stands_for_them():
    for targets, sign in ((RISING, 1), (RISING[::-1], -1)):
        others = replaced(targets)
        assert order_of(targets) == "sorted"
        steps = np.diff(others[moved(targets, others, KEY, "a")].astype(np.int64)) * sign
        assert (steps >= 0).all()


def test_passes_over_the_targets_stay_passes():
    targets = np.tile(np.arange(40, dtype=np.uint32), 3)
    assert order_of(targets) == "sorted"
    again = replaced(targets)[moved(targets, replaced(targets), KEY, "a")].reshape(3, 40)
    assert (np.diff(again.astype(np.int64)) > 0).all()
    assert (again == again[0]).all()


def test_a_walk_is_shuffled_by_the_key():
    places = moved(WALK, replaced(WALK), KEY, "a")
    assert order_of(WALK) == "shuffled"
    assert sorted(places.tolist()) == list(range(120))
    assert not np.array_equal(places, moved(WALK, replaced(WALK), Key(bytes(range(32))), "a"))
    ranks = np.argsort(places)
    assert abs(np.corrcoef(np.arange(120), ranks)[0, 1]) < 0.3
