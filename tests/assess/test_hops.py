"""The distance: planted initial TTLs and hops are found with the promised weight, and nothing is said without."""

from __future__ import annotations

from math import fsum

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from craftmark.assess.base import AnswersSeen, MakerView, Subject
from craftmark.assess.hops import assess_distance, prior_of_hops, window_residue
from tests.assess.planting import plant_subject

NMAP = MakerView("crafted", "nmap", 0.99, ((37, 59),))


def best(distance):
    return distance.hypotheses[0].initial_ttl, distance.hypotheses[0].hops


def test_the_prior_over_distances_adds_up_to_one():
    assert fsum(prior_of_hops(hops) for hops in range(256)) == pytest.approx(1.0)


def test_the_scan_of_2000_came_from_4_hops_and_the_other_candidates_are_listed(odd_scan):
    distance = assess_distance(odd_scan)
    assert best(distance) == (48, 4)
    assert {(60, 16), (64, 20), (128, 84), (255, 211)} <= {(one.initial_ttl, one.hops) for one in distance.hypotheses}
    assert "libnet-1.0-samples" in distance.hypotheses[0].why
    assert "3,072 probes" in distance.hypotheses[0].why
    assert len(distance.smallest_set(0.95)) <= 3


@pytest.mark.parametrize(
    ("ttl", "expected"), [(60, (64, 4)), (124, (128, 4)), (251, (255, 4)), (50, (64, 14)), (255, (255, 0))]
)
def test_an_unknown_crafter_is_taken_to_use_a_common_default(plant, ttl, expected):
    distance = assess_distance(plant({"ip_ttl": np.full(300, ttl), "tcp_dport": np.arange(300)}))
    assert best(distance) == expected
    assert len(distance.smallest_set(0.95)) <= 3


def test_a_ttl_set_by_hand_beats_an_absurd_path(plant):
    maker = MakerView("crafted", "masscan", 0.99, ((255, 255),))
    distance = assess_distance(plant({"ip_ttl": 196, "tcp_dport": np.arange(300)}, maker=maker))
    assert best(distance) == (200, 4)


def test_far_from_every_default_a_ttl_may_have_been_set_by_hand(plant):
    """100 behind four routers is 32 from 128: the path of 4 stays among the likely ones."""
    distance = assess_distance(plant({"ip_ttl": 96, "tcp_dport": np.arange(300)}))
    assert {4, 32} <= set(distance.smallest_set(0.95))
    assert distance.chance({32}) < 0.5


