"""Dossiers against their twin: exact over all probes, whether strands are small, large or mixed."""

from __future__ import annotations

from dataclasses import fields as members

import numpy as np
import pytest

from craftmark.evidence.distinct import estimate
from craftmark.evidence.fold import CAPACITIES, Evidence
from craftmark.evidence.gather import dossier_of
from craftmark.packets import fields as f
from craftmark.packets.batch import join
from craftmark.packets.expressions import parse
from tests.laws.batches import cut
from tests.marks.dossiers import dossier_from_batch, probes

TEXTS = ("ip_id == low16(ip_dst ^ tcp_seq)", "tcp_sport ^ tcp_dport", "tcp_seq & 1", "tcp_mss + 1")
RELATIONS = tuple(str(parse(text)) for text in TEXTS)
FIELDS_OF_SAMPLES = ("sample", "consecutive")


def gathered(batch, *, capacity=CAPACITIES[0], pieces=3):
    evidence = Evidence({text: parse(text) for text in RELATIONS})
    evidence.lower(capacity)
    for piece in cut(batch, np.random.default_rng(1), pieces):
        evidence.update(piece)
    finished = evidence.finish()
    return dossier_of(finished, np.arange(len(finished)))


def tcp_batch(seed, count=200):
    """Probes of three sources and several shapes, with fields that vary, step and stand still."""
    rng = np.random.default_rng(seed)
    batch = probes(
        count, layout=("MSS",), gap_ns=10_000_000, tcp_flags=2, ip_id=242, tcp_mss=1460,
        ip_src=rng.integers(1, 4, count), ip_dst=100 + rng.integers(0, 6, count) * 4,
        ip_ttl=rng.integers(40, 43, count), ip_flags=rng.choice([0, 2], count),
        tcp_sport=rng.integers(0, 65536, count), tcp_dport=np.arange(count) * 8 + 3,
        tcp_seq=rng.integers(0, 1 << 32, count), tcp_win=rng.choice([1024, 2048], count),
    )  # fmt: skip
    held = rng.random(count) < 0.7
    batch.words[held, f.IP_ID] = (batch.words[held, f.IP_DST] ^ batch.words[held, f.SEQ]) & 0xFFFF
    return batch


def udp_batch(seed, count=120):
    rng = np.random.default_rng(seed)
    return probes(
        count, protocol=f.UDP, ip_src=rng.integers(1, 3, count), ip_dst=7, udp_dport=rng.integers(1, 9, count) * 3,
        udp_sport=5353, udp_len=30, payload_len=22, payload_hash=rng.integers(0, 3, count),
    )  # fmt: skip


def without(batch, rows, *words, unseen=True):
    """Hide words of some packets, as an input that cannot show them does (or as packets that have none)."""
    mask = np.uint32(f.visibility_mask(*words))
    batch.words[rows, f.PRESENT] &= ~mask
    if unseen:
        batch.words[rows, f.UNSEEN] |= mask
    for word in words:
        batch.words[rows, word] = 0
    return batch


def assert_same(found, twin, *, but=()):
    for member in members(twin):
        if member.name in (*but, *FIELDS_OF_SAMPLES):
            continue
        expected = getattr(twin, member.name)
        if member.name == "relations":  # a relation that no packet shows is not told
            expected = {text: relation for text, relation in expected.items() if relation.seen}
        assert getattr(found, member.name) == expected, member.name


def assert_same_packets(found, twin):
    for name in FIELDS_OF_SAMPLES:
        assert getattr(found, name).packet_id.tolist() == getattr(twin, name).packet_id.tolist()
        assert (getattr(found, name).words == getattr(twin, name).words).all()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("make", [tcp_batch, udp_batch])
def test_a_dossier_of_small_strands_is_its_twin(make, seed):
    batch = make(seed)
    found, twin = gathered(batch), dossier_from_batch(batch, RELATIONS)
    assert_same(found, twin)
    assert_same_packets(found, twin)


def test_icmp_and_arp_have_dossiers_too():
    pings = probes(
        20, protocol=f.ICMP, icmp_type=8, icmp_code=0, icmp_id=np.arange(20), icmp_seq=7, ip_dst=np.arange(20)
    )
    assert_same(gathered(pings), dossier_from_batch(pings, RELATIONS))
    asks = probes(20, protocol=f.ARP, arp_op=1, ip_dst=np.arange(20))
    assert_same(gathered(asks), dossier_from_batch(asks, RELATIONS))


@pytest.mark.parametrize("unseen", [True, False])
def test_fields_that_some_probes_do_not_show_have_their_denominators(unseen):
    batch = without(tcp_batch(5), np.arange(0, 200, 3), f.SEQ, f.TCP_WIN, f.IP_TTL, unseen=unseen)
    assert_same(gathered(batch), dossier_from_batch(batch, RELATIONS))


def test_distinct_values_count_only_where_the_field_is_seen():
    batch = without(probes(6, tcp_flags=2, tcp_seq=[5, 6, 7, 5, 6, 7]), [0, 1, 2], f.SEQ)
    assert gathered(batch).fields["tcp_seq"].distinct == 3


