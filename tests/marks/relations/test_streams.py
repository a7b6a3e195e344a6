"""Streams of shift registers: found from probe to probe, not in random headers, counters or conversations."""

from __future__ import annotations

import numpy as np

from craftmark.marks import relations
from tests.marks import planting
from tests.marks.dossiers import dossier_from_batch, probes


def streams(batch) -> list[tuple[str, tuple[int, ...]]]:
    marks = relations.infer(dossier_from_batch(batch))
    return [(mark.statement, mark.values) for mark in marks if mark.kind == "generator"]


def test_a_xorshift_stream_is_found_whole() -> None:
    assert streams(planting.xorshift(np.random.default_rng(1), 250)) == [
        (planting.STATED[planting.xorshift], (32,)),
    ]


def test_a_shift_register_of_unknown_taps_is_found() -> None:
    state, stream = 0xACE1, []
    for _ in range(200):
        state = state >> 1 | ((state ^ state >> 2 ^ state >> 3 ^ state >> 5) & 1) << 15
        stream.append(state)
    rng = np.random.default_rng(2)
    (found,) = streams(probes(200, ip_id=stream, tcp_dport=80, tcp_seq=planting.draw(rng, 16, 200)))
    assert found == ("16 bits of ip_id are xor of bits of ip_id in the probe before", (16,))


def xorshift128(count: int) -> list[int]:
    """Marsaglia's xorshift128 with shifts 11, 8 and 19, as Mirai's source has it."""
    x, y, z, w = 123456789, 362436069, 521288629, 88675123
    outputs = []
    for _ in range(count):
        t = x ^ (x << 11 & planting.M32)
        x, y, z = y, z, w
        w ^= w >> 19 ^ t ^ t >> 8
        outputs.append(w)
    return outputs


def test_mirais_stream_is_found_in_targets_and_ids_two_probes_back() -> None:
    """Each probe takes two outputs: the low half of one as IP ID, the next as target and sequence number."""
    outputs = np.array(xorshift128(800))
    ids, dst = outputs[0::2] & 0xFFFF, outputs[1::2]
    found = streams(probes(400, ip_dst=dst, tcp_seq=dst, ip_id=ids, tcp_dport=23))
    assert {statement.split(" are ")[0] for statement, _ in found} == {"16 bits of ip_dst", "16 bits of ip_id"}


def test_no_stream_in_random_headers_counters_or_what_holds_within_a_probe() -> None:
    rng = np.random.default_rng(3)
    counting = probes(300, ip_id=np.arange(300), tcp_seq=np.arange(300) * 64000 % 2**32, tcp_dport=80)
    for batch in (planting.random_headers(rng, 600), planting.unicornscan(rng, 500), counting):
        assert streams(batch) == []


def test_lost_probes_break_a_stream() -> None:
    assert streams(planting.lossy(planting.xorshift, np.random.default_rng(4), 250, 0.5)) == []
