"""One program behind several addresses: turns, one clock, one generator, shared-out targets; controls give none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from craftmark.assess.sender import assess_sender
from craftmark.assess.turns import log10_chance_of_no_overlap, reasons_of_one_program
from craftmark.marks.base import Toolmark
from tests.assess.planting import NEAR, WIDE

N = 240
PORTS = {"tcp_dport": np.arange(N) // 4, "ip_ttl": 60}


def words(subject):
    return [reason.words for reason in reasons_of_one_program(subject)]


@pytest.mark.parametrize("in_one_order", [True, False])
def test_sources_that_all_send_to_a_port_before_any_goes_on_are_one_sender(plant, in_one_order):
    rng = np.random.default_rng(6)
    rounds = [NEAR[:4] if in_one_order else rng.permutation(NEAR[:4]) for _ in range(N // 4)]
    subject = plant({**PORTS, "ip_src": np.concatenate(rounds)})
    assert any(text.endswith("before any goes on to the next: 60 of 60 rounds") for text in words(subject))
    assert assess_sender(subject).verdict == "one"


def test_equal_paces_keep_turns_too_and_decide_nothing(plant):
    turn = np.arange(N)
    apart = {"tcp_dport": turn // 4 + 9 * (turn % 4), "ip_ttl": 60, "ip_src": NEAR[turn % 4]}
    subject = plant(apart)
    assert any("take turns, each at a place of its own" in text for text in words(subject))
    assert assess_sender(subject).verdict == "undecided"


def test_sources_in_random_order_take_no_turns(plant):
    rng = np.random.default_rng(1)
    for _ in range(50):
        assert words(plant({**PORTS, "ip_src": NEAR[rng.integers(0, 4, N)]})) == []


def test_a_source_that_starts_in_the_moment_in_which_another_ends_is_of_one_program(plant):
    subject = plant({"tcp_dport": np.tile(np.arange(60), 4), "ip_ttl": 60, "ip_src": np.repeat(NEAR[:4], 60)})
    assert any("one after the other, each within 4 gaps" in text for text in words(subject))
    assert assess_sender(subject).verdict == "one"
    late = subject.main.consecutive
    late.ts_ns[60:] += 40_000_000
    assert not any("one after the other" in text for text in words(subject))


@pytest.mark.parametrize("hertz", [1000, 100])
def test_one_timestamp_clock_for_all_sources(plant, hertz):
    ticks = 123_456 + np.arange(N) * 100 * hertz // 1000
    columns = {**PORTS, "ip_src": NEAR[np.random.default_rng(2).integers(0, 3, N)], "tcp_tsval": ticks}
    assert any("one clock" in text for text in words(plant(columns, gap_ns=100_000_000)))
    own = ticks + columns["ip_src"] * 1_000_003
    assert words(plant({**columns, "tcp_tsval": own % 2**32}, gap_ns=100_000_000)) == []


def test_targets_that_were_shared_out(plant):
    rng = np.random.default_rng(3)
    split = {"ip_dst": 0xC6330000 + rng.permutation(N), "tcp_dport": 80, "ip_ttl": 60}
    assert any(
        "shared 240 endpoints" in text for text in words(plant({**split, "ip_src": NEAR[rng.integers(0, 4, N)]}))
    )
    overlapping = {**split, "ip_dst": 0xC6330000 + rng.integers(0, 300, N), "ip_src": NEAR[rng.integers(0, 4, N)]}
    assert words(plant(overlapping)) == []


def test_a_generator_that_runs_on_across_sources_is_one_sender(plant):
    mark = Toolmark("generator", "ip_id = rand()", ("ip_id",), N, N, -400.0, "individual", one_stream=4)
    columns = {**PORTS, "ip_src": NEAR[np.random.default_rng(4).integers(0, 4, N)]}
    subject = replace(plant(columns), marks=(mark,))
    assert assess_sender(subject).verdict == "one"
    words = "4 sources took turns at one state of a generator, 10^-400 by chance: 240 of 240 probes: ip_id = rand()"
    assert assess_sender(subject).reasons[0] == words


@pytest.mark.parametrize(
    "statement", ["tcp_sport drawn from 32768..60999", "ip_id: rand(), seeded anew for each packet"]
)
def test_values_that_each_source_may_have_drawn_itself_are_no_sign_of_one_sender(plant, statement):
    mark = Toolmark("generator", statement, ("tcp_sport",), N, N, -400.0, "subclass")
    columns = {**PORTS, "ip_src": WIDE[np.random.default_rng(4).integers(0, 6, N)], "ip_ttl": 60}
    found = assess_sender(replace(plant(columns), marks=(mark,)))
    assert not any("generator" in reason for reason in found.reasons)


def test_the_chance_of_no_overlap_falls_with_the_shares():
    assert log10_chance_of_no_overlap([10], 100) == 0.0
    assert log10_chance_of_no_overlap([50, 50], 100) == pytest.approx(50 * np.log10(0.5))