@pytest.mark.parametrize("capacity", CAPACITIES[3:])
def test_large_strands_have_exact_counts_and_masks(capacity):
    batch = join([tcp_batch(8, 4000), probes(5, ip_src=9, ip_dst=100, tcp_flags=2, tcp_seq=77, layout=("MSS",))])
    batch.packet_id[:] = np.arange(1, len(batch) + 1)
    batch = without(batch, np.arange(0, 4005, 3), f.IP_TTL)
    found, twin = gathered(batch, capacity=capacity), dossier_from_batch(batch, RELATIONS)
    estimated = ("targets", "targets_total", "targets_exact", "ports", "ports_total", "fields", "sampled", "relations")
    if capacity >= 256:
        estimated = tuple(name for name in estimated if not name.startswith("ports"))
    assert found.sampled
    assert_same(found, twin, but=estimated)
    assert found.relations == dossier_from_batch(found.sample, RELATIONS).relations
    for name, field in twin.fields.items():
        for member in members(field):
            if member.name == "stride" and field.stride and not found.fields[name].stride:
                continue  # strides of large strands are kept for the words that count only
            if member.name == "distinct" and field.minimum < field.maximum:
                assert 1 <= found.fields[name].distinct <= field.distinct
                continue
            assert getattr(found.fields[name], member.name) == getattr(field, member.name), name


@pytest.mark.parametrize("capacity", [256, 64])
def test_targets_of_large_strands_are_marked_as_not_exact(capacity):
    rng = np.random.default_rng(2)
    batch = probes(5000, tcp_flags=2, ip_dst=rng.integers(0, 3000, 5000), tcp_dport=80)
    found = gathered(batch, capacity=capacity)
    assert not found.targets_exact
    assert sum(party.probes for party in found.targets) <= 2 * found.probes
    if capacity >= 256:
        total = len(np.unique(batch.column("ip_dst")))
        assert abs(found.targets_total - total) < 4 * 0.023 * total


@pytest.mark.parametrize("first", range(0, 80_000, 8_000))
def test_there_are_never_more_targets_than_probes(first):
    found = gathered(probes(700, tcp_flags=2, ip_dst=first + np.arange(700)), capacity=256)
    assert not found.targets_exact
    assert 560 < found.targets_total <= 700


def test_one_target_of_a_large_strand_is_exact():
    found = gathered(probes(900, tcp_flags=2, ip_dst=9, tcp_dport=80), capacity=64)
    assert (found.targets_total, found.targets_exact) == (1, True)
    assert [(party.address, party.probes) for party in found.targets] == [("0.0.0.9", 900)]


def test_a_rare_second_target_that_the_sample_missed_is_not_denied():
    targets = np.full(900, 9)
    targets[450] = 10
    found = gathered(probes(900, tcp_flags=2, ip_dst=targets, tcp_dport=80), capacity=1)
    assert not found.targets_exact


def test_packets_without_ports_add_no_port_zero():
    """Large strands of later fragments have no port: their bitmaps say nothing."""
    batch = probes(600, protocol=f.UDP, udp_dport=53, ip_dst=4)
    batch = without(batch, np.arange(0, 600, 2), f.SPORT, f.DPORT, unseen=False)
    for capacity in (1024, 256, 64):
        assert gathered(batch, capacity=capacity).ports == (53,)


def test_a_time_missing_in_one_packet_of_many_is_told():
    batch = probes(600, tcp_flags=2)
    batch.words[77, f.NOTES] = f.NOTE_NO_TIME
    assert gathered(batch, capacity=1).has_time is False
    assert gathered(probes(600, tcp_flags=2), capacity=1).has_time is True


def test_the_sample_of_a_large_and_a_small_strand_is_fair():
    """Every strand is sampled at the rate of the largest: no source counts double."""
    sources = np.where(np.arange(4000) % 20 == 0, 2, 1)
    found = gathered(probes(4000, ip_src=sources, tcp_flags=2, tcp_dport=np.arange(4000)), capacity=256)
    share = (found.sample.column("ip_src") == 2).mean()
    assert abs(share - 0.05) < 0.05
    assert (np.diff(found.sample.ts_ns) >= 0).all()


def test_consecutive_packets_have_none_missing_between():
    batch = probes(4000, tcp_flags=2, gap_ns=100_000_000, tcp_dport=np.arange(4000))
    found = gathered(batch, capacity=256).consecutive
    slices = found.ts_ns >> 32
    inside = np.diff(slices) == 0
    assert inside.sum() > 200
    assert (np.diff(found.column("tcp_dport").astype(int))[inside] == 1).all()


@pytest.mark.parametrize("count", [0, 1, 50, 2000, 20_000, 200_000])
def test_the_estimate_of_distinct_targets_is_within_four_standard_errors(count):
    """1.04 / sqrt(2048) is 2.3 %; four of them are 9.2 %, and nothing is never something."""
    from craftmark.evidence.distinct import Targets

    rng = np.random.default_rng(count)
    batch = probes(max(count, 1), ip_dst=rng.choice(1 << 31, max(count, 1), replace=False))
    targets = Targets()
    targets.reserve(1)
    targets.update(batch, np.arange(count), np.zeros(count, np.int64))
    assert abs(estimate(targets.state["registers"][0]) - count) <= 0.092 * count
