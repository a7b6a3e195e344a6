"""Sketches: registers, port sets, ranks and bottom-k samples; compiled, plain and by brute force."""

from __future__ import annotations

import numpy as np
import pytest

from craftmark.evidence.distinct import REGISTER_BITS, estimate, ports_of
from craftmark.kernels.sketches import fold_ports, fold_sample, fold_targets, row_ranks
from craftmark.packets.fields import DPORT, IP_DST, IP_DST_HIGH, IP_SRC, PROTOCOL, SPORT, TCP, WORDS
from tests.kernels.both import run_both
from tests.naive.sketches import bitmap_of, bottom_k, fair_rank, registers_of, run_rank

ZEROS = np.zeros(400, np.int64)


def addresses(seed, rows):
    rng = np.random.default_rng(seed)
    words = np.zeros((rows, WORDS), np.uint32)
    words[:, IP_DST] = rng.integers(0, 1 << 32, rows)
    words[::3, IP_DST_HIGH : IP_DST_HIGH + 3] = rng.integers(0, 1 << 32, (len(words[::3]), 3))
    words[:4, IP_DST] = [0, 0xFFFFFFFF, 1, 0x80000000]
    return words


@pytest.mark.parametrize("bits", [4, REGISTER_BITS])
def test_registers_are_those_of_the_definition(bits):
    words = addresses(1, 300)
    slot = np.arange(300) % 2
    registers = np.zeros((2, 1 << bits), np.uint8)
    _, args = run_both(fold_targets, 300, np.arange(300), slot, words, registers, bits)
    for s in range(2):
        rows = words[slot == s][:, [IP_DST, IP_DST_HIGH, IP_DST_HIGH + 1, IP_DST_HIGH + 2]]
        assert args[3][s].tolist() == registers_of([tuple(map(int, row)) for row in rows], bits)


@pytest.mark.parametrize("spread", [1, 256, 65536])
@pytest.mark.parametrize("distinct", [10, 3000, 60_000])
def test_estimates_stay_within_four_standard_errors_on_address_plans(distinct, spread):
    """Runs and grids of addresses, as scans send: within 4 * 1.04 / sqrt(2048) = 9.2 % of the exact count."""
    words = np.zeros((distinct, WORDS), np.uint32)
    words[:, IP_DST] = (np.arange(distinct) * spread % (1 << 32)).astype(np.uint32)
    exact = len(np.unique(words[:, IP_DST]))
    registers = np.zeros((1, 1 << REGISTER_BITS), np.uint8)
    fold_targets.dispatcher()(
        distinct, np.arange(distinct), np.zeros(distinct, np.int64), words, registers, REGISTER_BITS
    )
    assert abs(estimate(registers[0]) - exact) <= 0.092 * exact


def test_port_sets_hold_each_port_once():
    rng = np.random.default_rng(2)
    words = np.zeros((200, WORDS), np.uint32)
    words[:, DPORT] = rng.integers(0, 1 << 32, 200)
    words[:6, DPORT] = [0, 7, 8, 65535, 65536, 65535]
    _, args = run_both(fold_ports, 200, np.arange(200), ZEROS[:200], words, DPORT, np.zeros((1, 8192), np.uint8))
    ports = [int(word) & 0xFFFF for word in words[:, DPORT]]
    assert args[4].tobytes() == bitmap_of(ports)
    assert ports_of(args[4][0]).tolist() == sorted(set(ports))


TIMES = np.array([0, -1, 1, -(2**32), 2**32, 2**62, -(2**62), 1_000_000_000_123_456_789, 2**63 - 1, -(2**63)], np.int64)
NUMBERS = np.array([0, 1, 2**32, 2**40 + 1, 2**62, 2**63 - 1, 5, 6, 7, 8], np.int64)


def ranks_of(times, numbers, by_time, words=None):
    rows = np.arange(len(times))
    words = addresses(3, len(times)) if words is None else words
    return run_both(row_ranks, len(rows), rows, words, times, numbers, by_time, np.empty(len(rows), np.int64))[1][5]


