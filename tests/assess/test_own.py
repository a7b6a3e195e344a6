"""Own networks: which way a scan went, and what that makes of its sources and purposes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from craftmark.assess.conclude import conclude
from craftmark.assess.own import claim_of_direction, direction_of, inside

SWEEP = {"tcp_dport": np.arange(100), "ip_ttl": 60}


@pytest.mark.parametrize(
    ("own", "direction", "words"),
    [
        (("198.51.100.0/24",), "inbound", "aimed at your networks"),
        (("192.0.2.0/24",), "outbound", "192.0.2.2 sent it"),
        (("192.0.2.0/24", "198.51.100.0/24"), "internal", "stayed within your networks"),
        (("10.0.0.0/8", "2001:db8::/32"), "elsewhere", "neither its sources nor its targets"),
    ],
)
def test_the_direction_is_told_from_the_own_networks(plant, own, direction, words):
    subject = replace(plant(SWEEP), own=own)
    assert direction_of(subject) == direction
    claim = claim_of_direction(subject, forged=False)
    assert words in claim.statement
    assert claim.settled_by


def test_without_own_networks_nothing_is_said(plant):
    assert direction_of(plant(SWEEP)) == "unknown"
    assert claim_of_direction(plant(SWEEP), forged=False) is None


def test_sources_of_both_sides_are_mixed(plant):
    columns = {**SWEEP, "ip_src": np.tile([0xC0000202, 0x08080808], 50)}
    subject = replace(plant(columns), own=("192.0.2.0/24",))
    assert direction_of(subject) == "mixed"
    assert claim_of_direction(subject, forged=False) is None


def test_an_own_address_from_far_away_speaks_for_forging(plant):
    far = conclude(replace(plant({**SWEEP, "ip_ttl": 44}), own=("192.0.2.0/24",))).spoofing
    near = conclude(replace(plant({**SWEEP, "ip_ttl": 63}), own=("192.0.2.0/24",))).spoofing
    assert (far.log10_odds, near.log10_odds) == (0.6, 0.0)
    assert "address of your own networks" in far.reasons[0]


def test_a_forged_source_leaves_the_direction_in_doubt(plant):
    subject = replace(plant(SWEEP), own=("192.0.2.0/24",))
    assert claim_of_direction(subject, forged=True).confidence == "fair"
    assert claim_of_direction(subject, forged=True).against


def test_a_search_out_of_the_own_networks_looks_more_like_a_worm(plant):
    columns = {"tcp_dport": 23, "ip_ttl": 64, "ip_dst": 0xC6336400 + np.arange(100)}
    subject = plant(columns, shape="address")
    weights = [
        {one.id: one.weight for one in conclude(replace(subject, own=own)).purposes}["worm"]
        for own in ((), ("192.0.2.0/24",))
    ]
    assert weights[1] > 2 * weights[0]


def test_addresses_are_looked_up_by_network():
    assert inside(["192.0.2.1", "2001:db8::1", "8.8.8.8"], ("192.0.2.0/24", "2001:db8::/32")) == [
        "192.0.2.1", "2001:db8::1",
    ]  # fmt: skip
