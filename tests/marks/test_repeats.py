"""Repeats: how often, from how many sources, with what step, and which values belong to a target."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from craftmark.marks import repeats
from tests.marks.dossiers import dossier_from_batch, probes

if TYPE_CHECKING:
    from craftmark.marks.base import Toolmark

RNG = np.random.default_rng(12)


def repeat_marks(count: int, **columns: object) -> dict[str, Toolmark]:
    return {mark.name: mark for mark in repeats.infer(dossier_from_batch(probes(count, **columns)))}


def test_a_few_retries_are_counted() -> None:
    ports = np.concatenate([np.arange(1, 301), [5, 17, 200]])
    mark = repeat_marks(303, tcp_dport=ports, ip_dst=9)["retries"]
    assert (mark.statement, mark.held, mark.seen) == ("3 of 300 ports probed again", 3, 300)


def test_every_port_twice_is_told_with_the_step_of_the_source_port() -> None:
    marks = repeat_marks(200, tcp_dport=np.tile(np.arange(100), 2), ip_dst=9, tcp_sport=np.repeat([5000, 5002], 100))
    assert marks["each"].statement == "each port is probed 2 times"
    assert marks["retry-step"].statement == "tcp_sport rises by 2 at each repeat"


def test_changed_bits_at_each_retry_are_told_as_xor() -> None:
    seq = RNG.integers(0, 2**32, 100)
    marks = repeat_marks(200, tcp_dport=np.tile(np.arange(100), 2), ip_dst=9, tcp_seq=[*seq, *(seq ^ 0x20002)])
    assert marks["retry-step"].statement == "tcp_seq changes by xor 0x20002 at each repeat"


def test_random_draws_that_repeat_are_not_retries() -> None:
    for room in (300, 5000):
        assert repeat_marks(400, tcp_dport=RNG.integers(0, room, 400), ip_dst=9) == {}


def test_the_same_ports_from_all_sources_are_told() -> None:
    marks = repeat_marks(300, ip_src=np.tile([4, 7, 6], 100), tcp_dport=np.repeat(np.arange(100), 3), ip_dst=9)
    assert marks["every-source"].statement == "each port is probed from all 3 sources"
    assert (marks["every-source"].held, marks["every-source"].seen) == (300, 300)


def test_decoys_share_the_id_of_a_probe() -> None:
    ports, ids = np.repeat(np.arange(60), 5), np.repeat(RNG.integers(0, 65536, 60), 5)
    marks = repeat_marks(300, ip_src=np.tile(np.arange(5), 60), tcp_dport=ports, ip_id=ids, ip_dst=9)
    assert marks["per-target-port"].statement == "ip_id is the same again for the same target and port"
    assert (marks["per-target-port"].held, marks["per-target-port"].seen) == (300, 300)


def test_one_value_per_source_and_one_per_target() -> None:
    source, target = np.tile([0, 1, 2], 40), np.repeat(np.arange(10), 12)
    marks = repeat_marks(
        120,
        ip_src=source,
        ip_dst=target,
        tcp_dport=np.arange(120),
        tcp_sport=RNG.integers(0, 65536, 3)[source],
        tcp_seq=RNG.integers(0, 2**32, 10)[target],
    )
    assert marks["per-source"].fields == ("tcp_sport",)
    assert marks["per-target"].fields == ("tcp_seq",)


def test_random_values_belong_to_nothing() -> None:
    for _ in range(50):
        marks = repeat_marks(
            60, ip_src=np.tile([1, 2], 30), ip_dst=np.repeat([1, 2, 3], 20), tcp_dport=np.arange(60) % 7,
            tcp_seq=RNG.integers(0, 2**32, 60), ip_id=RNG.integers(0, 65536, 60),
        )  # fmt: skip
        assert not {name for name in marks if name.startswith("per-")}


def test_one_port_of_one_host_again_and_again_is_no_repeat_mark() -> None:
    assert repeat_marks(50, ip_dst=9, tcp_dport=22, tcp_seq=RNG.integers(0, 2**32, 50)) == {}
