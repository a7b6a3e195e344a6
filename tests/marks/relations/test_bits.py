"""Single bits: from rank + 20 packets, as formulas of shifts or by number; nothing from fewer, nothing imposed."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from craftmark.marks import relations
from craftmark.marks.relations.columns import Columns, goes_by_rule
from tests.marks import planting
from tests.marks.dossiers import dossier_from_batch, probes
from tests.naive import gf2 as naive


def found(batch) -> list[str]:
    return [mark.statement for mark in relations.infer(dossier_from_batch(batch))]


@pytest.mark.parametrize("count", [110, 400, 1000])
def test_shifted_fields_are_said_as_shifts(count: int) -> None:
    batch = planting.shifted(np.random.default_rng(1), count)
    assert found(batch) == ["ip_id & 7 = ip_dst >> 5 & 7", planting.STATED[planting.shifted]]


def test_below_rank_and_20_nothing_is_said() -> None:
    assert found(planting.shifted(np.random.default_rng(2), 48)) == []


def test_a_linear_hash_is_said_by_its_fields() -> None:
    """CRC-32 is linear: all 32 bits are xor of the target's."""
    rng = np.random.default_rng(3)
    dst = planting.draw(rng, 32, 200)
    seq = [zlib.crc32(int(one).to_bytes(4, "big")) for one in dst]
    (statement,) = found(probes(200, ip_dst=dst, tcp_seq=seq, ip_id=planting.draw(rng, 16, 200)))
    assert statement == "32 bits of tcp_seq are xor of bits of ip_dst"


def test_a_few_foreign_packets_do_not_hide_shifts() -> None:
    batch = planting.mixed(planting.shifted, np.random.default_rng(4), 900, 0.01)
    marks = {mark.statement: mark for mark in relations.infer(dossier_from_batch(batch))}
    assert 885 <= marks[planting.STATED[planting.shifted]].held < 900


def test_what_the_targets_impose_is_not_said() -> None:
    """Three ports, or one block of addresses, tie bits together that the sender did not."""
    rng = np.random.default_rng(5)
    dst = 0x0A000000 | planting.draw(rng, 8, 500) * 0x0101
    port = rng.choice([80, 443, 8080], 500)
    seq = planting.draw(rng, 32, 500)
    assert found(probes(500, ip_dst=dst, tcp_dport=port, tcp_seq=seq, ip_id=planting.draw(rng, 16, 500))) == []


def test_later_packets_of_a_conversation_prove_nothing() -> None:
    """Ports and sequence numbers of twelve connections, each seen in fifty packets, are functions of the connection."""
    rng = np.random.default_rng(6)
    each = rng.integers(0, 12, 600)
    base, ports, dst = planting.draw(rng, 32, 12), planting.draw(rng, 16, 12), planting.draw(rng, 32, 12)
    seq = base[each] + np.arange(600) * 10 & planting.M32
    batch = probes(600, ip_dst=dst[each], tcp_sport=ports[each], tcp_seq=seq, ip_id=planting.draw(rng, 16, 600))
    assert found(batch) == []


def test_columns_give_all_relations() -> None:
    rng = np.random.default_rng(7)
    one, other = rng.integers(0, 16, 30), rng.integers(0, 16, 30)
    table = Columns([("a", 4, one), ("b", 4, other), ("c", 4, one ^ other >> 1 ^ 5)], frozenset({"c"}))
    imposed, found = table.relations(table.everything)
    assert naive.all_sums([*imposed, *found]) == naive.relations([table.everything, *table.columns])
    assert [table.bits_of(mask)[-1] for mask in found] == [("c", 0), ("c", 1), ("c", 2), ("c", 3)]


@pytest.mark.parametrize(
    ("values", "by_rule"),
    [
        (np.arange(100), True), (np.arange(100) * 256 % 65536, True), (60000 + np.cumsum([3, 9] * 500) % 65536, True),
        (np.array([7] * 95 + [1, 2, 3, 4, 5]), True), (np.zeros(9, np.int64), True),
        (np.random.default_rng(8).integers(0, 65536, 100), False), (np.array([5, 21] * 3 + [5, 5, 21, 21, 5]), False),
    ],
)  # fmt: skip
def test_what_counts_goes_by_rule(values, by_rule) -> None:
    assert goes_by_rule(values, 16) == by_rule
