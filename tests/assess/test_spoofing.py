"""Forged or genuine: forged sources are told where the packets show it; nothing is genuine without proof."""

from __future__ import annotations

import numpy as np
import pytest

from craftmark.assess.base import AnswersSeen, MakerView
from craftmark.assess.hops import assess_distance
from craftmark.assess.sender import assess_sender
from craftmark.assess.spoofing import RESERVED_SHARE, assess_spoofing, is_impossible
from tests.assess.planting import NEAR, WIDE, decoys

SELF = "192.0.2.2"
SWEEP = {"tcp_dport": np.arange(300), "ip_ttl": 60}


def judged(subject):
    return assess_spoofing(subject, distance=assess_distance(subject), sender=assess_sender(subject))


def test_a_plain_scan_is_undecided_and_says_so(plant):
    spoofing = judged(plant(SWEEP))
    assert spoofing.verdict == "undecided"
    assert spoofing.reasons == ("nothing in this capture tells a forged source from a genuine one",)
    assert spoofing.confidence == 0.5


def test_the_scan_of_2000_is_undecided(odd_scan):
    assert judged(odd_scan).verdict == "undecided"


def test_completed_handshakes_are_genuine(plant):
    spoofing = judged(plant(SWEEP, answers=AnswersSeen(both_ways=True, completed_handshakes={SELF: 5})))
    assert spoofing.verdict == "genuine"
    assert "completed handshakes" in spoofing.reasons[0]


def test_one_handshake_is_not_enough(plant):
    assert (
        judged(plant(SWEEP, answers=AnswersSeen(both_ways=True, completed_handshakes={SELF: 1}))).verdict == "undecided"
    )


def test_handshakes_of_one_source_do_not_make_the_others_genuine(plant):
    columns = {**SWEEP, "ip_src": np.tile(NEAR[2:4], 150)}
    spoofing = judged(plant(columns, answers=AnswersSeen(both_ways=True, completed_handshakes={SELF: 5})))
    assert spoofing.verdict != "genuine"
    assert (spoofing.of(SELF), spoofing.of("192.0.2.3")) == ("genuine", "undecided")


def test_resets_from_the_probes_distance_are_only_weak_evidence(plant):
    spoofing = judged(plant(SWEEP, answers=AnswersSeen(both_ways=True, rst_ttls={SELF: (60,)})))
    assert spoofing.verdict == "undecided"
    assert spoofing.log10_odds < 0


@pytest.mark.parametrize("rst_ttl", [52, 117, 245])
def test_resets_from_another_distance_speak_for_forged(plant, rst_ttl):
    spoofing = judged(plant(SWEEP, answers=AnswersSeen(both_ways=True, rst_ttls={SELF: (rst_ttl,)})))
    assert spoofing.verdict == "undecided"
    assert spoofing.log10_odds > 0
    assert "another distance" in spoofing.reasons[0]


def test_repeating_only_what_stayed_silent_shows_that_answers_arrive(plant):
    answers = AnswersSeen(both_ways=True, answered_again=(0, 40), unanswered_again=(20, 20), silent_runs=3)
    assert judged(plant(SWEEP, answers=answers)).verdict == "genuine"


def test_repeating_one_stretch_that_a_filter_guards_shows_nothing(plant):
    answers = AnswersSeen(both_ways=True, answered_again=(0, 40), unanswered_again=(20, 20), silent_runs=2)
    assert judged(plant(SWEEP, answers=answers)).verdict == "undecided"


def test_repeating_everything_shows_nothing(plant):
    answers = AnswersSeen(both_ways=True, answered_again=(40, 40), unanswered_again=(20, 20), silent_runs=9)
    assert judged(plant(SWEEP, answers=answers)).verdict == "undecided"


def test_decoys_are_forged_but_for_one(plant):
    spoofing = judged(plant(decoys(WIDE, 60), maker=MakerView("crafted", "nmap", 0.99, ((37, 59),))))
    assert spoofing.verdict == "spoofed"
    assert "at most one of them is real" in spoofing.reasons[0]


