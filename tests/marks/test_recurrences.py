from __future__ import annotations

import numpy as np
import pytest

from craftmark.kernels.congruences import KNOWN, Congruence, full, outputs, states
from craftmark.marks.chance import STATED_AT
from craftmark.marks.recurrences import infer
from tests.marks import dossiers as d
from tests.marks.planting import mixed, random_headers
from tests.naive.prng import BY_NAME

LAWS = [
    (1664525, 1013904223, 1 << 32), (1103515245, 12345, 1 << 31), (16807, 0, (1 << 31) - 1),
    (25173, 13849, 1 << 16), (75, 74, 65537), (0x8088405, 1, 1 << 32),
]  # fmt: skip


def congruential(law, first, count):
    factor, addend, modulus = law
    values = [first % modulus]
    for _ in range(count - 1):
        values.append((values[-1] * factor + addend) % modulus)
    return values


def lrand48(seed, count):
    """Return POSIX's lrand48() after srand48(): the upper 31 of 48 bits."""
    state, given = seed << 16 | 0x330E, []
    for _ in range(count):
        state = (state * 0x5DEECE66D + 0xB) % (1 << 48)
        given.append(state >> 17)
    return given


def said(batch):
    return [mark for mark in infer(d.dossier_from_batch(batch)) if mark.log10_chance <= STATED_AT]


def planted(count, seed=1, **columns):
    rng = np.random.default_rng(seed)
    batch = random_headers(rng, count)
    return d.probes(count, **{
        "ip_src": 5, "ip_dst": batch.column("ip_dst"), "tcp_seq": batch.column("tcp_seq"), "ip_id": 7, "tcp_dport": 80,
    } | columns)  # fmt: skip


@pytest.mark.parametrize("law", LAWS)
def test_parameters_come_from_a_dozen_values(law):
    found = full(congruential(law, 123_456_789, 12))
    assert (found.factor, found.addend, found.modulus) == law


@pytest.mark.parametrize("law", LAWS)
def test_many_values_follow_as_one_by_one(law):
    values = congruential(law, 99, 200)
    assert Congruence(*law).after(np.array(values[:-1])).tolist() == values[1:]
    assert Congruence(*law).steps(3).after(np.array(values[:1])).tolist() == [values[3]]


def test_random_values_and_counters_have_no_congruence():
    rng = np.random.default_rng(3)
    for bits in (16, 32):
        for _ in range(2000):
            assert full(rng.integers(0, 1 << bits, 12).tolist()) is None
    assert full(list(range(5, 5 + 12 * 7, 7))) is None


@pytest.mark.parametrize("name", ["msvcrt", "iso-c"])
@pytest.mark.parametrize("step", [1, 2, 3])
def test_hidden_bits_are_found(name, step):
    values = BY_NAME[name](4711, 60)[::step]
    found = states(KNOWN[name], np.array(values[:6]), step)
    assert outputs(KNOWN[name], int(found[0]), step, len(values)).tolist() == values


@pytest.mark.parametrize("law", LAWS)
def test_a_field_that_counts_by_a_congruence_is_told_with_its_parameters(law):
    field = "tcp_seq" if law[2] > 65537 else "ip_id"
    values = [value & 0xFFFF for value in congruential(law, 5, 40)] if field == "ip_id" else congruential(law, 5, 40)
    (mark,) = said(planted(40, **{field: values}))
    assert mark.values == law
    assert (mark.held, mark.seen) == (39, 39)


def test_the_other_byte_order_is_told():
    values = np.array(congruential(LAWS[0], 5, 40)).astype(np.uint32).byteswap()
    (mark,) = said(planted(40, tcp_seq=values))
    assert mark.statement.startswith("swap32(tcp_seq) = (previous * 1664525 + 1013904223) mod 2^32")


@pytest.mark.parametrize("name", ["msvcrt", "iso-c"])
def test_a_library_that_hides_low_bits_is_told(name):
    values = BY_NAME[name](99, 120)
    (mark,) = said(planted(40, ip_id=values[::3], tcp_sport=values[1::3]))[:1]
    assert KNOWN[name].says in mark.statement
    assert "every third output" in mark.statement


def test_lrand48_is_told():
    (mark,) = said(planted(40, tcp_seq=lrand48(31337, 40)))
    assert "lrand48()" in mark.statement
    assert mark.held == 40


@pytest.mark.parametrize("library", ["glibc", "freebsd"])
@pytest.mark.parametrize("dealt", [("tcp_seq",), ("tcp_seq", "tcp_ack"), ("tcp_seq", "tcp_ack", "ip_id")])
def test_sums_betray_random_whatever_it_was_seeded_with(library, dealt):
    stream = np.array(BY_NAME[library](0xDEADBEEF, 200 * len(dealt))).reshape(-1, len(dealt))
    columns = {name: stream[:, place] & (0xFFFF if name == "ip_id" else 0xFFFFFFFF) for place, name in enumerate(dealt)}
    (mark,) = said(planted(200, **columns))
    assert mark.name == "additive"
    assert set(mark.fields) == set(dealt)
    assert mark.held == mark.seen


def test_foreign_probes_do_not_hide_a_congruence():
    batch = mixed(
        lambda _, count: planted(count, tcp_seq=congruential(LAWS[0], 5, count)), np.random.default_rng(1), 200, 0.05
    )
    assert [mark.name for mark in said(batch)] == ["congruential"]


def test_random_headers_say_nothing():
    rng = np.random.default_rng(8)
    for count in (14, 40, 200):
        for _ in range(30):
            assert said(random_headers(rng, count)) == []
            assert (
                said(planted(count, tcp_seq=rng.integers(0, 1 << 31, count), ip_id=rng.integers(0, 1 << 15, count)))
                == []
            )
