"""What holders of source addresses show: resets by distance, silence, link addresses, routers' errors."""

from __future__ import annotations

import numpy as np
import pytest

from craftmark.assess.base import AnswersSeen, MakerView
from craftmark.assess.holders import hops_of, weight_of_resets
from craftmark.assess.hops import assess_distance
from craftmark.assess.reactions import windows
from craftmark.assess.sender import assess_sender
from craftmark.assess.spoofing import assess_spoofing
from craftmark.scans.reactions import Reaction, Reactions
from tests.assess.planting import NEAR, WIDE, decoys

SELF = "192.0.2.2"
SWEEP = {"tcp_dport": np.arange(300), "ip_ttl": 60}


def judged(subject):
    return assess_spoofing(subject, distance=assess_distance(subject), sender=assess_sender(subject))


def saw(reaction, *, ttl=None, address=SELF, **more):
    ttls = {address: (ttl,)} if ttl else {}
    totals = Reactions(reaction.offered, reaction.reset, reaction.offered, {address: reaction})
    return AnswersSeen(both_ways=True, rst_ttls=ttls, reactions=totals, **more)


def test_every_offer_reset_from_the_probes_distance_is_genuine(plant):
    spoofing = judged(plant(SWEEP, answers=saw(Reaction(offered=8, reset=8), ttl=60)))
    assert spoofing.verdict == "genuine"
    assert spoofing.confidence < 0.98
    assert spoofing.reasons[0].startswith("192.0.2.2 reset 8 of our 8 SYN+ACKs")


@pytest.mark.parametrize(("offered", "reset"), [(1, 1), (2, 2), (20, 10)])
def test_few_resets_or_resets_of_some_offers_decide_nothing(plant, offered, reset):
    assert judged(plant(SWEEP, answers=saw(Reaction(offered, reset), ttl=60))).verdict == "undecided"


def test_resets_from_another_distance_never_make_a_source_genuine(plant):
    spoofing = judged(plant(SWEEP, answers=saw(Reaction(8, 8), ttl=52)))
    assert spoofing.verdict == "undecided"
    assert spoofing.log10_odds == 0.9


def test_a_live_host_elsewhere_is_at_the_probes_distance_only_by_chance():
    """The weight follows from the stated shares: about 26 to 1 at any usual distance."""
    assert 1.3 < weight_of_resets({4}) < 1.6
    assert weight_of_resets({14}) == pytest.approx(np.log10(0.85 / (0.1 * 0.0472 + 0.025)), abs=0.02)


def test_forged_live_hosts_at_random_distances_are_rarely_called_genuine(plant):
    """Live hosts that reset, as far as hosts are: as many are at the probes' distance as by chance, one in 13."""
    rng = np.random.default_rng(5)
    genuine = 0
    for _ in range(300):
        mine, theirs = (int(hops) for hops in np.clip(rng.normal(14, 5.5, 2).round(), 1, 30))
        answers = saw(Reaction(9, 9), ttl=64 - theirs)
        genuine += judged(plant({**SWEEP, "ip_ttl": 64 - mine}, answers=answers)).verdict == "genuine"
    assert genuine / 300 < 0.1


def test_silence_to_many_offers_speaks_for_forged_but_alone_decides_nothing(plant):
    spoofing = judged(plant(SWEEP, answers=saw(Reaction(offered=8))))
    assert spoofing.verdict == "undecided"
    assert spoofing.log10_odds == 0.65
    assert "was silent to SYN+ACKs of 8 ports" in spoofing.reasons[0]
    assert judged(plant(SWEEP, answers=saw(Reaction(offered=2)))).log10_odds == 0


def test_handshakes_outweigh_silence(plant):
    answers = saw(Reaction(offered=8), completed_handshakes={SELF: 8})
    spoofing = judged(plant(SWEEP, answers=answers))
    assert spoofing.verdict == "genuine"
    assert not any("silent" in reason for reason in spoofing.reasons)


