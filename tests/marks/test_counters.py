"""Counters: found with their step through wrap, loss, byte order and several sources; random fields never count."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from craftmark.marks import counters
from craftmark.packets.fields import ICMP
from tests.marks.dossiers import dossier_from_batch, probes

if TYPE_CHECKING:
    from craftmark.marks.base import Toolmark

RNG = np.random.default_rng(9)
COUNT = np.arange(100)


def counter_marks(count: int = 100, *, protocol: int = 6, **columns: object) -> list[Toolmark]:
    return counters.infer(dossier_from_batch(probes(count, protocol=protocol, **columns)))


def test_a_counter_is_found_with_its_step() -> None:
    (mark,) = counter_marks(tcp_sport=1500 + COUNT)
    assert (mark.statement, mark.name, mark.values) == ("tcp_sport rises by 1 per packet", "counter", (1,))
    assert (mark.held, mark.seen) == (100, 100)
    assert mark.log10_chance < -400


def test_a_wrap_does_not_break_it() -> None:
    (mark,) = counter_marks(ip_id=(65500 + COUNT) % 65536)
    assert (mark.values, mark.held) == ((1,), 100)


def test_a_falling_counter_has_a_negative_step() -> None:
    (mark,) = counter_marks(tcp_seq=5000 - 3 * COUNT)
    assert (mark.statement, mark.values) == ("tcp_seq falls by 3 per packet", (-3,))


def test_swapped_bytes_are_a_little_endian_counter() -> None:
    (mark,) = counter_marks(protocol=ICMP, icmp_seq=(COUNT & 0xFF) << 8 | COUNT >> 8)
    assert (mark.name, mark.statement) == ("little-endian counter", "swap16(icmp_seq) rises by 1 per packet")


@pytest.mark.parametrize("lost", [0.1, 0.5])
def test_lost_packets_do_not_hide_it(lost: float) -> None:
    kept = np.flatnonzero(RNG.random(400) > lost)
    (mark,) = counter_marks(len(kept), ip_id=kept * 2 + 7)
    assert (mark.name, mark.values) == ("counter", (2,))


def test_nine_of_ten_lost_packets_leave_a_rising_field() -> None:
    kept = np.flatnonzero(RNG.random(2000) > 0.9)
    (mark,) = counter_marks(len(kept), ip_id=kept)
    assert mark.statement.startswith("ip_id rises by 1 to ")


def test_a_counter_of_each_source_is_told_from_one_over_all() -> None:
    sources = np.tile([1, 2], 50)
    (own,) = counter_marks(ip_src=sources, ip_id=1000 * sources + COUNT // 2)
    (shared,) = counter_marks(ip_src=sources, ip_id=COUNT)
    assert own.statement == "ip_id rises by 1 per packet, from each source"
    assert shared.statement == "ip_id rises by 1 per packet, over all sources"


def test_a_counter_towards_each_target_is_found() -> None:
    targets = np.tile(np.arange(10), 10)
    (mark,) = counter_marks(ip_dst=targets, ip_id=RNG.integers(0, 65536, 10)[targets] + COUNT // 10 & 0xFFFF)
    assert mark.statement == "ip_id rises by 1 per packet, towards each target"


@pytest.mark.parametrize("count", [4, 5, 10, 100])
def test_random_fields_never_count(count: int) -> None:
    for _ in range(100):
        assert counter_marks(count, ip_id=RNG.integers(0, 65536, count), tcp_seq=RNG.integers(0, 2**32, count)) == []


def test_two_values_in_turn_are_no_counter() -> None:
    assert counter_marks(tcp_sport=np.tile([40000, 40016], 50)) == []


def test_three_packets_are_too_few() -> None:
    assert counter_marks(3, ip_id=[1, 2, 3]) == []