def test_sources_drawn_over_the_whole_space_by_one_sender_are_forged(plant):
    sources = np.random.default_rng(1).integers(0, 2**32, 600)
    spoofing = judged(plant({"ip_src": sources, "tcp_dport": 80, "ip_ttl": 60}, shape="spot"))
    assert spoofing.verdict == "spoofed"
    assert any("draw over the whole address space" in reason for reason in spoofing.reasons)


def test_many_real_hosts_at_their_own_distances_are_not_called_forged(plant):
    """False alarms: sources of unrelated networks, none in reserved space, each with its distance."""
    rng = np.random.default_rng(2)
    for _ in range(50):
        networks = rng.choice([block for block in range(1, 224) if block not in (10, 127)], 40)
        mixed = rng.permutation(np.repeat(np.arange(40), 20))
        sources = (networks * 2**24 + rng.integers(2**16, 2**17, 40))[mixed]
        ttls = (64 - rng.integers(6, 24, 40))[mixed]
        columns = {"ip_src": sources, "tcp_dport": 23, "ip_ttl": ttls, "ip_id": rng.integers(0, 65536, 800)}
        assert judged(plant(columns, shape="address")).verdict == "undecided"


def test_reserved_sources_alone_decide_nothing(plant):
    for address in (0x0A000001, 0xC0A80001, 0xCB007105):
        assert judged(plant({**SWEEP, "ip_src": address})).verdict == "undecided"


def test_sources_that_no_host_can_have_are_forged(plant):
    columns = {"tcp_dport": np.arange(300) // 3, "ip_ttl": 60}
    spoofing = judged(plant({**columns, "ip_src": np.tile([0xF0000001, 0x00000001, 0xE1020304], 100)}))
    assert spoofing.verdict == "spoofed"
    assert is_impossible("254.135.131.152")
    assert not is_impossible("223.255.255.1")
    assert not is_impossible("2001:db8::1")


def test_hosts_of_an_anonymised_capture_are_not_called_forged(plant):
    """Anonymisers scatter addresses over the whole space, and keep what else tells the hosts apart."""
    rng = np.random.default_rng(3)
    mixed = rng.permutation(np.repeat(np.arange(60), 20))
    sources, ttls = rng.integers(0, 2**32, 60)[mixed], (64 - rng.integers(6, 24, 60))[mixed]
    columns = {"ip_src": sources, "tcp_dport": 23, "ip_ttl": ttls, "ip_id": rng.integers(0, 65536, 1200)}
    spoofing = judged(plant(columns, shape="address"))
    assert spoofing.verdict == "undecided"
    assert spoofing.by_source == {}


@pytest.mark.parametrize("address", [0x7F000001, 0xF3010203, 0x00000000])
def test_one_address_that_no_other_network_can_have_is_undecided(plant, address):
    """A capture of the loopback interface, one that was anonymised, a host that has no address yet."""
    spoofing = judged(plant({**SWEEP, "ip_src": address}))
    assert spoofing.verdict == "undecided"
    assert spoofing.by_source == {}


def test_a_fleet_of_one_operator_is_not_called_forged(plant):
    """Machines of one place, with addresses of ten networks, one code and a common list of targets."""
    rng = np.random.default_rng(4)
    networks = rng.choice(np.arange(20, 120), 10, replace=False) << 24
    columns = {"ip_src": networks[rng.integers(0, 10, 600)], "ip_dst": 0xC6330000 + rng.permutation(600), "ip_ttl": 51}
    spoofing = judged(plant({**columns, "tcp_dport": 443, "ip_id": 54321, "tcp_win": 65535}, shape="address"))
    assert spoofing.verdict == "undecided"


def test_one_program_behind_a_few_networks_is_not_enough(plant):
    """A rented host can have addresses of several networks."""
    columns = {**SWEEP, "tcp_dport": np.arange(300) // 6, "ip_src": np.tile(WIDE, 50)}
    sender = assess_sender(plant(columns))
    assert (sender.verdict, sender.one_program) == ("one", True)
    assert judged(plant(columns)).verdict == "undecided"


def test_the_reserved_share_of_the_space_is_about_a_seventh():
    assert pytest.approx(0.138, abs=0.001) == RESERVED_SHARE