def test_the_card_that_holds_the_address_on_the_link_tells(plant):
    same = judged(plant(SWEEP, answers=saw(Reaction(probe_links=(7,), arp_links=(7,)))))
    other = judged(plant(SWEEP, answers=saw(Reaction(probe_links=(7,), arp_links=(8,)))))
    assert (same.verdict, other.verdict) == ("genuine", "spoofed")


def test_many_link_addresses_of_the_probes_show_nothing(plant):
    assert judged(plant(SWEEP, answers=saw(Reaction(probe_links=(7, 9), arp_links=(8,))))).log10_odds == 0


def test_routers_that_cannot_reach_the_source_speak_for_forged(plant):
    spoofing = judged(plant(SWEEP, answers=saw(Reaction(unreachable=3))))
    assert spoofing.log10_odds == 1.0
    assert "3 times that 192.0.2.2 cannot be reached" in spoofing.reasons[0]


def test_the_decoy_that_resets_is_the_real_source(plant):
    columns = decoys(WIDE, 60)
    real = "5.6.7.8"
    reactions = {real: Reaction(6, 6), **{one: Reaction(6, 0) for one in ("45.1.2.3", "77.128.128.128")}}
    answers = AnswersSeen(
        both_ways=True, rst_ttls={real: (60,)}, reactions=Reactions(36, 6, 36, reactions), answered_probes=360
    )
    maker = MakerView("crafted", "nmap", 0.99, ((37, 59),))
    spoofing = judged(plant(columns, answers=answers, maker=maker))
    assert spoofing.verdict == "spoofed"
    assert (spoofing.of(real), spoofing.of("45.1.2.3")) == ("genuine", "spoofed")


def test_sources_that_all_reset_from_the_probes_distance_are_all_genuine(plant):
    columns = {**SWEEP, "ip_src": np.tile(NEAR[2:5], 100)}
    addresses = ("192.0.2.2", "192.0.2.3", "192.0.2.4")
    answers = AnswersSeen(
        both_ways=True, rst_ttls=dict.fromkeys(addresses, (60,)),
        reactions=Reactions(24, 24, 24, dict.fromkeys(addresses, Reaction(8, 8))),
    )  # fmt: skip
    spoofing = judged(plant(columns, answers=answers))
    assert spoofing.verdict == "genuine"
    assert "so or more clearly for 3 of 3 sources" in spoofing.reasons[0]


def test_hops_come_from_the_systems_own_initial_ttls():
    assert hops_of((60,), tolerance=0) == {4}
    assert hops_of((60,), tolerance=1) == {3, 4, 5}
    assert hops_of((120,), tolerance=0) == {8}


def paced(plant, gaps, *, tool="nmap", answered=60):
    subject = plant({"tcp_dport": np.arange(61), "ip_ttl": 40}, maker=MakerView("crafted", tool, 0.99),
                    answers=AnswersSeen(both_ways=True, answered_probes=answered))  # fmt: skip
    subject.main.sample.ts_ns[1:] = np.cumsum(gaps)
    return judged(subject)


def test_a_pace_that_stalls_though_all_was_answered_shows_that_no_answer_arrived(plant):
    stalled = [100_000] * 9 + [5_000_000] * 51
    spoofing = paced(plant, stalled)
    assert spoofing.log10_odds == 1.3
    assert "the answers did not reach it" in spoofing.reasons[0]
    assert paced(plant, stalled, tool="masscan").log10_odds == 0
    assert paced(plant, stalled, answered=10).log10_odds == 0


@pytest.mark.parametrize("gaps", [[100_000] * 60, [5_000_000] * 60, ([100_000] * 9 + [5_000_000]) * 6])
def test_a_steady_pace_or_one_in_bursts_shows_nothing(plant, gaps):
    assert paced(plant, gaps).log10_odds == 0


def test_every_window_has_its_source():
    assert windows()
    assert all(len(window.source) > 20 for window in windows().values())
