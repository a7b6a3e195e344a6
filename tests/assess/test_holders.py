"""What holders of source addresses show: resets by distance, silence, link addresses, routers' errors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from craftmark.assess.base import AnswersSeen, MakerView
from craftmark.assess.holders import MOST_FROM_RESETS, hops_of, weight_of_resets
from craftmark.assess.hops import assess_distance
from craftmark.assess.reactions import reset_laws, windows
from craftmark.assess.sender import assess_sender
from craftmark.assess.spoofing import assess_spoofing
from craftmark.packets.fields import IP_VERSION, PROTOCOL, TCP
from craftmark.scans.reactions import Reaction, Reactions
from tests.assess.planting import NEAR, WIDE, decoys, plant_batch

SELF = "192.0.2.2"
SWEEP = {"tcp_dport": np.arange(300), "ip_ttl": 60}


def judged(subject):
    return assess_spoofing(subject, distance=assess_distance(subject), sender=assess_sender(subject))


def saw(reaction, *, ttl=None, address=SELF, **more):
    ttls = {address: (ttl,)} if ttl else {}
    totals = Reactions(reaction.offered, reaction.reset, reaction.offered, {address: reaction})
    return AnswersSeen(both_ways=True, rst_ttls=ttls, reactions=totals, **more)


def test_every_offer_reset_from_the_probes_distance_is_weighed_but_proves_nothing(plant):
    spoofing = judged(plant(SWEEP, answers=saw(Reaction(offered=8, reset=8), ttl=60)))
    assert spoofing.verdict == "undecided"
    assert spoofing.log10_odds == -MOST_FROM_RESETS
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


def test_a_forged_live_host_is_never_called_genuine(plant):
    """Live hosts that reset whatever they are offered, at any distance from the probes: at the same one too."""
    rng = np.random.default_rng(5)
    for _ in range(100):
        mine, off = int(np.clip(round(rng.normal(14, 5.5)), 1, 30)), int(rng.integers(-2, 3))
        resets = int(rng.integers(1, 500))
        answers = saw(Reaction(resets, resets, spared=9, other_ttls=(64 - mine,)), ttl=min(64, 64 - mine + off))
        spoofing = judged(plant({**SWEEP, "ip_ttl": 64 - mine}, answers=answers))
        assert spoofing.verdict == "undecided"
        assert spoofing.of(SELF) == "undecided"


def test_the_resets_of_a_stack_are_not_those_of_a_tool(plant):
    """A forged live host resets what was answered and nothing else too, but not by masscan's law."""
    answers = saw(Reaction(8, 8, spared=20), ttl=60, resets=resets(8, ip_id=0))
    assert judged(plant(SWEEP, answers=answers)).verdict == "undecided"


def test_a_tool_that_resets_only_what_was_answered_sees_the_answers(plant):
    answers = saw(Reaction(8, 8, spared=20), ttl=60, resets=resets(8))
    spoofing = judged(plant(SWEEP, answers=answers))
    assert spoofing.verdict == "genuine"
    assert "reset 8 answers with masscan's own mark, and none of the 20 probes" in spoofing.reasons[0]


@pytest.mark.parametrize("reaction", [Reaction(8, 8, unasked=1, spared=20), Reaction(8, 8, spared=4)])
def test_a_tool_that_resets_blindly_proves_nothing(plant, reaction):
    assert judged(plant(SWEEP, answers=saw(reaction, ttl=60, resets=resets(8)))).verdict == "undecided"


def resets(number, **columns):
    ports = np.arange(1, number + 1)
    law = (0xC6336401 ^ ports ^ 78) & 0xFFFF
    columns = {"ip_src": 0xC0000202, "ip_dst": 0xC6336401, "tcp_dport": ports, "tcp_seq": 78, "ip_id": law, **columns}
    batch = plant_batch(columns)
    batch.words[:, [IP_VERSION, PROTOCOL]] = (4, TCP)
    return batch


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


