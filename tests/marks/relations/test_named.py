"""Named relations: stated when they hold beyond chance, left out when constants imply them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from craftmark.marks import relations
from craftmark.marks.relations.named import width
from craftmark.packets.expressions import parse
from craftmark.packets.fields import IP_ID
from tests.marks.dossiers import dossier_from_batch, probes

if TYPE_CHECKING:
    from craftmark.packets.batch import PacketBatch

MASSCAN = "ip_id == low16(ip_dst ^ tcp_seq) ^ tcp_dport"
MIRROR = "high16(tcp_seq) ^ low16(tcp_seq)"
RNG = np.random.default_rng(6)


def masscan(count: int) -> PacketBatch:
    dst, seq = RNG.integers(0, 2**32, count), RNG.integers(0, 2**32, count)
    return probes(count, ip_dst=dst, tcp_seq=seq, tcp_dport=80, ip_id=(dst ^ seq ^ 80) & 0xFFFF)


def test_an_equation_that_holds_is_a_class_mark() -> None:
    (mark,) = relations.infer(dossier_from_batch(masscan(100), [MASSCAN]))
    assert mark.statement == "ip_id = low16(ip_dst ^ tcp_seq) ^ tcp_dport"
    assert (mark.held, mark.seen, mark.level) == (100, 100, "class")
    assert mark.log10_chance < -400


def test_a_few_foreign_packets_do_not_hide_it() -> None:
    batch = masscan(100)
    batch.words[:5, IP_ID] ^= 1
    (mark,) = relations.infer(dossier_from_batch(batch, [MASSCAN]))
    assert (mark.held, mark.seen) == (95, 100)


def test_one_packet_of_16_bits_is_not_beyond_chance_and_two_are() -> None:
    assert relations.infer(dossier_from_batch(masscan(1), [MASSCAN])) == []
    assert len(relations.infer(dossier_from_batch(masscan(2), [MASSCAN]))) == 1


def test_the_same_packet_again_adds_nothing() -> None:
    batch = masscan(1)
    again = batch.take(np.zeros(50, np.intp))
    assert relations.infer(dossier_from_batch(again, [MASSCAN])) == []


def test_constants_that_imply_a_relation_leave_it_out() -> None:
    assert relations.infer(dossier_from_batch(probes(100, tcp_seq=0x12341234), [MIRROR])) == []


def test_a_value_of_the_run_is_an_individual_mark() -> None:
    low = RNG.integers(0, 2**16, 50)
    (mark,) = relations.infer(dossier_from_batch(probes(50, tcp_seq=low << 16 | low ^ 0x1F2E), [MIRROR]))
    assert mark.statement == "high16(tcp_seq) ^ low16(tcp_seq) = 0x1F2E"
    assert (mark.level, mark.values) == ("individual", (0x1F2E,))


def test_random_headers_hold_no_relation() -> None:
    columns = {name: RNG.integers(0, 2**16, 200) for name in ("ip_id", "tcp_seq", "ip_dst", "tcp_dport")}
    assert relations.infer(dossier_from_batch(probes(200, **columns), [MASSCAN, MIRROR, "tcp_seq == ip_dst"])) == []


def test_a_predicate_that_always_holds_counts_one_bit_per_packet() -> None:
    batch = probes(100, tcp_seq=RNG.integers(0, 2**31, 100))
    (mark,) = relations.infer(dossier_from_batch(batch, ["tcp_seq < 0x80000000"]))
    assert mark.statement == "tcp_seq < 0x80000000"
    assert mark.log10_chance == pytest.approx(-30.1, abs=0.1)


@pytest.mark.parametrize(
    ("text", "bits"),
    [
        ("tcp_seq", 32), ("ip_id", 16), ("low16(tcp_seq)", 16), ("high16(tcp_seq)", 16), ("high16(ip_id)", 0),
        ("swap16(tcp_seq)", 16), ("swap32(ip_id)", 32), ("ip_id << 8", 24), ("tcp_seq >> 24", 8), ("ip_id + 1", 17),
        ("ip_id - 1", 32), ("ip_id & 15", 4), ("tcp_seq % 10", 4), ("ip_id ^ tcp_seq", 32), ("~ip_id", 32),
        ("ip_id % tcp_win", 32), ("tcp_seq >> ip_ttl", 32), ("ip_ttl * ip_tos", 16),
    ],
)  # fmt: skip
def test_the_width_of_a_value(text: str, bits: int) -> None:
    root = parse(text).root
    assert width(root) == bits  # type: ignore[arg-type]
