"""The accuracy measure measures: verdicts, held-out rules, calibration error and loss on planted numbers."""

from __future__ import annotations

import numpy as np
import pytest

from craftmark.tools.load import load_rules
from lab.accuracy.page import page
from lab.accuracy.reliability import belief, calibration_error, interval, log_loss, probabilities
from lab.accuracy.trials import Trial, trials_of, without
from lab.accuracy.truths import KEPT, probes_of, truths
from lab.accuracy.whole import whole_of

KNOWN = {truth.name: truth for truth in truths([KEPT])}


def made(*, right, confidence=0.0, chance=-1.0, capture="c", held_out=False):
    named = "nmap" if confidence else None
    return Trial(capture, "nmap", 5, held_out, named, confidence, "nmap", chance, right)


def test_probes_are_those_that_the_truth_counts():
    for name in ("hping3_null", "masscan_seed12_ping", "zmap_seed42_n1500"):
        assert len(probes_of(KNOWN[name])) == KNOWN[name].row["scan_packets"]


def test_a_held_out_rule_takes_its_lineage_with_it():
    rules = load_rules()
    assert {"zmap", "xmap"} & set(without(rules, frozenset({"zmap"})).by_id) == set()
    assert "nmap" in without(rules, frozenset({"zmap"})).by_id


@pytest.mark.parametrize("name", ["hping3_null", "masscan_seed2024_ports4", "nmap_ack"])
def test_small_samples_name_the_tool_or_nobody_and_nobody_without_its_rule(name):
    found = trials_of(KNOWN[name], repeats=1, seed=5)
    assert {one.size for one in found} == {1, 2, 5, 20, 50}
    assert "wrong" not in {one.verdict for one in found}
    assert all(one.named is None for one in found if one.held_out)
    assert any(one.verdict == "right" for one in found)


def test_a_whole_capture_is_right_and_ordinary_traffic_quiet():
    assert whole_of(KNOWN["hping3_null"]).verdict == "right"
    assert whole_of(KNOWN["neg_ping"]).verdict == "quiet"
    assert whole_of(KNOWN["hping3_udp_ports"]).verdict == "right"


def test_planted_overconfidence_is_measured():
    rng = np.random.default_rng(3)
    said = np.full(4000, 0.9)
    right = (rng.random(4000) < 0.7).astype(float)
    assert calibration_error(said, right) == pytest.approx(0.2, abs=0.03)
    assert calibration_error(said, (rng.random(4000) < 0.9).astype(float)) < 0.02
    assert log_loss(np.full(4000, 0.7), right) < log_loss(said, right)


def test_who_is_not_named_is_believed_less_and_never_surely():
    trials = [made(right=True, confidence=0.97), made(right=False, chance=-5.9), made(right=False, chance=-0.1)]
    said = probabilities(trials)
    assert list(said) == [0.97, belief(-5.9), belief(-0.1)]
    assert 0.6 >= said[1] > said[2] > 0


def test_the_page_states_its_denominators():
    trials = [made(right=True, confidence=0.97, capture=str(n)) for n in range(30)]
    trials += [made(right=False, held_out=True, capture=str(n)) for n in range(30)]
    said, right = probabilities(trials), np.array([float(one.is_right) for one in trials])
    low, high = interval(trials, said, right)
    assert low <= calibration_error(said, right) <= high
    text = page([whole_of(KNOWN["neg_ping"])], trials, ["lab/captures"])
    assert "60 trials" in text
    assert "| known | 5 | 30 | 30 (100%) | 0 | 0 |" in text
    assert "Expected calibration error" in text
