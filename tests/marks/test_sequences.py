"""Groups and neighbours equal those of the naive twin."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from craftmark.marks.sequences import groups, neighbours, sources_at_one_walk, split
from tests.marks.dossiers import probes
from tests.naive import order as naive

rows = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30)


@given(rows)
def test_groups_equal_those_of_the_naive_twin(keys: list[tuple[int, int, int]]) -> None:
    sources, targets, ports = zip(*keys, strict=True)
    number = groups(probes(len(keys), ip_src=sources, ip_dst=targets, tcp_dport=ports), "source", "target", "port")
    assert sorted(set(number.tolist())) == list(range(len(set(keys))))
    found = sorted(np.flatnonzero(number == one).tolist() for one in set(number.tolist()))
    assert found == sorted(naive.groups(keys))


@given(rows)
def test_neighbours_are_the_pairs_within_each_group(keys: list[tuple[int, int, int]]) -> None:
    number = np.unique([key[0] for key in keys], return_inverse=True)[1]
    values = np.arange(len(keys))
    earlier, later = neighbours(values, number)
    parts = split(values, number)
    wanted = [(a, b) for part in parts for a, b in zip(part.tolist(), part.tolist()[1:], strict=False)]
    assert list(zip(earlier.tolist(), later.tolist(), strict=True)) == wanted


def test_small_groups_can_be_left_out() -> None:
    assert [part.tolist() for part in split(np.arange(5), np.array([0, 1, 0, 2, 0]), 2)] == [[0, 2, 4]]


def test_sources_at_one_walk_go_on_from_each_other_and_shards_do_not() -> None:
    turns = np.random.default_rng(5).integers(0, 3, 200)
    batch = probes(200, ip_src=0xC0000200 + turns)
    assert sources_at_one_walk(batch, np.arange(200)) == 3
    shards = np.zeros(200, np.int64)
    for shard in range(3):  # each at a place of its own, started a moment apart
        mine = turns == shard
        shards[mine] = 3 * (np.arange(mine.sum()) + 11 * shard) + shard
    assert sources_at_one_walk(batch, shards) == 1
    assert sources_at_one_walk(probes(200), np.arange(200)) == 1
    few = probes(10, ip_src=0xC0000200 + np.arange(10) % 2)
    assert sources_at_one_walk(few, np.arange(10)) == 1
