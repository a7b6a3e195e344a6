from __future__ import annotations

import ctypes
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from craftmark.kernels.prng import GENERATORS, at, blocks, run
from tests.naive.prng import BY_NAME

EDGES = (0, 1, 2, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 958_842_405, 1_795_419_414)


def test_every_generator_has_a_twin():
    assert set(BY_NAME) == set(GENERATORS)


@pytest.mark.parametrize("name", sorted(GENERATORS))
def test_edge_seeds_give_what_the_definition_gives(name):
    for seed in EDGES:
        assert run(name, seed, 70).tolist() == BY_NAME[name](seed, 70)


@pytest.mark.parametrize("name", sorted(GENERATORS))
@given(seeds=st.lists(st.integers(0, (1 << 32) - 1), min_size=1, max_size=3), count=st.integers(1, 600))
def test_many_seeds_step_as_each_alone(name, seeds, count):
    outputs = np.concatenate([block.copy() for _, block in blocks(name, np.array(seeds, np.int64), count)])
    for place, seed in enumerate(seeds):
        assert outputs[:, place].tolist() == BY_NAME[name](seed, count)


@pytest.mark.parametrize("name", sorted(GENERATORS))
def test_outputs_at_early_positions_are_those_of_the_stream(name):
    seeds, positions = np.arange(1_795_419_000, 1_795_429_000), (0, 1, 5, 40)
    found = at(name, seeds, positions)
    for place in (0, 1, 8191, 8192, 9999):
        stream = BY_NAME[name](int(seeds[place]), 41)
        assert found[:, place].tolist() == [stream[position] for position in positions]


@given(overlap=st.integers(0, 30), count=st.integers(1, 700))
def test_blocks_overlap_as_asked(overlap, count):
    whole, held = run("glibc", 7, count), 0
    for first, block in blocks("glibc", np.array([7]), count, overlap):
        assert block[:, 0].tolist() == whole[first : first + len(block)].tolist()
        assert first == max(0, held - overlap)
        held = first + len(block)
    assert held == count


@given(seed=st.integers(0, (1 << 32) - 1))
def test_outputs_stay_within_their_bits(seed):
    for name, generator in GENERATORS.items():
        assert int(run(name, seed, 90).max()) < 1 << generator.bits


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks the system's own library")
def test_the_system_library_gives_the_same():
    try:
        libc = ctypes.CDLL("libc.so.6")
    except OSError:
        pytest.skip("no glibc here")
    for seed in EDGES:
        libc.srand(ctypes.c_uint(seed))
        assert [libc.rand() for _ in range(400)] == run("glibc", seed, 400).tolist()
