"""Campaigns: told by values that one sender chose, never by what a tool or a habit brings along."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from craftmark.assess.base import MakerView
from craftmark.assess.campaigns import assess_campaigns

NOBODY = frozenset()


def scan(plant, name, **columns):
    given = {
        "ip_src": 0xC0000201, "ip_dst": 0xC6336401 + np.arange(40), "ip_ttl": 60, "tcp_dport": 23,
        "tcp_sport": np.arange(40) + 2000, "tcp_seq": np.arange(40) * 77777 + 5, "tcp_win": 1024,
    } | columns  # fmt: skip
    return replace(plant(given, control_bits=2), id=name)


def test_scans_with_one_chosen_sequence_number_are_a_campaign(plant):
    one = scan(plant, "S1", tcp_seq=0x7A3311FE)
    two = scan(plant, "S2", tcp_seq=0x7A3311FE, ip_src=0x01020304, tcp_dport=80)
    other = scan(plant, "S3", tcp_seq=0x12345679)
    (found,) = assess_campaigns([one, two, other], NOBODY)
    assert found.scans == ("S1", "S2")
    assert "tcp_seq = 0x7a3311fe" in found.statement
    assert -9.7 < found.log10_chance < -9


def test_a_value_of_some_tool_joins_nobody(plant):
    scans = [scan(plant, name, tcp_seq=0xA1D95) for name in ("S1", "S2")]
    assert assess_campaigns(scans, frozenset({("tcp_seq", 0xA1D95)})) == ()


def test_sixteen_shared_bits_are_too_few(plant):
    assert assess_campaigns([scan(plant, name, ip_id=4711) for name in ("S1", "S2")], NOBODY) == ()
    both = [scan(plant, name, ip_id=4711, tcp_sport=31337) for name in ("S1", "S2")]
    assert [found.scans for found in assess_campaigns(both, NOBODY)] == [("S1", "S2")]


def test_zero_is_nobodys_choice(plant):
    assert assess_campaigns([scan(plant, name, tcp_seq=0) for name in ("S1", "S2")], NOBODY) == ()


def test_a_value_of_a_crowd_is_a_habit(plant):
    crowd = [scan(plant, f"S{n}", tcp_seq=99999999) for n in range(70)]
    assert assess_campaigns(crowd, NOBODY) == ()


def test_the_payload_of_a_known_tool_joins_nobody(plant):
    """Two users of fping send the same octets."""
    scans = [scan(plant, name, payload_hash=0x410F1577) for name in ("S1", "S2")]
    assert len(assess_campaigns(scans, NOBODY)) == 1
    fping = MakerView("crafted", "fping", 0.99)
    assert assess_campaigns([replace(one, maker=fping) for one in scans], NOBODY) == ()
