"""Values that stay for a stretch: bursts and phases are told, counters, clocks and targets are not."""

from __future__ import annotations

import numpy as np

from craftmark.marks import stretches
from tests.marks import planting
from tests.marks.dossiers import dossier_from_batch, probes

RNG = np.random.default_rng(13)
DST = RNG.integers(0, 2**32, 200)


def found(**columns) -> list[tuple[str, int]]:
    marks = stretches.infer(dossier_from_batch(probes(200, **columns)))
    return [(mark.statement, mark.held) for mark in marks]


def test_fields_drawn_anew_with_each_burst_are_one_mark() -> None:
    marks = stretches.infer(dossier_from_batch(planting.in_bursts(np.random.default_rng(1), 200)))
    (mark,) = marks
    assert mark.fields == ("ip_id", "tcp_sport")
    assert mark.statement == "ip_id and tcp_sport keep their values for a stretch of probes: 20 stretches"
    assert mark.log10_chance < -100


def test_two_phases_of_drawn_values_are_stretches() -> None:
    values = RNG.integers(0, 2**32, 4)[np.arange(200) // 50]
    assert found(ip_dst=DST, tcp_seq=values) == [("tcp_seq keeps its value for a stretch of probes: 4 stretches", 200)]


def test_what_comes_again_is_no_stretch() -> None:
    values = RNG.integers(0, 2**32, 4)[np.arange(200) // 10 % 4]
    assert found(ip_dst=DST, tcp_seq=values) == []


def test_slow_counters_and_values_of_a_target_are_no_stretches() -> None:
    slow = np.arange(200) // 10
    assert found(ip_dst=DST, tcp_seq=slow + 958_842_405) == []
    assert found(ip_dst=DST[slow], tcp_seq=RNG.integers(0, 2**32, 20)[slow]) == []
    assert found(ip_dst=DST, tcp_seq=RNG.integers(0, 2**32, 200)) == []
