"""Purposes: weights add up to 1, each scan gets its usual purpose first, and what is not known stays silent."""

from __future__ import annotations

from math import fsum

import numpy as np
import pytest

from craftmark.assess.base import AnswersSeen, MakerView
from craftmark.assess.conclude import conclude
from craftmark.assess.purpose import UNEXPLAINED, PurposeRule, Sign, Span, purposes, read_purpose, weigh
from craftmark.errors import RuleError
from craftmark.packets.fields import ACK_BIT, ICMP
from craftmark.scans.afterwards import Afterwards
from tests.assess.planting import WIDE, decoys


def first(subject):
    return conclude(subject).purposes[0].id


def test_weights_add_up_to_one_and_unexplained_is_among_them(odd_scan):
    found = conclude(odd_scan).purposes
    assert fsum(one.weight for one in found) == pytest.approx(1.0, abs=1e-9)
    assert UNEXPLAINED in {one.id for one in found}
    assert all(one.weight > 0 and one.settled_by for one in found)


def test_the_scan_of_2000_is_no_port_scan_and_a_trigger_stays_unlikely_but_possible(odd_scan):
    weights = {one.id: one.weight for one in conclude(odd_scan).purposes}
    assert weights["port-scan"] < 0.05
    assert 0 < weights["covert-trigger"] < 0.05
    assert weights["tool-test"] > weights["port-scan"]
    assert max(weights.values()) < 0.7


def test_a_syn_scan_of_ports_looks_for_open_ports(plant):
    assert first(plant({"tcp_dport": np.arange(500)})) == "port-scan"


def test_a_ping_sweep_looks_for_hosts(plant):
    subject = plant({"ip_dst": 0xC6336400 + np.arange(200)}, protocol=ICMP, icmp=(8, 0), shape="host")
    assert first(subject) == "host-discovery"


def test_one_port_of_many_addresses_looks_for_a_service(plant):
    assert first(plant({"ip_dst": 0xC6336400 + np.arange(200), "tcp_dport": 23}, shape="address")) == "service-search"


def test_an_ack_scan_maps_filters(plant):
    assert first(plant({"tcp_dport": np.arange(500)}, control_bits=ACK_BIT)) == "firewall-mapping"


def test_a_bots_probes_are_a_worm(plant):
    maker = MakerView("crafted", "mirai", 0.99, ((64, 64),))
    columns = {"ip_dst": 0xC6336400 + np.arange(200), "tcp_dport": 23}
    assert first(plant(columns, shape="address", maker=maker)) == "worm"


def test_a_flood_is_a_flood(plant):
    subject = plant(
        {"ip_src": np.random.default_rng(1).integers(0, 2**32, 600), "tcp_dport": 80}, shape="spot", is_flood=True
    )
    assert first(subject) == "flood"


def test_decoys_cover_a_scan(plant):
    weights = {one.id: one.weight for one in conclude(plant(decoys(WIDE, 60))).purposes}
    assert weights["decoy-cover"] > 0.2


def test_a_walked_path_is_one(plant):
    subject = plant({"ip_ttl": np.repeat([1, 2, 3, 4], 3), "udp_dport": np.arange(12)}, protocol=17, shape="path")
    assert first(subject) == "path-tracing"


def test_a_sign_whose_fact_is_unknown_is_silent():
    sign = Sign({"answered_share": Span(None, 0.5)}, 10.0, "few answers")
    rules = (PurposeRule("a", "a", 0.5, "x", (sign,)), PurposeRule(UNEXPLAINED, "b", 0.5, "x", ()))
    assert [one.weight for one in weigh({}, rules)] == [0.5, 0.5]
    assert weigh({"answered_share": 0.1}, rules)[0].for_ == ("few answers",)


def test_answers_are_a_fact_only_where_they_would_be_seen(plant):
    silent = conclude(plant({"tcp_dport": np.arange(9)}))
    seen = conclude(plant({"tcp_dport": np.arange(9)}, answers=AnswersSeen(both_ways=True)))
    assert silent.purposes == seen.purposes


