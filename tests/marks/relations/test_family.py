"""The family: planted relations are found without being named, each told once; random headers give none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from craftmark.marks import relations
from tests.marks import planting
from tests.marks.dossiers import dossier_from_batch, probes

if TYPE_CHECKING:
    from craftmark.packets.batch import PacketBatch

RNG = np.random.default_rng(8)
WIDE = RNG.integers(0, 2**32, 60)
LOSSY = np.cumsum(RNG.integers(1, 300, 60))
SHORT = RNG.integers(0, 2**16, 60)


@pytest.mark.parametrize(
    ("columns", "statement"),
    [
        ({"tcp_seq": WIDE, "ip_dst": WIDE}, "tcp_seq = ip_dst"),
        ({"tcp_seq": WIDE, "tcp_ack": WIDE}, "tcp_seq = tcp_ack"),
        ({"tcp_seq": WIDE, "tcp_ack": WIDE - 5}, "tcp_seq - tcp_ack = 5"),
        ({"ip_id": SHORT, "tcp_sport": SHORT ^ 0xBEEF}, "ip_id ^ tcp_sport = 0xBEEF"),
        ({"tcp_sport": LOSSY + 1300, "tcp_dport": LOSSY + 1}, "low16(tcp_sport - tcp_dport) = 0x513"),
        ({"tcp_seq": WIDE, "ip_id": WIDE & 0xFFFF}, "low16(tcp_seq) = ip_id"),
        ({"tcp_seq": WIDE, "ip_id": WIDE >> 16}, "high16(tcp_seq) = ip_id"),
        ({"tcp_seq": WIDE, "ip_dst": WIDE.astype(np.uint32).byteswap()}, "tcp_seq = swap32(ip_dst)"),
    ],
)
def test_a_planted_relation_is_found(columns: dict[str, object], statement: str) -> None:
    marks = relations.infer(dossier_from_batch(probes(60, **columns)))
    assert {_sides(mark.statement) for mark in marks} == {_sides(statement)}
    assert all(mark.held == mark.seen == 60 for mark in marks)


def _sides(statement: str) -> frozenset[str]:
    """Equations read the same from both sides."""
    return frozenset(statement.split(" = "))


def test_a_few_foreign_packets_do_not_hide_it() -> None:
    values = SHORT.copy()
    values[:4] ^= 1
    (mark,) = relations.infer(dossier_from_batch(probes(60, ip_id=SHORT, tcp_sport=values)))
    assert (mark.held, mark.seen) == (56, 60)


def test_one_number_in_two_wide_fields_is_found() -> None:
    (mark,) = relations.infer(dossier_from_batch(probes(60, tcp_seq=42, tcp_ack=42)))
    assert (mark.statement, mark.held) == ("tcp_seq = tcp_ack", 60)
    assert relations.infer(dossier_from_batch(probes(60, tcp_seq=0, tcp_ack=0))) == []


def test_a_relation_named_already_is_not_repeated() -> None:
    batch = probes(60, tcp_seq=WIDE, ip_dst=WIDE)
    (mark,) = relations.infer(dossier_from_batch(batch, ["tcp_seq == ip_dst"]))
    assert mark.statement == "tcp_seq = ip_dst"


def test_ports_and_targets_that_go_together_are_no_mark_of_the_sender() -> None:
    assert relations.infer(dossier_from_batch(probes(60, ip_dst=np.arange(60), tcp_dport=np.arange(60)))) == []


def test_few_different_values_are_not_beyond_chance() -> None:
    values = np.tile([1000, 1001], 30)
    assert relations.infer(dossier_from_batch(probes(60, ip_id=values, tcp_sport=values + 7))) == []


MAKERS = [planting.masscan, planting.mirai, planting.unicornscan, planting.nmap, planting.summed, planting.multiplied]
BY_NAME = pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)


def found(batch: PacketBatch, *named: str) -> list[str]:
    return [mark.statement for mark in relations.infer(dossier_from_batch(batch, named))]


@BY_NAME
@pytest.mark.parametrize("count", [5, 30, 300])
def test_a_tools_formula_is_found_blind_and_alone(make, count: int) -> None:
    for seed in range(5):
        (statement,) = found(make(np.random.default_rng(seed), count))
        assert statement.startswith(planting.STATED[make])


@BY_NAME
def test_three_packets_are_never_enough_for_a_wrong_formula(make) -> None:
    for seed in range(20):
        for statement in found(make(np.random.default_rng(seed), 3)):
            assert statement.startswith(planting.STATED[make])


@BY_NAME
def test_foreign_packets_hide_nothing(make) -> None:
    for seed in range(3):
        batch = planting.mixed(make, np.random.default_rng(seed), 200, 0.05)
        assert any(statement.startswith(planting.STATED[make]) for statement in found(batch))


@BY_NAME
def test_loss_and_order_change_nothing(make) -> None:
    rng = np.random.default_rng(3)
    for batch in (planting.lossy(make, rng, 40, 0.01), planting.reordered(make, rng, 40)):
        (statement,) = found(batch)
        assert statement.startswith(planting.STATED[make])


def test_rewritten_ports_hide_only_what_they_are_part_of() -> None:
    rng = np.random.default_rng(4)
    for make in (planting.masscan, planting.mirai, planting.nmap):
        (statement,) = found(planting.rewritten(make, rng, 50))
        assert statement.startswith(planting.STATED[make])
    (statement,) = found(planting.rewritten(planting.unicornscan, rng, 50))
    assert statement.startswith("high16(tcp_seq) ^ tcp_dport ^ swap16(low16(ip_dst)) = 0x")


def test_of_two_tools_both_formulas_are_told_with_their_counts() -> None:
    batch = planting.two_tools(planting.masscan, planting.mirai, np.random.default_rng(5), 200)
    marks = relations.infer(dossier_from_batch(batch))
    assert {mark.statement: (mark.held, mark.seen) for mark in marks} == {
        planting.STATED[planting.masscan]: (100, 200),
        planting.STATED[planting.mirai]: (100, 200),
    }


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (planting.masscan, "ip_id == low16(ip_dst ^ tcp_dport ^ tcp_seq)"),
        (planting.masscan, "low16(tcp_seq) == ip_id ^ tcp_dport ^ low16(ip_dst)"),
        (planting.unicornscan, "tcp_seq ^ swap32(ip_dst) ^ (tcp_dport << 16) + tcp_sport"),
        (planting.nmap, "low16(tcp_seq) ^ high16(tcp_seq)"),
        (planting.mirai, "tcp_seq == ip_dst"),
    ],
)
def test_what_a_rule_names_is_told_once_in_its_words(make, named: str) -> None:
    (statement,) = found(make(np.random.default_rng(6), 100), named)
    assert statement.startswith(named.replace(" == ", " = "))


def test_relations_that_constants_make_equal_are_told_once() -> None:
    rng = np.random.default_rng(7)
    sport, dport = planting.draw(rng, 16, 60), planting.draw(rng, 16, 60)
    batch = probes(60, ip_dst=0x0A000001, tcp_sport=sport, tcp_dport=dport, tcp_seq=(dport << 16 | sport) ^ 0x12345678)
    unswapped = "tcp_seq ^ ip_dst ^ (tcp_dport << 16) + tcp_sport"
    assert len(found(batch, unswapped, "tcp_seq ^ swap32(ip_dst) ^ (tcp_dport << 16) + tcp_sport")) == 1


def test_the_explained_field_stands_first() -> None:
    (mark,) = relations.infer(dossier_from_batch(planting.masscan(np.random.default_rng(8), 50)))
    assert mark.fields == ("ip_id", "ip_dst", "tcp_seq", "tcp_dport")


def test_a_field_given_by_the_source_alone_is_no_relation() -> None:
    """Any values of three sources are an affine function of their addresses."""
    rng = np.random.default_rng(9)
    source = rng.integers(0, 3, 300)
    sport, ident = planting.draw(rng, 16, 3)[source], planting.draw(rng, 16, 300)
    assert found(probes(300, ip_src=source + 7, tcp_sport=sport, ip_id=ident, ip_dst=planting.draw(rng, 32, 300))) == []


def test_counters_that_rise_together_are_no_relation() -> None:
    count = np.arange(500)
    assert found(probes(500, ip_id=count + 7, tcp_sport=count + 40000, tcp_seq=count * 64, tcp_dport=80)) == []


def test_a_source_port_that_is_stepped_with_the_targets_is_told() -> None:
    count = np.arange(50)
    assert found(probes(50, tcp_sport=count + 1300, tcp_dport=count + 1)) == ["low16(tcp_sport - tcp_dport) = 0x513"]


def test_a_range_of_ports_is_no_relation_among_their_bits() -> None:
    ports = np.random.default_rng(10).integers(1024, 3072, 500)
    assert found(probes(500, tcp_sport=ports, tcp_dport=80, ip_dst=np.arange(500))) == []


def test_random_headers_hold_no_relation() -> None:
    rng = np.random.default_rng(11)
    for count, dossiers in ((2, 300), (3, 300), (4, 200), (6, 100), (20, 60), (150, 10), (700, 5)):
        for _ in range(dossiers):
            assert found(planting.random_headers(rng, count)) == []
