from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from craftmark.kernels.xorshift import LANES, backward, consistent, formulas, forward, jumped, outputs, seeds_before
from tests.naive.xorshift import Generator

WORDS = st.lists(st.integers(0, (1 << 32) - 1), min_size=4, max_size=4).filter(any)


def twin(words, count):
    generator = Generator(0, 0, 0)
    generator.x, generator.y, generator.z, generator.w = words
    return [generator.draw() for _ in range(count)], [generator.x, generator.y, generator.z, generator.w]


def states(words):
    return np.array(words, np.uint32)


@given(words=WORDS, count=st.integers(1, 700))
def test_outputs_are_those_of_the_definition(words, count):
    assert outputs(states(words), count).tolist() == twin(words, count)[0]


@given(words=WORDS, steps=st.integers(0, 500))
def test_a_jump_is_so_many_steps_and_back_again(words, steps):
    there = jumped(states(words), steps)
    assert there.tolist() == twin(words, steps)[1]
    assert jumped(there, -steps).tolist() == words


@given(words=WORDS)
def test_backward_undoes_forward(words):
    assert backward(forward(states(words))).tolist() == words


@given(words=WORDS)
def test_formulas_give_the_outputs(words):
    state = sum(word << 32 * place for place, word in enumerate(words))
    found = [sum(((mask & state).bit_count() & 1) << bit for bit, mask in enumerate(masks)) for masks in formulas(20)]
    assert found == twin(words, 20)[0]


@pytest.mark.parametrize("later", [1, 4])
@pytest.mark.parametrize("position", [0, 1, 1023, 1024, 2500, 5000])
def test_the_place_of_two_outputs_is_found_among_all_states_of_a_space(position, later):
    rng = np.random.default_rng(position)
    space = rng.integers(0, 1 << 32, (4, 9)).astype(np.uint32)
    state = np.bitwise_xor.reduce(space[:, [0, 2, 5, 8]], axis=1)
    stream = outputs(state, position + later + 1).tolist()
    found = list(consistent(space, (stream[position], stream[position + later]), 4 * LANES + 1000, 4))
    assert found == [(position, later)]


def test_random_outputs_are_consistent_nowhere():
    rng = np.random.default_rng(3)
    space = rng.integers(0, 1 << 32, (4, 20)).astype(np.uint32)
    assert list(consistent(space, (int(rng.integers(1 << 16)), int(rng.integers(1 << 32))), 8 * LANES, 2)) == []


@pytest.mark.parametrize("drawn", [0, 1, 40_000])
def test_the_way_back_ends_at_the_seed(drawn):
    seed = [1_500_000_000, 77, 4_000, 77 ^ 4_000]
    back, found = next(seeds_before(jumped(states(seed), drawn), 1 << 17))
    assert (back, found.tolist()) == (drawn, seed)
