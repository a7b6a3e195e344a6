from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from craftmark.marks.chance import STATED_AT
from craftmark.marks.xorshift import solve
from craftmark.packets.batch import join
from craftmark.tools.load import load_rules
from tests.marks import dossiers as d
from tests.marks.planting import rewritten
from tests.naive.xorshift import Scanner

START = 958_842_405 - 60  # a minute before d.probes' first packet
RECIPE = next(recipe for recipe in load_rules().recipes if recipe.kind == "xorshift128")


def bot(kept, *, second=START, process=1234, clock=5678, little=True, **others):
    """Return the probes of these numbers (ascending) of a scanner process, 160 a second."""
    scanner = Scanner(second, process, clock, little=little)
    made = [scanner.probe() for _ in range(max(kept) + 1)]
    numbers, targets, ports = np.array([made[number] for number in kept]).T
    columns = {
        "ip_src": 0x0A000001, "ip_dst": targets, "tcp_seq": targets, "tcp_dport": ports, "tcp_sport": scanner.sport,
        "tcp_win": scanner.window, "ip_id": numbers, "ip_ttl": 60, "tcp_flags": 2,
    }  # fmt: skip
    batch = d.probes(len(kept), **columns | others)
    batch.ts_ns[:] = (second + 1 + np.array(kept) // 160) * 10**9 + np.array(kept) % 160 * 50_000
    return batch


def solved(batch):
    return solve(d.dossier_from_batch(batch), RECIPE)


def told(mark):
    return {one.name: one.value for one in mark.recovered}


@pytest.mark.parametrize("little", [True, False])
@pytest.mark.parametrize("count", [4, 12, 300])
def test_probes_in_a_row_tell_clock_processes_byte_order_and_position(count, little):
    (mark,) = solved(bot(range(5000, 5000 + count), little=little))
    found = told(mark)
    assert (found["start_s"], found["pid_xor"], found["clock"]) == (START, 1234, 5678)
    assert found["byte_order"] == ("little-endian" if little else "big-endian")
    assert found["probes_sent"] == pytest.approx(5000 + count, rel=0.02)
    assert (mark.held, mark.seen) == (count, count)
    assert mark.recovered[0].checked == count - 4 + 2
    assert mark.log10_chance <= STATED_AT


@pytest.mark.parametrize("clock", [0, 5678, 1 << 20])
@pytest.mark.parametrize("second", [100, START - 10_000_000])
def test_a_clock_that_is_far_off_is_told_as_it_is(second, clock):
    batch = bot(range(200, 220), second=second, clock=clock)
    (mark,) = solved(batch)
    assert (told(mark)["start_s"], told(mark)["clock"]) == (second, clock)


def test_a_few_of_many_probes_are_enough_when_the_process_started_not_long_ago():
    rng = np.random.default_rng(1)
    kept = np.sort(rng.choice(np.arange(3000, 60_000), 12, replace=False)).tolist()
    (mark,) = solved(bot(kept))
    assert (told(mark)["start_s"], told(mark)["pid_xor"]) == (START, 1234)
    assert mark.held >= 11
    assert mark.recovered[0].checked == mark.held - 1
    assert told(mark)["rate_pps"] == pytest.approx(160, rel=0.03)


@pytest.mark.parametrize(("first", "second"), [(0, 900), (7, 2222)])
def test_two_probes_are_enough(first, second):
    (mark,) = solved(bot([first, second]))
    assert told(mark)["start_s"] == START


def test_one_probe_is_told_with_its_chance():
    (mark,) = solved(bot([40]))
    assert told(mark)["start_s"] == START
    assert mark.recovered[0].checked == 0
    assert mark.log10_chance < -3


def test_one_very_early_probe_leaves_many_seeds_and_tells_none():
    (mark,) = solved(bot([0]))
    assert "seeds or more would do" in mark.statement
    assert mark.recovered == ()


def test_bots_behind_one_address_are_told_apart():
    one, two = bot(range(100, 140)), bot(range(700, 720), second=START - 5000, process=99, clock=4)
    marks = solved(join([one, two]))
    assert [(told(mark)["start_s"], mark.held) for mark in marks] == [(START, 40), (START - 5000, 20)]
    assert all("one of 2 processes" in mark.statement for mark in marks)


def test_one_process_behind_two_addresses_is_one_stream():
    (mark,) = solved(bot(range(100, 140), ip_src=np.repeat([5, 6], 20)))
    assert (mark.held, mark.seen) == (40, 40)
    assert "2 sources in one stream" in mark.statement
    assert mark.one_stream == 2


def test_rewritten_ports_hide_nothing_of_probes_in_a_row():
    rng = np.random.default_rng(4)
    (mark,) = solved(rewritten(lambda _, count: bot(range(100, 100 + count)), rng, 30))
    assert told(mark)["pid_xor"] == 1234
    assert "tcp_sport" not in mark.fields


def test_foreign_and_lost_packets_hide_nothing():
    rng = np.random.default_rng(5)
    kept = np.sort(rng.choice(400, 300, replace=False)).tolist()
    batch = bot(kept)
    foreign = rng.choice(300, 30, replace=False)
    batch.words[foreign] = bot(range(30), second=77, process=9, tcp_sport=4444).words
    marks = solved(batch)
    assert (marks[0].held, marks[0].seen) == (270, 270)


def test_another_generator_behind_the_same_relation_gives_nothing():
    rng = np.random.default_rng(6)
    for count in (1, 2, 3, 4, 29):
        targets = rng.integers(0, 1 << 32, count)
        batch = bot(range(count), ip_dst=targets, tcp_seq=targets, ip_id=rng.integers(0, 65536, count))
        assert solved(batch) == []


def test_what_is_not_such_a_probe_is_not_looked_at():
    rng = np.random.default_rng(7)
    assert solved(bot(range(20), tcp_seq=rng.integers(0, 1 << 32, 20))) == []
    assert solve(replace(d.dossier_from_batch(bot(range(20))), has_time=False), RECIPE) == []


def test_the_mark_has_the_name_that_the_rule_expects():
    expected = {one.recipe for mode in load_rules().by_id["mirai"].modes for one in mode.expects}
    assert solved(bot(range(20)))[0].name in expected
