"""Blackrock orders: the seed of planted and real scans comes out, other orders and large seeds give nothing."""

from __future__ import annotations

import numpy as np
import pytest

from craftmark.kernels.blackrock import shuffle_of, unshuffle
from craftmark.marks.blackrock import solve
from craftmark.tools.load import load_rules
from tests.cases.captures import LAB, needs_captures
from tests.marks.dossiers import dossier_from_batch, probes
from tests.naive.blackrock import shuffle

RECIPE = next(one for one in load_rules().recipes if one.kind == "blackrock")
TABLE = bytes.fromhex(RECIPE.details["table"])
BASE = 0xC6122000


def planted(numbers, size, *, ports=(80,), **more):
    """Return a dossier of masscan's probes to the targets that numbers stand for."""
    rng = np.random.default_rng(1)
    targets = np.array([BASE + number % size for number in numbers])
    dports = np.array([ports[number // size] for number in numbers])
    seq = rng.integers(0, 1 << 32, len(numbers))
    columns = {
        "ip_id": (targets ^ dports ^ seq) & 0xFFFF,
        "tcp_seq": seq,
        "tcp_dport": dports,
        "ip_dst": targets,
        **more,
    }
    return dossier_from_batch(probes(len(numbers), tcp_flags=2, tcp_win=1024, **columns))


def told(mark):
    return {one.name: one.value for one in mark.recovered}


@pytest.mark.parametrize("rounds", [4, 14, 3])
@pytest.mark.parametrize("size", [9, 100, 1536, 4096, 1 << 20])
def test_a_shuffle_is_taken_back(size, rounds):
    numbers = [n * 7919 % size for n in range(40)]
    for seed in (0, 1, 99, 123456789, (1 << 64) - 5):
        shuffled = np.array([shuffle(n, size, rounds, TABLE, seed) for n in numbers], np.uint64)
        back = unshuffle(shuffle_of(size, rounds, TABLE), shuffled, np.full(40, seed, np.uint64))
        assert back.tolist() == numbers


@pytest.mark.parametrize(("rounds", "seed"), [(14, 0), (14, 99), (14, 2024), (4, 16000)])
def test_the_seed_of_a_planted_scan_comes_out(rounds, seed):
    numbers = [shuffle((1000 + n) % 4096, 4096, rounds, TABLE, seed) for n in range(300)]
    (mark,) = solve(planted(numbers, 4096), RECIPE)
    assert mark.values == (seed, rounds)
    assert told(mark)["position"] == 1000
    assert told(mark)["target_count"] == 4096
    assert mark.held == mark.seen == 300
    assert mark.log10_chance < -6


def test_shards_show_as_the_step():
    numbers = [shuffle((2001 + 4 * n) % 4096, 4096, 14, TABLE, 99) for n in range(200)]
    (mark,) = solve(planted(numbers, 4096), RECIPE)
    assert told(mark)["shards"] == 4


def test_sources_that_go_on_where_another_stopped_are_at_one_shuffle():
    numbers = [shuffle(1000 + n, 4096, 14, TABLE, 99) for n in range(300)]
    sources = 0xC0000200 + np.random.default_rng(2).integers(0, 3, 300)
    (mark,) = solve(planted(numbers, 4096, ip_src=sources), RECIPE)
    assert mark.one_stream == 3
    (alone,) = solve(planted(numbers, 4096), RECIPE)
    assert alone.one_stream == 1


def test_ports_are_shuffled_with_the_targets():
    ports = (22, 80, 443)
    numbers = [shuffle(n, 768, 14, TABLE, 5) for n in range(300)]
    (mark,) = solve(planted(numbers, 256, ports=ports), RECIPE)
    assert told(mark)["seed"] == 5
    one_host = [shuffle(n, 1000, 14, TABLE, 7) for n in range(1000)]
    (mark,) = solve(planted(one_host, 1, ports=tuple(range(1, 1001))), RECIPE)
    assert told(mark)["seed"] == 7


@pytest.mark.parametrize("seed", range(6))
def test_other_orders_and_large_seeds_give_nothing(seed):
    rng = np.random.default_rng(seed)
    assert solve(planted(rng.permutation(4096)[:200].tolist(), 4096), RECIPE) == []
    large = [shuffle(n, 4096, 14, TABLE, 123456789 + seed) for n in range(200)]
    assert solve(planted(large, 4096), RECIPE) == []
    assert solve(planted(list(range(200)), 4096), RECIPE) == []


@needs_captures
@pytest.mark.parametrize(
    ("name", "seed", "shards"),
    [("masscan_shards_1of4", 99, 4), ("masscan_shards_2of4", 99, 4), ("masscan_p80_default", None, None)],
)
def test_captures_of_seeded_runs_give_their_seed(name, seed, shards):
    import craftmark

    parameters = craftmark.examine([LAB / f"{name}.pcap"]).scans[0].maker.parameters
    assert (parameters["seed"].value if "seed" in parameters else None) == seed
    assert (parameters["shards"].value if "shards" in parameters else None) == shards
