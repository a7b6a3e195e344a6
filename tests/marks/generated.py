"""Planted scans whose fields one generator filled, by the tools' published algorithms and the twins in tests/naive.

A maker takes a random generator and how many probes are left of how many; it returns them with what must be recovered:
the name of a parameter, and its value or a part of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tests.marks.dossiers import probes
from tests.marks.planting import draw
from tests.naive.prng import BY_NAME, glibc
from tests.naive.xorshift import Scanner

if TYPE_CHECKING:
    from craftmark.packets.batch import PacketBatch

    Made = tuple[PacketBatch, tuple[str, object]]

FIRST_S = 958_842_405


def left(rng: np.random.Generator, count: int, kept: float) -> np.ndarray:
    """Return the numbers of the probes that are left, ascending."""
    return np.sort(rng.choice(round(count / kept), count, replace=False))


def mirai(rng: np.random.Generator, count: int, kept: float) -> Made:
    """A bot that started up to ten minutes ago."""
    before, numbers = int(rng.integers(0, 90_000)), left(rng, count, kept)
    start = FIRST_S - before // 160
    scanner = Scanner(start, int(rng.integers(2, 1 << 15)), int(rng.integers(0, 1 << 20)), little=bool(rng.integers(2)))
    for _ in range(before):
        scanner.probe()
    made = [scanner.probe() for _ in range(int(numbers[-1]) + 1)]
    ids, targets, ports = np.array([made[number] for number in numbers]).T
    batch = probes(
        count, ip_src=9, ip_dst=targets, tcp_seq=targets, ip_id=ids, tcp_dport=ports, tcp_sport=scanner.sport,
        tcp_win=scanner.window, tcp_flags=2, ip_ttl=55,
    )  # fmt: skip
    batch.ts_ns[:] = (FIRST_S + numbers // 160) * 10**9 + numbers % 160 * 50_000
    return batch, ("start_s", start)


def hping(rng: np.random.Generator, count: int, kept: float) -> Made:
    """Port, then seq, ack and id of each probe from one rand(), seeded with the second of the start."""
    numbers = left(rng, count, kept)
    outputs = glibc(FIRST_S - 1, 1 + 3 * (int(numbers[-1]) + 1))
    drawn = np.array(outputs[1:]).reshape(-1, 3)[numbers]
    return probes(
        count, ip_src=9, ip_dst=7, tcp_dport=80, tcp_win=512, tcp_sport=1024 + outputs[0] % 2000 + numbers,
        tcp_seq=drawn[:, 0], tcp_ack=drawn[:, 1], ip_id=drawn[:, 2] & 0xFFFF,
    ), ("start_s", FIRST_S - 1)  # fmt: skip


def libnet(rng: np.random.Generator, count: int, kept: float) -> Made:
    """The SYN flood of libnet's samples: window, ack, seq, port from random(), seeded with second xor microsecond."""
    numbers, microsecond = left(rng, count, kept), 40_000 + int(rng.integers(10_000))
    seed = FIRST_S ^ microsecond
    drawn = np.array(glibc(seed, 4 * (int(numbers[-1]) + 1))).reshape(-1, 4)[numbers]
    return probes(
        count, ip_src=draw(rng, 32, count), ip_dst=7, tcp_dport=80, tcp_win=drawn[:, 0] % 65535, tcp_ack=drawn[:, 1],
        tcp_seq=drawn[:, 2], tcp_sport=drawn[:, 3] % 65535,
    ), ("seed", seed)  # fmt: skip


def packit(rng: np.random.Generator, count: int, kept: float) -> Made:
    """Each value seeds the next, with the second and the process."""
    numbers, process, value, rows = left(rng, count, kept), int(rng.integers(2, 1 << 15)), 0, []
    for _ in range(int(numbers[-1]) + 1):
        row = []
        for size in (65535, 2147483647, 65535):
            value = glibc((FIRST_S ^ process * (value + 1)) & 0xFFFFFFFF, 1)[0] % size
            row.append(value)
        rows.append(row)
    drawn = np.array(rows)[numbers]
    return probes(
        count, gap_ns=1000, ip_src=9, ip_dst=7, tcp_dport=80, tcp_sport=drawn[:, 0], tcp_seq=drawn[:, 1],
        ip_id=drawn[:, 2],
    ), ("pid", process)  # fmt: skip


def nemesis(rng: np.random.Generator, count: int, kept: float) -> Made:
    """Each probe from a process of its own, seeded some milliseconds before."""
    assert kept
    batch, rows = probes(count, gap_ns=11_000_000), []
    for row in range(count):
        moment = int(batch.ts_ns[row]) // 1000 - int(rng.integers(2000, 9000))
        rows.append(glibc(moment // 1_000_000 ^ moment % 1_000_000, 7))
    drawn = np.array(rows)
    return probes(
        count, gap_ns=11_000_000, ip_src=9, ip_dst=7, ip_id=drawn[:, 2] % 65535, tcp_sport=drawn[:, 3] % 65535,
        tcp_dport=80, tcp_seq=drawn[:, 5], tcp_ack=drawn[:, 6],
    ), ("start_s", FIRST_S)  # fmt: skip


def seedless(rng: np.random.Generator, count: int, kept: float) -> Made:
    """An unknown program: seq, id from random() of glibc, seeded by nothing that can be guessed."""
    numbers = left(rng, count, kept)
    drawn = np.array(glibc(int(rng.integers(1 << 32)), 2 * (int(numbers[-1]) + 1))).reshape(-1, 2)[numbers]
    return probes(
        count, ip_src=9, ip_dst=draw(rng, 32, count), tcp_dport=80, tcp_seq=drawn[:, 0], ip_id=drawn[:, 1] & 0xFFFF
    ), ("generator", "random() of glibc")


def microsoft(rng: np.random.Generator, count: int, kept: float) -> Made:
    """An unknown program: source port and id from rand() of Microsoft C."""
    numbers = left(rng, count, kept)
    outputs = BY_NAME["msvcrt"](int(rng.integers(1 << 32)), 2 * (int(numbers[-1]) + 1))
    drawn = np.array(outputs).reshape(-1, 2)[numbers]
    return probes(
        count, ip_src=9, ip_dst=draw(rng, 32, count), tcp_seq=draw(rng, 32, count), tcp_dport=80,
        tcp_sport=drawn[:, 0], ip_id=drawn[:, 1],
    ), ("generator", "Microsoft C")  # fmt: skip


def congruential(rng: np.random.Generator, count: int, kept: float) -> Made:
    """An unknown program: seq is a linear congruence modulo 2^32 with parameters of its own."""
    factor, addend = int(rng.integers(1 << 29)) * 8 + 5, int(rng.integers(1 << 31)) * 2 + 1
    numbers, values = left(rng, count, kept), [int(rng.integers(1 << 32))]
    for _ in range(int(numbers[-1])):
        values.append((values[-1] * factor + addend) & 0xFFFFFFFF)
    return probes(
        count, ip_src=9, ip_dst=draw(rng, 32, count), tcp_dport=80, tcp_seq=np.array(values)[numbers],
        ip_id=draw(rng, 16, count),
    ), ("generator", f"x * {factor} + {addend} mod 2^32")  # fmt: skip
