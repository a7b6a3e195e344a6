"""One sender or several: planted decoys, shared counters and distances are told; ordinary sources are not."""

from __future__ import annotations

import numpy as np
import pytest

from craftmark.assess.sender import assess_sender, decoy_bursts, networks_of
from tests.assess.planting import NEAR, WIDE, decoys

RNG = np.random.default_rng(21)


def test_decoy_bursts_show_one_sender(plant):
    sender = assess_sender(plant(decoys(WIDE, 60)))
    assert (sender.verdict, sender.decoy_bursts) == ("one", 60)
    assert "60 times several sources" in sender.reasons[0]


def test_equal_constants_are_no_decoy_bursts(odd_scan):
    assert decoy_bursts(odd_scan.main) == 0


def test_independent_draws_are_no_decoy_bursts(plant):
    columns = decoys(WIDE, 60) | {"ip_id": RNG.integers(1, 65535, 360)}
    assert decoy_bursts(plant(columns).main) == 0


def test_a_burst_spread_over_minutes_is_none(plant):
    assert decoy_bursts(plant(decoys(WIDE, 60), gap_ns=60_000_000_000).main) == 0


def test_one_source_is_one_sender_trivially(plant):
    assert assess_sender(plant({"tcp_dport": [1, 2, 3]})).verdict == "one"


def test_the_scan_of_2000_has_one_sender(odd_scan):
    sender = assess_sender(odd_scan)
    assert sender.verdict == "one"
    assert any("ip_id, tcp_seq, tcp_ack, tcp_sport are the same" in reason for reason in sender.reasons)
    assert "send one after the other, each within 4 gaps of the one before" in sender.reasons[0]


@pytest.mark.parametrize("step", [1, 256])
def test_one_counter_across_sources_shows_one_sender(plant, step):
    counter = (np.arange(200) * step) % 65536
    sender = assess_sender(plant({"ip_src": RNG.choice(NEAR, 200), "tcp_dport": np.arange(200), "ip_id": counter}))
    assert sender.verdict == "one"
    assert "ip_id counts on across sources" in sender.reasons[0]


def test_a_counter_of_its_own_per_source_shows_several(plant):
    runs = np.concatenate([start + np.arange(4) + 4 * turn for turn in range(30) for start in (100, 9000, 40000)])
    sources = np.repeat(np.tile(NEAR[:3], 30), 4)
    columns = {"ip_src": sources, "tcp_dport": np.arange(360), "ip_id": runs}
    assert assess_sender(plant(columns)).verdict == "undecided"  # Linux keeps a counter for each pair of addresses
    assert assess_sender(plant({**columns, "ip_ttl": 50 + sources % 3 * 5})).verdict == "several"


def test_ways_that_differ_by_a_router_or_two_may_be_those_of_one_sender(plant):
    """Routers that share out traffic by addresses send forged sources on different ways."""
    assert assess_sender(plant(mingled(WIDE, [40, 41, 42, 40, 41, 42]))).verdict == "undecided"


def test_one_ttl_from_many_unrelated_networks_shows_one_sender(plant):
    networks = (np.arange(20, 60) << 24)[np.random.default_rng(5).integers(0, 40, 400)]
    columns = {"ip_src": networks, "tcp_dport": np.arange(400), "ip_ttl": 60}
    assert assess_sender(plant(columns)).verdict == "one"
    few = {**columns, "ip_src": WIDE[np.random.default_rng(5).integers(0, 6, 400)]}
    assert assess_sender(plant(few)).verdict == "undecided"


def test_machines_that_run_one_tool_with_one_choice_of_values_are_not_one_sender(plant):
    """The same constants and TTL, the same pace, started within a round: each at a place of its own in the list."""
    turn = np.arange(400)
    columns = {"ip_src": NEAR[turn % 4], "tcp_dport": turn // 4 + 7 * (turn % 4), "ip_ttl": 60}
    constants = {"ip_id": 242, "tcp_seq": 662933, "tcp_ack": 83, "tcp_sport": 31337, "tcp_win": 1024}
    assert assess_sender(plant({**columns, **constants})).verdict != "one"


def mingled(sources, ttls):
    """Columns of hosts that each probe 20 ports of their own choice, in no common order."""
    which = RNG.permutation(np.repeat(np.arange(len(sources)), 20))
    ports = RNG.integers(0, 60, len(which))
    return {"ip_src": np.asarray(sources)[which], "tcp_dport": ports, "ip_ttl": np.asarray(ttls)[which]}


def test_one_ttl_from_one_network_shows_nothing(plant):
    assert assess_sender(plant(mingled(NEAR, [60] * 5))).verdict == "undecided"


def test_each_source_at_a_distance_of_its_own_shows_several(plant):
    assert assess_sender(plant(mingled(WIDE, [40, 44, 47, 51, 52, 60]))).verdict == "several"


def test_independent_hosts_with_the_same_tool_stay_undecided_or_several(plant):
    """False alarms of "one": hosts of unrelated networks with distances drawn from an Internet's spread."""
    alarms = 0
    for _ in range(100):
        columns = mingled(WIDE, 64 - RNG.integers(6, 24, 6))
        columns |= {"ip_id": RNG.integers(0, 65536, 120), "tcp_sport": RNG.integers(1024, 65536, 120)}
        alarms += assess_sender(plant(columns)).verdict == "one"
    assert alarms == 0


def test_networks_are_the_first_16_bits_or_32_of_ipv6():
    assert len(networks_of(["10.1.0.1", "10.1.255.9", "10.2.0.1", "2001:db8::1", "2001:db8:ffff::1"])) == 3