def test_who_asks_by_arp_from_the_probes_own_card_holds_the_address(plant):
    here = {**SWEEP, "ip_ttl": 64}
    asking = Reaction(probe_links=(7,), arp_links=(7,), asking_links=(7,))
    assert judged(plant(here, answers=saw(asking))).verdict == "genuine"
    assert judged(plant({**SWEEP, "ip_ttl": 57}, answers=saw(asking))).verdict == "undecided"


def test_a_router_that_answers_by_arp_for_others_proves_nothing(plant):
    proxy = Reaction(probe_links=(7,), arp_links=(7,))
    for ttl in (64, 60):
        assert judged(plant({**SWEEP, "ip_ttl": ttl}, answers=saw(proxy))).verdict == "undecided"


def test_another_card_tells_a_forged_source_only_where_the_probes_came_from_afar(plant):
    """A host with two cards, or one that sends by way of the router on its own link, is genuine all the same."""
    other = Reaction(probe_links=(7,), arp_links=(8,))
    verdicts = {ttl: judged(plant({**SWEEP, "ip_ttl": ttl}, answers=saw(other))).verdict for ttl in (64, 63, 58)}
    assert verdicts == {64: "undecided", 63: "undecided", 58: "spoofed"}


def test_nobody_holds_an_address_that_is_sought_in_vain_on_the_probes_own_link(plant):
    here, sought = {**SWEEP, "ip_ttl": 64}, Reaction(probe_links=(7,), sought=3)
    spoofing = judged(plant(here, answers=saw(sought)))
    assert spoofing.verdict == "spoofed"
    assert "sought by ARP 3 times" in spoofing.reasons[0]


@pytest.mark.parametrize(("ttl", "reaction"), [
    (57, Reaction(probe_links=(7,), sought=9)),  # not from this link: a wrong netmask on our side asks in vain
    (64, Reaction(probe_links=(7,), arp_links=(7,), sought=9)),  # it answered
    (64, Reaction(probe_links=(7,), sought=2)),
])  # fmt: skip
def test_a_search_by_arp_tells_nothing_where_it_may_be_answered_elsewhere(plant, ttl, reaction):
    assert judged(plant({**SWEEP, "ip_ttl": ttl}, answers=saw(reaction))).verdict == "undecided"


@pytest.mark.parametrize("reaction", [Reaction(8, other_ttls=(50,)), Reaction(8, unreachable=1)])
def test_a_silent_holder_seen_at_another_distance_may_stand_behind_an_address_translator(plant, reaction):
    assert judged(plant(SWEEP, answers=saw(reaction))).verdict == "undecided"


def test_a_silent_host_of_an_own_site_far_away_is_not_called_forged(plant):
    subject = replace(plant(SWEEP, answers=saw(Reaction(8))), own=("192.0.2.0/24",))
    spoofing = judged(subject)
    assert spoofing.verdict == "undecided"
    assert len(spoofing.reasons) == 2


def test_ttls_that_a_tool_drew_tell_no_distance_of_the_holder(plant):
    """nmap's other probes are no packets of the holder's own system."""
    spoofing = judged(plant(SWEEP, answers=saw(Reaction(other_ttls=(33, 35, 37)))))
    assert spoofing.log10_odds == 0


def test_many_link_addresses_of_the_probes_show_nothing(plant):
    assert judged(plant(SWEEP, answers=saw(Reaction(probe_links=(7, 9), arp_links=(8,))))).log10_odds == 0


def test_routers_that_cannot_reach_the_source_speak_for_forged(plant):
    spoofing = judged(plant(SWEEP, answers=saw(Reaction(unreachable=3))))
    assert spoofing.log10_odds == 1.0
    assert "3 times that 192.0.2.2 cannot be reached" in spoofing.reasons[0]


REACTIONS = {real: Reaction(6, 6 * (real == "5.6.7.8")) for real in ("5.6.7.8", "45.1.2.3", "77.128.128.128")}
NMAP = MakerView("crafted", "nmap", 0.99, ((37, 59),))


