"""Pairs of fields: planted relations are found without being named; random and constant fields give none."""

from __future__ import annotations

import numpy as np
import pytest

from craftmark.marks import relations
from tests.marks.dossiers import dossier_from_batch, probes

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
