"""All families together: planted scans, random headers, hostile packets."""

from __future__ import annotations

from math import isfinite

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from craftmark.marks.base import PACKETS_SHOWN
from craftmark.marks.infer import FAMILIES, infer
from craftmark.marks.markprint import markprint
from craftmark.packets.batch import PacketBatch
from craftmark.packets.fields import ARP, ICMP, PROTOCOL, SCTP, TCP, UDP, WORDS
from tests.marks.dossiers import dossier_from_batch, probes

RELATIONS = (
    "ip_id == low16(ip_dst ^ tcp_seq) ^ tcp_dport",
    "tcp_seq == ip_dst",
    "high16(tcp_seq) ^ low16(tcp_seq)",
    "tcp_seq ^ swap32(ip_dst) ^ (tcp_dport << 16) + tcp_sport",
)
#: Chance from which a mark on random headers would be a false alarm.
ALARM = -3.0


def random_headers(rng: np.random.Generator, count: int) -> PacketBatch:
    bits = {
        "ip_dst": 32, "tcp_dport": 16, "tcp_sport": 16, "tcp_seq": 32, "tcp_ack": 32, "tcp_win": 16, "ip_id": 16,
        "ip_ttl": 8, "ip_tos": 8, "tcp_urp": 16,
    }  # fmt: skip
    batch = probes(count, ip_src=5, **{name: rng.integers(0, 1 << width, count) for name, width in bits.items()})
    batch.ts_ns[:] = 10**18 + np.cumsum(rng.exponential(1e6, count)).astype(np.int64)
    return batch


def test_random_headers_give_no_mark_beyond_chance() -> None:
    rng = np.random.default_rng(14)
    alarms = [
        mark.statement
        for count, dossiers in ((2, 80), (4, 80), (6, 80), (12, 80), (40, 60), (150, 40), (1000, 5))
        for _ in range(dossiers)
        for mark in infer(dossier_from_batch(random_headers(rng, count), RELATIONS))
        if mark.log10_chance < ALARM
    ]
    assert alarms == []


def test_the_2000_scan_in_the_order_a_reader_wants() -> None:
    batch = probes(
        3072, gap_ns=4_427_083, ip_src=np.tile([0xC0A00D04, 0xC0A00D07, 0xC0A00D06], 1024), ip_dst=0xAC100165,
        tcp_dport=np.repeat(np.arange(1, 1025), 3), tcp_sport=31337, tcp_seq=0xA1D95, tcp_ack=0x53, tcp_win=0x400,
        tcp_flags=0x0D, ip_id=242, ip_ttl=44, ip_tos=0x10, ip_len=40,
    )  # fmt: skip
    marks = infer(dossier_from_batch(batch, RELATIONS))
    kinds = [mark.kind for mark in marks]
    assert kinds == sorted(kinds, key=["constant", "ttl", "options", "relation", "order", "repeat", "timing"].index)
    exact = {field for mark in marks if mark.held == mark.seen == 3072 for field in mark.fields}
    assert exact >= {
        "ip_dst", "ip_proto", "ip_tos", "ip_ttl", "ip_id", "tcp_sport", "tcp_flags", "tcp_seq", "tcp_ack", "tcp_win",
    }  # fmt: skip
    assert "relation" not in kinds


@st.composite
def hostile_batches(draw: st.DrawFn) -> PacketBatch:
    """Rows of any words at all, few different values among many."""
    count = draw(st.integers(1, 40))
    seed, pool = draw(st.integers(0, 2**32 - 1)), draw(st.integers(1, 6))
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 2**32, (pool, WORDS), dtype=np.uint32)
    words = values[rng.integers(0, pool, (count, WORDS)), np.arange(WORDS)]
    words[:, PROTOCOL] = draw(st.sampled_from([TCP, UDP, ICMP, SCTP, ARP, 47]))
    words[:, 5] = draw(st.sampled_from([4, 6]))
    times = np.sort(rng.integers(0, draw(st.sampled_from([1, 1000, 10**18])), count))
    return PacketBatch(words, times, np.arange(count, dtype=np.int64))


@settings(max_examples=150, deadline=None)
@given(hostile_batches())
def test_any_packets_give_marks_that_keep_their_promises(batch: PacketBatch) -> None:
    dossier = dossier_from_batch(batch, RELATIONS)
    marks = infer(dossier)
    assert marks == infer(dossier)
    for mark in marks:
        assert isfinite(mark.log10_chance)
        assert mark.log10_chance <= 0
        assert 0 <= mark.held <= mark.seen
        assert mark.seen > 0
        assert mark.statement.isascii()
        assert mark.statement.isprintable()
        assert len(mark.packets) <= PACKETS_SHOWN
        assert set(map(type, (*mark.values, *mark.packets))) <= {int}
    structure, values = markprint(dossier, marks)
    assert (structure + values).isascii()
    assert (structure + values).isprintable()


def test_each_family_is_listed_once() -> None:
    assert len(set(FAMILIES)) == len(FAMILIES)
