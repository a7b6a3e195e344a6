"""Multiples near a line are listed by a reduced basis: all of them, as looking at each number shows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from craftmark.kernels.near_multiples import Box, near_multiples
from craftmark.marks.walk_search import FITTED, _Frame, _pairs
from craftmark.marks.walks import Track

ORDER = 4294967310


def one_by_one(ratio, order, offset, box, last):
    """Return the numbers up to ``last`` whose multiple is in the box, each looked at."""
    found = []
    for k in range(1, last):
        multiple = (k * ratio + offset) % order
        if box.low <= multiple <= box.high and abs(k - box.slope * multiple) <= box.wide:
            found.append(k)
    return found


@given(
    st.integers(1, 100_002), st.integers(0, 100_002), st.floats(0, 0.1), st.floats(1, 200), st.floats(1, 100_002),
)  # fmt: skip
def test_no_multiple_near_the_line_is_left_out(ratio, offset, slope, wide, high):
    box = Box(slope, wide, 0, high)
    listed = set(near_multiples(ratio, 100_003, offset, box).tolist())
    assert set(one_by_one(ratio, 100_003, offset, box, 3000)) <= listed


def test_few_others_are_listed():
    box = Box(0.01, 500, 0, 1 << 30)
    assert box.expected(ORDER) > 100
    assert len(near_multiples(1234567891, ORDER, 5, box)) < 8 * box.expected(ORDER)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("arcs", [1, 4])
def test_a_search_finds_the_same_gaps_as_looking_at_each(seed, arcs):
    rng = np.random.default_rng(seed)
    seconds = np.sort(rng.uniform(0, 8, FITTED))
    track = Track(rng.integers(0, ORDER, FITTED), seconds, ORDER, 1.16)
    pairs = _pairs(track)
    if not pairs:
        pytest.skip("no difference of these can be divided by")
    frame = _Frame(track, *pairs[0], arcs)
    start, end, top = 1 << 18, 1 << 20, 2e6
    for jump in range(arcs):
        looked = frame.paced(np.arange(start, end), jump * frame.arc, top)
        listed = frame.paced(frame.candidates(start, end, jump, top), jump * frame.arc, top)
        assert np.array_equal(looked, listed)