def test_every_purpose_has_words_for_each_sign():
    for rule in purposes():
        assert rule.statement
        assert rule.settled_by
        assert all(sign.says and sign.factor != 1 for sign in rule.signs)


def test_the_priors_add_up_to_about_one():
    assert fsum(rule.prior for rule in purposes()) == pytest.approx(1.0, abs=0.15)


@pytest.mark.parametrize(
    "sign",
    [
        "when = {moon = 1}\nfactor = 2\nsays = 'x'",
        "when = {ports = {above = 1}}\nfactor = 2\nsays = 'x'",
        "when = {ports = 1}\nfactor = 0\nsays = 'x'",
        "when = {ports = 1}\nfactor = 2",
        "when = {ports = []}\nfactor = 2\nsays = 'x'",
    ],
)
def test_a_broken_purpose_is_refused_by_name(tmp_path, sign):
    path = tmp_path / "odd.toml"
    path.write_text(f"id = 'x'\nstatement = 'x'\nprior = 0.1\nsettled_by = 'x'\n[[signs]]\n{sign}\n")
    with pytest.raises(RuleError, match=r"odd\.toml"):
        read_purpose(path)


def test_a_modulation_makes_a_hidden_message_likely(plant):
    rng = np.random.default_rng(9)
    columns = {
        "tcp_dport": np.arange(64),
        "tcp_sport": 5,
        "tcp_seq": 7,
        "ip_id": 242 + rng.integers(0, 2, 64),
        "ip_ttl": 44,
    }
    plain = plant({**columns, "ip_id": 242}, control_bits=13)
    hidden = plant(columns, control_bits=13)
    weights = [{one.id: one.weight for one in conclude(subject).purposes} for subject in (plain, hidden)]
    assert weights[0]["covert-trigger"] < 0.1
    assert weights[1]["covert-trigger"] > 0.5


def test_new_peers_of_the_target_speak_for_a_trigger(plant):
    after = AnswersSeen(afterwards=Afterwards(seen=True, new_peers=2))
    quiet = AnswersSeen(afterwards=Afterwards(seen=True))
    columns = {"tcp_dport": np.arange(64), "ip_ttl": 44}
    weights = [
        next(one.weight for one in conclude(plant(columns, control_bits=13, answers=answers)).purposes
             if one.id == "covert-trigger")
        for answers in (quiet, after)
    ]  # fmt: skip
    assert weights[1] > 2 * weights[0]


def weights(**facts):
    return {one.id: one.weight for one in weigh(facts, purposes())}


def test_a_port_scan_under_one_forged_address_may_be_read_from_that_host():
    facts = {"bits": "SYN", "protocol": "tcp", "shape": "port", "sources": 1, "ports": 500, "tells_ports": True}
    forged = weights(**facts, spoofing="spoofed", decoy_bursts=0)["third-party"]
    assert forged > 5 * weights(**facts, spoofing="undecided")["third-party"]
    assert weights(**facts, spoofing="genuine", handshakes=9)["third-party"] < 0.01


def test_answers_of_stacks_to_scattered_addresses_are_backscatter():
    facts = {"bits": "SYN+ACK", "protocol": "tcp", "shape": "address", "kind": "stack", "sources": 1, "is_flood": False}
    assert max(weights(**facts).items(), key=lambda one: one[1])[0] == "backscatter"
    assert weights(**{**facts, "bits": "SYN"})["backscatter"] < 0.01


def test_every_hypothesis_that_is_asked_for_is_among_the_purposes():
    wanted = {
        "host-discovery", "port-scan", "firewall-mapping", "stack-detection", "service-search", "worm", "third-party",
        "decoy-cover", "ids-test", "tool-test", "backscatter", "misconfiguration", "research", "covert-trigger",
        UNEXPLAINED,
    }  # fmt: skip
    assert wanted <= {rule.id for rule in purposes()}
    assert all(rule.signs for rule in purposes())
