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


@pytest.mark.parametrize("step", [1, 256])
def test_one_counter_across_sources_shows_one_sender(plant, step):
    counter = (np.arange(200) * step) % 65536
    sender = assess_sender(plant({"ip_src": RNG.choice(NEAR, 200), "tcp_dport": np.arange(200), "ip_id": counter}))
    assert sender.verdict == "one"
    assert "ip_id counts on across sources" in sender.reasons[0]


def test_a_counter_of_its_own_per_source_shows_several(plant):
    runs = np.concatenate([start + np.arange(4) + 4 * turn for turn in range(30) for start in (100, 9000, 40000)])
    sources = np.repeat(np.tile(NEAR[:3], 30), 4)
    sender = assess_sender(plant({"ip_src": sources, "tcp_dport": np.arange(360), "ip_id": runs}))
    assert sender.verdict == "several"


def test_one_ttl_from_unrelated_networks_shows_one_sender(plant):
    columns = {"ip_src": np.tile(WIDE, 20), "tcp_dport": np.arange(120), "ip_ttl": 60}
    assert assess_sender(plant(columns)).verdict == "one"


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