def test_ranks_are_those_of_the_definition_for_any_time_and_number():
    words = addresses(3, len(TIMES))
    words[:, [SPORT, DPORT, PROTOCOL]] = 0xFFFF
    words[:5, PROTOCOL] = TCP
    wanted = [fair_rank(row, number) for row, number in zip(words.tolist(), NUMBERS.tolist(), strict=True)]
    assert ranks_of(TIMES, NUMBERS, 0, words).tolist() == wanted
    assert ranks_of(TIMES, NUMBERS, 1).tolist() == [run_rank(time) for time in TIMES.tolist()]


def test_both_directions_of_a_conversation_rank_together():
    words = addresses(4, 100)
    words[:, IP_SRC], words[:, SPORT], words[:, DPORT], words[:, PROTOCOL] = 77, 1234, 80, TCP
    back = words.copy()
    back[:, [IP_SRC, IP_DST, SPORT, DPORT]] = words[:, [IP_DST, IP_SRC, DPORT, SPORT]]
    one, two = (
        ranks_of(np.zeros(100, np.int64), np.arange(n, n + 100), 0, part) for n, part in ((1, words), (500, back))
    )
    assert (one >> 30).tolist() == (two >> 30).tolist()
    assert len(set((one >> 30).tolist())) == 100
    assert (one != two).all()


def following(count):
    """A port scan: one target, ports in order."""
    words = np.zeros((count, WORDS), np.uint32)
    words[:, IP_SRC], words[:, IP_DST], words[:, SPORT], words[:, PROTOCOL] = 5, 9, 31337, TCP
    words[:, DPORT] = np.arange(count)
    return words


def test_fair_ranks_of_following_packets_are_spread_evenly():
    ranks = ranks_of(np.zeros(4000, np.int64), np.arange(1, 4001), 0, following(4000))
    shares = np.bincount(ranks >> 58, minlength=16) / 4000
    assert len(shares) == 16
    assert abs(shares - 1 / 16).max() < 0.02


@pytest.mark.parametrize("k", [1, 2, 7, 64])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("by_time", [0, 1])
def test_a_sample_is_the_least_ranks_of_a_full_sort(k, seed, by_time):
    """Ranks tie on purpose; the packet number decides."""
    rng = np.random.default_rng(seed)
    count, slots = 300, 3
    words = rng.integers(0, 1 << 32, (count, WORDS), dtype=np.uint32)
    ts_ns, number = rng.choice(rng.integers(-(2**62), 2**62, 20), count), rng.permutation(count)
    slot = rng.integers(0, slots, count)
    ranks = ranks_of(ts_ns, number, by_time, words)
    state = [np.zeros(slots, np.int64), *(np.zeros(slots * k, np.int64) for _ in range(3))]
    kept, kept_ns = np.zeros((slots * k, WORDS), np.uint32), np.zeros(slots * k, np.int64)
    rows = np.arange(count)
    _, args = run_both(fold_sample, count, rows, slot, words, ts_ns, number, by_time, k, *state, kept, kept_ns)
    size, rank, ident, place, kept, kept_ns = args[7:]
    for s in range(slots):
        mine = np.flatnonzero(slot == s).tolist()
        wanted = bottom_k(mine, dict(enumerate(ranks.tolist())), dict(enumerate(number.tolist())), k)
        part = slice(s * k, s * k + int(size[s]))
        assert sorted(zip(rank[part].tolist(), ident[part].tolist(), strict=True)) == sorted(
            (int(ranks[row]), int(number[row])) for row in wanted
        )
        assert (rank[part][0], ident[part][0]) == (ranks[wanted[0]], number[wanted[0]])
        row_of = {int(number[row]): row for row in mine}
        for entry, at in zip(ident[part], s * k + place[part], strict=True):
            assert (kept[at] == words[row_of[int(entry)]]).all()
            assert kept_ns[at] == ts_ns[row_of[int(entry)]]