def test_the_decoy_that_alone_resets_may_be_a_live_host_and_the_real_source_silent(plant):
    answers = AnswersSeen(
        both_ways=True, rst_ttls={"5.6.7.8": (60,)}, reactions=Reactions(36, 6, 36, REACTIONS), answered_probes=360
    )
    spoofing = judged(plant(decoys(WIDE, 60), answers=answers, maker=NMAP))
    assert spoofing.verdict == "spoofed"
    assert (spoofing.of("5.6.7.8"), spoofing.of("45.1.2.3")) == ("undecided", "undecided")


def test_where_one_of_the_decoys_is_proven_the_others_are_forged(plant):
    answers = AnswersSeen(both_ways=True, completed_handshakes={"5.6.7.8": 5})
    spoofing = judged(plant(decoys(WIDE, 60), answers=answers, maker=NMAP))
    assert (spoofing.of("5.6.7.8"), spoofing.of("45.1.2.3")) == ("genuine", "spoofed")


def test_any_of_a_few_decoys_may_be_the_real_source_where_none_stands_out(plant):
    spoofing = judged(plant(decoys(WIDE, 60), answers=AnswersSeen(both_ways=True), maker=NMAP))
    assert {spoofing.of(one) for one in ("5.6.7.8", "45.1.2.3")} == {"undecided"}


def test_sources_that_all_reset_from_the_probes_distance_are_weighed_together(plant):
    columns = {**SWEEP, "ip_src": np.tile(NEAR[2:5], 100)}
    addresses = ("192.0.2.2", "192.0.2.3", "192.0.2.4")
    answers = AnswersSeen(
        both_ways=True, rst_ttls=dict.fromkeys(addresses, (60,)),
        reactions=Reactions(24, 24, 24, dict.fromkeys(addresses, Reaction(8, 8))),
    )  # fmt: skip
    spoofing = judged(plant(columns, answers=answers))
    assert spoofing.verdict == "undecided"
    assert "so or more clearly for 3 of 3 sources" in spoofing.reasons[0]


def test_hops_come_from_the_systems_own_initial_ttls():
    assert hops_of((60,), tolerance=0) == {4}
    assert hops_of((60,), tolerance=1) == {3, 4, 5}
    assert hops_of((120,), tolerance=0) == {8}


def paced(plant, gaps, *, tool="nmap", answered=60, bits=2):
    maker, answers = MakerView("crafted", tool, 0.99), AnswersSeen(both_ways=True, answered_probes=answered)
    probes = {"tcp_dport": np.arange(61), "ip_ttl": 40}
    subject = plant(probes, control_bits=bits, maker=maker, answers=answers)
    subject.main.sample.ts_ns[1:] = np.cumsum(gaps)
    return judged(subject)


def test_a_pace_that_stalls_though_all_was_answered_shows_that_no_answer_arrived(plant):
    stalled = [100_000] * 9 + [5_000_000] * 51
    spoofing = paced(plant, stalled)
    assert spoofing.log10_odds == 1.3
    assert "the answers did not reach it" in spoofing.reasons[0]
    assert paced(plant, stalled, bits=1).log10_odds == 0.9  # a firewall before the sender drops resets to a lone FIN
    assert paced(plant, stalled, tool="masscan").log10_odds == 0
    assert paced(plant, stalled, answered=10).log10_odds == 0


@pytest.mark.parametrize("gaps", [[100_000] * 60, [5_000_000] * 60, ([100_000] * 9 + [5_000_000]) * 6])
def test_a_steady_pace_or_one_in_bursts_shows_nothing(plant, gaps):
    assert paced(plant, gaps).log10_odds == 0


def test_every_window_and_law_of_resets_has_its_source():
    known = (*windows().values(), *reset_laws())
    assert len(known) > 1
    assert all(len(one.source) > 20 for one in known)
