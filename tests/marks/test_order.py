"""The order of ports and targets: planted orders are told, per source and target; random ones are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from craftmark.marks import order
from craftmark.marks.order import POPULAR
from craftmark.packets.fields import UDP
from tests.marks.dossiers import dossier_from_batch, probes

if TYPE_CHECKING:
    from craftmark.marks.base import Toolmark

RNG = np.random.default_rng(11)


def order_marks(count: int, *, protocol: int = 6, **columns: object) -> list[Toolmark]:
    return order.infer(dossier_from_batch(probes(count, protocol=protocol, **columns)))


def test_the_2000_scan_rises_from_each_source() -> None:
    (mark,) = order_marks(
        3072,
        ip_src=np.tile([4, 7, 6], 1024),
        ip_dst=0xAC100165,
        tcp_dport=np.repeat(np.arange(1, 1025), 3),
    )
    assert mark.statement == "tcp_dport rises by 1 from 1 to 1024, from each source"
    assert (mark.kind, mark.name, mark.held, mark.seen) == ("order", "rising", 3072, 3072)
    assert mark.log10_chance < -7000


def test_a_falling_sweep_of_addresses() -> None:
    (mark,) = order_marks(128, ip_dst=0xCB007100 + np.arange(127, -1, -1), tcp_dport=22)
    assert (mark.name, mark.statement) == ("falling", "ip_dst falls by 1 from 203.0.113.127 to 203.0.113.0")


def test_a_shuffled_scan_of_all_ports_is_shuffled_beyond_chance() -> None:
    (mark,) = order_marks(1000, tcp_dport=1 + RNG.permutation(1000), ip_dst=9)
    assert mark.name == "shuffled"
    assert mark.log10_chance < -300


def test_random_draws_are_in_no_order_and_prove_nothing() -> None:
    (mark,) = order_marks(1000, tcp_dport=RNG.integers(0, 65536, 1000), ip_dst=9)
    assert (mark.name, mark.log10_chance) == ("shuffled", 0.0)


def test_popular_ports_first() -> None:
    rest = [port for port in RNG.permutation(np.arange(1, 1001)).tolist() if port not in POPULAR]
    popular = [port for port in sorted(POPULAR) if port <= 1000]
    (mark,) = order_marks(1000, tcp_dport=popular[::-1] + rest, ip_dst=9)
    assert mark.name == "popular-first"
    assert (mark.held, mark.seen) == (len(popular), len(popular))


def test_udp_has_no_popular_ports() -> None:
    ports = [*POPULAR, *range(20000, 20200)]
    assert "popular-first" not in [m.name for m in order_marks(len(ports), protocol=UDP, udp_dport=ports, ip_dst=9)]


def test_a_constant_stride_is_told() -> None:
    (mark,) = order_marks(500, tcp_dport=np.arange(500) * 77 % 1000, ip_dst=9)
    assert mark.statement.startswith("tcp_dport steps by 77 modulo 1000 within ")


def test_passes_over_the_same_list_are_told() -> None:
    names = [mark.name for mark in order_marks(800, tcp_dport=np.tile(RNG.permutation(100), 8), ip_dst=9)]
    assert names == ["shuffled", "passes"]


@pytest.mark.parametrize(
    ("targets", "ports", "name"),
    [
        (np.repeat(np.arange(20), 10), np.tile(np.arange(10), 20), "target-by-target"),
        (np.tile(np.arange(20), 10), np.repeat(np.arange(10), 20), "port-by-port"),
    ],
)
def test_the_nesting_is_told(targets: object, ports: object, name: str) -> None:
    assert name in [mark.name for mark in order_marks(200, ip_dst=targets, tcp_dport=ports)]


def test_interleaved_targets_have_no_nesting() -> None:
    marks = order_marks(200, ip_dst=RNG.integers(0, 20, 200), tcp_dport=RNG.integers(0, 10, 200))
    assert not {mark.name for mark in marks} & {"target-by-target", "port-by-port"}


def test_ports_rise_at_each_target_in_turn() -> None:
    marks = order_marks(200, ip_dst=np.tile(np.arange(4), 50), tcp_dport=np.repeat(np.arange(50), 4))
    assert marks[0].statement == "tcp_dport rises by 1 from 0 to 49, at each target"


def test_made_up_sources_in_a_row_are_told() -> None:
    marks = order_marks(100, ip_src=0x0A000000 + np.arange(100), tcp_dport=80, ip_dst=9)
    assert [mark.statement for mark in marks] == ["ip_src rises by 1 from 10.0.0.0 to 10.0.0.99"]


def test_random_targets_are_never_rising_falling_or_a_stride() -> None:
    for count in (4, 6, 10, 30):
        for _ in range(50):
            marks = order_marks(count, ip_dst=RNG.integers(0, 2**32, count), tcp_dport=RNG.integers(0, 2**16, count))
            assert {mark.name for mark in marks} <= {"shuffled"}
