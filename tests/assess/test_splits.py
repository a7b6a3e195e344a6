"""Targets shared out among scans, with exact chances; strangers that happen not to meet are no campaign."""

from __future__ import annotations

from dataclasses import replace
from math import comb, log10

import numpy as np
import pytest

from craftmark.assess.campaigns import assess_campaigns
from craftmark.assess.splits import enclosing, log10_chance_of_nothing_in_common, splits
from craftmark.marks.base import Recovered, Toolmark

RNG = np.random.default_rng(31)
SPACE = 0xC6120000 + np.arange(4096)


def scan(plant, name, targets, *, port=443, **columns):
    subject = plant({"ip_src": 0xC0000201, "ip_dst": targets, "ip_ttl": 60, "tcp_dport": port, **columns})
    return replace(subject, id=name, shape="address")


def walk(step):
    return Toolmark(
        "order", "targets follow x", ("ip_dst",), 9, 9, -90.0, "individual", values=(65537, step),
        recovered=(Recovered("prime", 65537, 1.0, 9),),
    )  # fmt: skip


@pytest.mark.parametrize(("sizes", "space"), [((5, 7), 40), ((3, 4, 5), 64), ((20, 20), 40), ((1, 1), 2)])
def test_the_chance_is_that_of_the_definition(sizes, space):
    """The twin counts: the first set is anywhere, each other must miss all before it."""
    chance, taken = 1.0, 0
    for size in sizes:
        chance *= comb(space - taken, size) / comb(space, size)
        taken += size
    assert log10_chance_of_nothing_in_common(sizes, space) == pytest.approx(log10(chance))


def test_sets_that_cannot_miss_each_other_have_no_chance():
    assert log10_chance_of_nothing_in_common([30, 30], 40) == -np.inf


def test_a_block_encloses_all_targets():
    assert enclosing(SPACE[:10], SPACE[4000:]) == 4096
    assert enclosing(SPACE[:1]) == 1


def test_a_space_shared_out_among_three_scans_is_a_campaign(plant):
    parts = np.array_split(RNG.permutation(SPACE), 3)
    scans = [scan(plant, f"S{n}", part, ip_src=n << 24) for n, part in enumerate(parts, 1)]
    stranger = scan(plant, "S4", RNG.choice(SPACE, 1000, replace=False), ip_src=9 << 24)
    (found,) = assess_campaigns([*scans, stranger], frozenset())
    assert found.scans == ("S1", "S2", "S3")
    assert found.log10_chance < -300
    assert "S1, S2, S3 shared 4,096 targets of a block of 4,096 out among them" in found.statement


def test_strangers_in_one_space_are_no_campaign(plant):
    """False alarms: a hundred pairs of scans, each with targets of its own choice."""
    for _ in range(100):
        pair = [scan(plant, name, RNG.choice(SPACE, 200, replace=False)) for name in ("S1", "S2")]
        assert splits(pair) == []


def test_neighbouring_ranges_and_other_ports_are_not_shared_out(plant):
    apart = [scan(plant, "S1", SPACE[:2000]), scan(plant, "S2", SPACE[2000:])]
    halves = np.array_split(RNG.permutation(SPACE), 2)
    ports = [scan(plant, "S1", halves[0], port=22), scan(plant, "S2", halves[1], port=80)]
    assert splits(apart) == splits(ports) == []


def test_one_walk_over_a_shared_space_is_named_and_adds_to_the_chance(plant):
    halves = np.array_split(RNG.permutation(SPACE), 2)
    pair = [replace(scan(plant, f"S{n}", half), marks=(walk(35406),)) for n, half in enumerate(halves, 1)]
    (found,) = assess_campaigns(pair, frozenset())
    assert "walk over targets, modulo 65537 = 35406" in found.statement
    (without,) = assess_campaigns([replace(one, marks=()) for one in pair], frozenset())
    assert found.log10_chance == pytest.approx(without.log10_chance - 16 * log10(2), abs=0.01)


def test_a_remainder_of_two_bits_is_no_value_that_a_sender_chose(plant):
    """Scans with one window and one TTL each follow nmap's old window law once in four times."""
    pair = [scan(plant, name, SPACE[:40], ip_id=4711) for name in ("S1", "S2")]
    assert assess_campaigns(pair, frozenset()) == ()
