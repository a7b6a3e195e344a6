"""Walks over targets: planted scans give back what they were planted with, other orders give nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from craftmark.marks.cyclic import solve
from craftmark.marks.cyclic_seeds import seed_of
from craftmark.marks.target_lists import Numbering, prefix_list
from craftmark.tools.load import load_rules
from tests.cases.captures import needs_captures
from tests.marks.dossiers import dossier_from_batch, probes
from tests.naive.cyclic import is_primitive, walk

RECIPE = next(one for one in load_rules().recipes if one.kind == "cyclic walk")
#: The same with little patience: what is not there is looked for to the ceiling.
QUICK = replace(RECIPE, details={**RECIPE.details, "steps": 1 << 17})


def planted(targets, *, gap_ns=500_000, **columns):
    addresses, ports = (list(column) for column in zip(*targets, strict=True))
    columns = {"tcp_flags": 2, "tcp_win": 65535, "ip_src": 1, "tcp_sport": 40000} | columns
    return dossier_from_batch(probes(len(addresses), gap_ns=gap_ns, ip_dst=addresses, tcp_dport=ports, **columns))


def taken(count, *args, **kwargs):
    return [target for target, _ in zip(walk(*args, **kwargs), range(count), strict=False)]


def told(mark):
    return {one.name: one.value for one in mark.recovered}


@pytest.mark.parametrize(
    ("network", "prime"), [("198.18.0.0/16", 65537), ("198.18.0.0/20", 65537), ("203.0.113.0/24", 257)]
)
@pytest.mark.parametrize("seed", range(3))
def test_a_prefix_scan_gives_back_its_generator(network, prime, seed):
    rng = np.random.default_rng(seed)
    generator = next(g for g in range(int(rng.integers(3, prime)), 2 * prime) if is_primitive(g, prime)) % prime
    targets = taken(60, network, prime, generator, int(rng.integers(0, prime)))
    (mark,) = solve(planted(targets), RECIPE)
    values = told(mark)
    assert (values["prime"], values["generator"]) == (prime, generator)
    assert values["rate_pps"] == pytest.approx(2000, rel=0.2)
    assert mark.held == mark.seen == 60
    assert mark.log10_chance < -6
    assert all(one.checked >= 40 for one in mark.recovered if one.name == "generator")


def test_what_is_told_to_come_next_comes_next():
    targets = taken(1200, "198.18.0.0/20", 65537, 9421, 31903)
    (mark,) = solve(planted(targets[:1000]), RECIPE)
    following = [".".join(str(address >> shift & 255) for shift in (24, 16, 8, 0)) for address, _ in targets[1000:1003]]
    _, _, coming = mark.statement.partition("next: ")
    assert [one.split(" in ")[0] for one in coming.split(", ")] == following
    assert "0 of 1,000 targets" in mark.statement


def paced(count, *, rate):
    """Return targets of a walk sent at a steady rate, with their times; elements beyond the /20 send nothing."""
    found = [(address, n / rate) for n, address in enumerate(ADDRESSES) if address is not None]
    return found[:count], found[count:]


#: Address that each element of a walk stands for, None where it is beyond the /20.
ADDRESSES = [
    (198 << 24) + (18 << 16) + element - 1 if element <= 4096 else None
    for element in (pow(9421, 31903 + n, 65537) for n in range(65536))
]


def test_when_the_next_targets_come_and_how_long_the_walk_takes_is_told():
    seen, later = paced(900, rate=1000.0)
    dossier = planted([(address, 443) for address, _ in seen])
    dossier.sample.ts_ns[:] = dossier.sample.ts_ns[0] + [int(1e9 * (seconds - seen[0][1])) for _, seconds in seen]
    (mark,) = solve(dossier, RECIPE)
    waits = [float(wait.split()[0]) for wait in mark.statement.partition("next: ")[2].split(" in ")[1:]]
    assert waits == pytest.approx([1000 * (seconds - seen[-1][1]) for _, seconds in later[:3]], rel=0.02)
    assert told(mark)["duration_s"] == pytest.approx(65.536, rel=0.01)
    assert told(mark)["coverage"] == pytest.approx((seen[-1][1] - seen[0][1]) / 65.536, rel=0.01)


def test_lost_packets_are_counted():
    targets = taken(1000, "198.18.0.0/20", 65537, 9421, 31903)
    kept = [target for n, target in enumerate(targets) if n % 4 or n in (0, 996)]
    (mark,) = solve(planted(kept), RECIPE)
    assert f"{len(targets[:1000]) - len(kept)} of 1,000 targets" in mark.statement


@pytest.mark.parametrize("threads", [2, 4])
def test_threads_in_arcs_are_counted(threads):
    targets = taken(600, "198.18.0.0/16", 65537, 9421, 5000, threads=threads)
    (mark,) = solve(planted(targets), RECIPE)
    assert told(mark)["threads"] == threads
    assert told(mark)["rate_pps"] == pytest.approx(2000, rel=0.05)


def test_interleaved_threads_walk_one_line():
    targets = taken(600, "198.18.0.0/16", 65537, 9421, 5000, threads=4, interleaved=True)
    (mark,) = solve(planted(targets), RECIPE)
    assert told(mark)["generator"] == 9421


def test_a_shard_of_interleaved_ones_walks_in_powers():
    targets = taken(400, "198.18.0.0/16", 65537, 9421, 5000, shards=3, shard=1, interleaved=True)
    (mark,) = solve(planted(targets), RECIPE)
    assert told(mark)["generator"] == pow(9421, 3, 65537)


@pytest.mark.parametrize("shards", [2, 4, 8])
def test_a_shard_that_no_primitive_root_walks_tells_no_seed_of_one(shards):
    targets = taken(400, "198.18.0.0/16", 65537, 9421, 5000, shards=shards, shard=1, interleaved=True)
    (mark,) = solve(planted(targets), RECIPE)
    assert told(mark)["generator"] == pow(9421, shards, 65537)
    assert "seed" not in told(mark)


def test_ports_below_the_targets_are_walked_too():
    targets = taken(400, "198.18.0.0/18", 65537, 50695, 2946, ports=(80, 443))
    (mark,) = solve(planted(targets), RECIPE)
    assert told(mark)["generator"] == 50695
    assert "and 2 ports" in mark.statement


def test_a_telescope_sees_the_walk_over_all_of_ipv4():
    from tests.marks.test_walks import planted as seen_by_telescope

    track, _ = seen_by_telescope(5, 40)
    from craftmark.kernels.residues import group
    from craftmark.marks.target_lists import open_list

    elements = [pow(3, int(log), 4294967311) for log in track.logs]
    addresses = open_list(tuple(RECIPE.details["blocked"]), 20).addresses(np.array(elements) - 1)
    assert (group(4294967311, 3).logarithms(np.array(elements)) == track.logs).all()
    dossier = planted([(int(one), 443) for one in addresses])
    dossier.sample.ts_ns[:] = dossier.sample.ts_ns[0] + (track.seconds * 1e9).astype(np.int64)
    (mark,) = solve(dossier, RECIPE)
    assert told(mark)["prime"] == 4294967311
    assert told(mark)["target_count"] == 3_702_258_432
    assert mark.held == mark.seen == 40


@pytest.mark.parametrize("seed", range(4))
def test_a_shuffled_order_gives_nothing(seed):
    rng = np.random.default_rng(seed)
    count = int(rng.integers(6, 300))
    addresses = 0xC6120000 + rng.permutation(1 << int(rng.integers(9, 17)))[:count]
    assert solve(planted([(int(one), 80) for one in addresses]), QUICK) == []
    assert solve(planted([(int(one), 80) for one in addresses], tcp_win=1024), QUICK) == []


def test_what_cannot_be_a_walk_is_left_alone():
    ascending = planted([(0xC6120000 + n, 80) for n in range(60)])
    assert solve(ascending, QUICK) == []
    assert solve(planted([(0xC6120000, port) for port in range(60)]), QUICK) == []
    assert solve(replace(ascending, ip_version=6), QUICK) == []


def test_a_changed_header_does_not_hide_a_walk_that_is_seen_whole():
    targets = taken(60, "198.18.0.0/16", 65537, 9421, 31903)
    (mark,) = solve(planted(targets, tcp_win=1024, ip_id=1), RECIPE)
    assert told(mark)["generator"] == 9421


@pytest.mark.parametrize(
    ("seed", "generator", "first"), [(11, 9421, 31954), (42, 56154, 20887), (5, 3842, 35148), (20, 50695, 2946)]
)
def test_small_seeds_of_real_runs_are_found(seed, generator, first):
    """Generators and first exponents of runs of version 4.3 with --seed; measured, as in zmap.toml."""
    numbering = Numbering(prefix_list(0xC6120000, 16), (), 65537, 3)
    step = next(n for n in range(65536) if pow(3, n, 65537) == generator)
    found = seed_of(step, (step,), first * step % 65536, numbering, 1 << 22, 16384)
    assert found is not None
    assert found.value == seed


def test_random_steps_have_no_small_seed():
    numbering = Numbering(prefix_list(0, 8), (), 4294967311, 3)
    rng = np.random.default_rng(1)
    steps = [int(one) | 1 for one in rng.integers(0, 4294967310, 40)]
    found = [seed_of(step, (step,), int(rng.integers(0, 4294967310)), numbering, 1 << 22, 4096) for step in steps]
    assert found == [None] * 40


def test_a_step_that_is_no_primitive_root_has_no_seed():
    """A few probes leave such steps open: no seed of a tool that draws primitive roots leads to one."""
    numbering = Numbering(prefix_list(0xCB007100, 24), (), 257, 3)
    assert [seed_of(step, (step,), 5, numbering, 1 << 22, 16384) for step in (2, 6, 48)] == [None] * 3


CAPTURES = {
    "zmap_git_shard0of3": (65537, 9421, 11),
    "zmap_git_shard1of3": (65537, 9421, 11),
    "zmap_git_synscan_s31337": (65537, 26809, None),
    "zmap_git_dns": (65537, 36793, None),
    "zmap_shard0of3": (65537, 35406, 11),
    "zmap_icmp_time": (65537, 58032, None),
}


@needs_captures
@pytest.mark.parametrize("name", CAPTURES)
def test_captures_of_the_scanner_give_their_walk(name):
    import craftmark
    from tests.cases.captures import LAB

    report = craftmark.examine([LAB / f"{name}.pcap"])
    parameters = report.scans[0].maker.parameters
    prime, generator, seed = CAPTURES[name]
    assert (parameters["prime"].value, parameters["generator"].value) == (prime, generator)
    assert parameters["generator"].checked > 900
    assert (parameters["seed"].value if "seed" in parameters else None) == seed