@given(hops=st.integers(0, 30), probes=st.integers(200, 400), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_a_drawn_ttl_pins_the_distance(hops, probes, seed):
    ttls = np.random.default_rng(seed).integers(37, 60, probes) - hops
    distance = assess_distance(plant_subject({"ip_ttl": ttls, "tcp_dport": np.arange(probes)}, maker=NMAP))
    assert hops in distance.smallest_set(0.95)
    if np.ptp(ttls) == 22:
        assert [one.hops for one in distance.hypotheses] == [hops]


def test_few_drawn_ttls_leave_several_distances_with_honest_weights(plant):
    """Over scans drawn from the prior, the 95 % set holds the truth about as often as it says."""
    rng = np.random.default_rng(7)
    weights = np.array([prior_of_hops(hops) for hops in range(33)])
    held, runs = 0, 300
    for hops in rng.choice(33, runs, p=weights / weights.sum()):
        ttls = rng.integers(37, 60, 6) - hops
        distance = assess_distance(plant({"ip_ttl": ttls, "tcp_dport": np.arange(6)}, maker=NMAP))
        held += int(hops) in distance.smallest_set(0.95)
    assert held / runs >= 0.93


def test_the_95_percent_set_of_common_defaults_holds_the_truth_as_often_as_it_says(plant):
    rng = np.random.default_rng(11)
    hops_of = np.array([prior_of_hops(hops) for hops in range(33)])
    held, sizes, runs = 0, [], 400
    for _ in range(runs):
        hops = int(rng.choice(33, p=hops_of / hops_of.sum()))
        initial = int(rng.choice([64, 128, 255, 60, 48], p=[0.47, 0.24, 0.24, 0.025, 0.025]))
        distance = assess_distance(plant({"ip_ttl": np.full(50, initial - hops), "tcp_dport": np.arange(50)}))
        chosen = distance.smallest_set(0.95)
        held += hops in chosen
        sizes.append(len(chosen))
    assert held / runs >= 0.94
    assert np.median(sizes) <= 3


@given(ttl=st.integers(3, 255), confidence=st.floats(0, 1), initial=st.sampled_from([48, 64, 128, 255]))
@settings(max_examples=100, deadline=None)
def test_weights_add_up_to_one_and_fall(ttl, confidence, initial):
    maker = MakerView("crafted", "tool", confidence, ((initial, initial),))
    distance = assess_distance(plant_subject({"ip_ttl": ttl, "tcp_dport": [1, 2, 3]}, maker=maker))
    weights = [one.weight for one in distance.hypotheses]
    assert fsum(weights) == pytest.approx(1.0, abs=1e-9)
    assert weights == sorted(weights, reverse=True)
    assert all(one.initial_ttl - one.hops == ttl for one in distance.hypotheses if "drawn" not in one.why)


def test_who_sets_a_samples_values_by_hand_may_have_set_its_ttl(plant):
    """A crafter's packets with libnet's other values, seen with TTL 44: 20 routers from 64, or 4 from 48."""
    own = MakerView("crafted", "hping", 0.99, ((64, 64),))
    lent = MakerView("crafted", "hping", 0.99, ((64, 64),), ((48, 48),))
    columns = {"ip_ttl": 44, "tcp_dport": [1, 2, 3]}
    assert 4 not in assess_distance(plant(columns, maker=own)).smallest_set(0.95)
    assert {4, 20} == set(assess_distance(plant(columns, maker=lent)).smallest_set(0.95))


@pytest.mark.parametrize("ttl", [1, 2])
def test_a_ttl_that_is_all_but_spent_was_chosen_for_the_distance(plant, ttl):
    """A route tracer that met its target at once: nothing rises, yet 64 - 1 is no distance."""
    distance = assess_distance(plant({"ip_ttl": ttl, "tcp_dport": [80, 80, 80]}))
    assert distance.hypotheses == ()
    assert "spent" in distance.reason


def test_a_ttl_far_from_all_in_general_use_was_set_by_hand(plant):
    """Set to 70, seen as 67: no path is 61 routers long, and any shorter one may be it."""
    distance = assess_distance(plant({"ip_ttl": 67, "tcp_dport": [1, 2, 3]}))
    assert 3 in distance.smallest_set(0.95)
    assert distance.chance(range(33, 256)) < 0.1


def test_a_ttl_near_one_in_general_use_is_not_said_to_be_set_by_hand(plant):
    distance = assess_distance(plant({"ip_ttl": 61, "tcp_dport": [1, 2, 3]}))
    assert not any("by hand" in one.why for one in distance.hypotheses)


def test_a_ttl_drawn_over_the_whole_range_tells_nothing(plant):
    ttls = np.random.default_rng(3).integers(0, 252, 500)
    distance = assess_distance(plant({"ip_ttl": ttls, "tcp_dport": np.arange(500)}))
    assert distance.hypotheses == ()
    assert "drawn at random" in distance.reason


def test_a_narrow_draw_that_is_not_nmaps_tells_nothing(plant):
    ttls = np.random.default_rng(3).integers(45, 51, 500)
    assert assess_distance(plant({"ip_ttl": ttls, "tcp_dport": np.arange(500)}, maker=NMAP)).hypotheses == ()


def test_a_walked_path_tells_no_distance(plant):
    subject = plant({"ip_ttl": np.repeat([1, 2, 3, 4, 5], 3), "udp_dport": np.arange(15)}, protocol=17)
    assert "step by step" in assess_distance(subject).reason


def test_no_visible_ttl_gives_no_distance(plant):
    assert "no TTL" in assess_distance(plant({"tcp_dport": [7]})).reason


def test_a_change_of_path_does_not_hide_the_distance(plant):
    ttls = np.full(400, 60)
    ttls[100:140] = 58
    distance = assess_distance(plant({"ip_ttl": ttls, "tcp_dport": np.arange(400)}))
    assert best(distance) == (64, 4)
    assert "another path" in distance.hypotheses[0].why


def test_two_sources_with_different_defaults_at_one_distance_are_solved_together(plant):
    columns = {"ip_src": np.repeat([0xC0000202, 0xC0000203], 100), "tcp_dport": np.arange(200)}
    alone = assess_distance(plant({"ip_ttl": 44, "tcp_dport": np.arange(200)}))
    together = assess_distance(plant({**columns, "ip_ttl": np.repeat([44, 108], 100)}))
    assert best(together) == (64, 20)
    assert together.chance([20]) > alone.chance([20])


def test_nmaps_decoys_share_one_distance(plant):
    rng = np.random.default_rng(5)
    columns = {"ip_src": np.tile(0xC0000200 + np.arange(5), 60), "tcp_dport": np.repeat(np.arange(60), 5)}
    distance = assess_distance(plant({**columns, "ip_ttl": rng.integers(37, 60, 300) - 9}, maker=NMAP))
    assert best(distance) == (59, 9)


def test_parts_with_another_ttl_do_not_spoil_the_main_part(plant):
    rng = np.random.default_rng(5)
    main = plant({"ip_ttl": rng.integers(37, 60, 300) - 2, "tcp_dport": np.arange(300)}, maker=NMAP)
    other = plant({"ip_ttl": 250, "udp_dport": [1]}, protocol=17)
    assert best(assess_distance(Subject("S1", "port", (*main.parts, *other.parts), maker=NMAP))) == (59, 2)


def old_nmap(rng, n, hops):
    """TTLs and windows as nmap before June 2011 sent them, after so many routers."""
    sent = rng.integers(37, 60, n)
    return {"tcp_dport": np.arange(n), "ip_ttl": sent - hops, "tcp_win": 1024 * (sent % 4 + 1)}


def test_the_old_window_law_gives_the_distance_from_a_few_probes(plant):
    rng = np.random.default_rng(11)
    maker = MakerView("crafted", "nmap", 0.99, ((37, 59),))
    right = 0
    for _ in range(40):
        hops = int(rng.integers(1, 20))
        subject = plant(old_nmap(rng, 8, hops), maker=maker)
        assert window_residue(subject) == hops % 4
        distance = assess_distance(subject)
        assert all(one.hops % 4 == hops % 4 for one in distance.hypotheses)
        right += hops in distance.smallest_set(0.95)
    assert right >= 37


def test_windows_that_do_not_follow_the_ttl_have_no_residue(plant):
    rng = np.random.default_rng(12)
    columns = {**old_nmap(rng, 30, 4), "tcp_win": 1024 * rng.integers(1, 5, 30)}
    assert window_residue(plant(columns)) is None
    assert window_residue(plant({**columns, "tcp_win": 1024})) is None


def test_resets_of_the_source_settle_what_one_probe_leaves_open(plant):
    one = {"tcp_dport": [80], "ip_ttl": 40}
    answers = AnswersSeen(both_ways=True, rst_ttls={"192.0.2.2": (60,)})
    maker = MakerView("crafted", "nmap", 0.5, ((37, 59),))
    assert assess_distance(plant(one, maker=maker, answers=answers), resets=True).hypotheses[0].hops == 4
