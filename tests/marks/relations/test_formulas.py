"""Xor of parts: equal to trying every choice of them; foreign packets; which form is kept."""

from __future__ import annotations

import numpy as np
import pytest

from craftmark.kernels.gf2 import Span
from craftmark.marks.relations import formulas
from craftmark.marks.relations.formulas import Part
from craftmark.marks.relations.headers import headers_of
from tests.marks import planting
from tests.marks.dossiers import dossier_from_batch, probes
from tests.naive.sums import short_relations


def table_of(seed: int, packets: int) -> np.ndarray:
    """Ten random parts of 16 bits and two that are sums of others."""
    rng = np.random.default_rng(seed)
    table = rng.integers(0, 1 << 16, (12, packets)).astype(np.uint16)
    table[10] = table[0] ^ table[3] ^ 0x1234
    table[11] = table[1] ^ table[4] ^ table[7]
    return table


def chosen(mask: int) -> frozenset[int]:
    return frozenset(place for place in range(mask.bit_length()) if mask >> place & 1)


@pytest.mark.parametrize("packets", [2, 3])
@pytest.mark.parametrize("seed", range(8))
def test_few_packets_give_every_short_sum(packets: int, seed: int) -> None:
    table = table_of(seed, packets)
    vectors = [int.from_bytes(row.tobytes(), "little") for row in table[:, 1:] ^ table[:, :1]]
    found = {chosen(mask) for mask in formulas._short(range(len(vectors)), vectors)}
    assert found == short_relations(table.tolist())


@pytest.mark.parametrize("packets", [4, 9, 40])
def test_more_packets_give_a_basis_of_all_sums(packets: int) -> None:
    table = table_of(packets, packets)
    span = Span().with_vectors(formulas._sums(table))
    assert span.rank == 2
    for parts in short_relations(table.tolist()):
        assert span.holds([sum(1 << place for place in parts)])


def test_the_shortest_sums_are_chosen() -> None:
    short, long = 0b111, 0b111000
    assert formulas._shortest([short ^ long, long]) == [short, long]


def test_sums_say_how_often_they_hold() -> None:
    batch = planting.mixed(planting.masscan, np.random.default_rng(1), 300, 0.3)
    headers = headers_of(dossier_from_batch(batch))
    assert headers is not None
    best = formulas.find(headers)[0]
    assert best.parts == {Part("ip_id"), Part("ip_dst"), Part("tcp_seq"), Part("tcp_dport")}
    assert best.value == 0
    assert 190 <= best.held <= 230


def test_a_sum_is_told_upright() -> None:
    rng = np.random.default_rng(2)
    sport = planting.draw(rng, 16, 30)
    batch = probes(30, tcp_sport=sport, ip_id=sport.astype(np.uint16).byteswap() ^ 0x1234, ip_dst=np.arange(30))
    headers = headers_of(dossier_from_batch(batch))
    assert headers is not None
    (one,) = formulas.find(headers)
    assert sum(part.is_swapped for part in one.parts) == 1


def test_a_part_and_its_own_swap_are_no_sum() -> None:
    """The xor of a word and its swapped bytes has but eight bits."""
    rng = np.random.default_rng(3)
    low = planting.draw(rng, 8, 60)
    headers = headers_of(dossier_from_batch(probes(60, ip_id=low << 8 | low ^ 0x5A, ip_dst=planting.draw(rng, 32, 60))))
    assert headers is not None
    assert formulas.find(headers) == []
