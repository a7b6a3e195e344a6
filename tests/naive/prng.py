"""Generators of C libraries by their definitions, one seed and one output at a time."""

from __future__ import annotations

M31, M32, M64 = (1 << 31) - 1, (1 << 32) - 1, (1 << 64) - 1


def schrage(word: int) -> int:
    """Return 16807 * word modulo 2^31 - 1 as C writes it, with division towards zero."""
    high = abs(word) // 127773 * (1 if word >= 0 else -1)
    value = 16807 * (word - high * 127773) - 2836 * high
    return value + M31 if value < 0 else value


def additive(table, count):
    """Run the additive generator from its 31 words: two pointers, 310 outputs thrown away."""
    state, front, rear, given = list(table), 3, 0, []
    for _ in range(310 + count):
        state[front] = (state[front] + state[rear]) & M32
        given.append(state[front] >> 1)
        front, rear = (front + 1) % 31, (rear + 1) % 31
    return given[310:]


def glibc(seed, count):
    word = seed or 1
    word = word - (1 << 32) if word >> 31 else word
    table = [word & M32]
    for _ in range(30):
        word = schrage(word)
        table.append(word)
    return additive(table, count)


def freebsd(seed, count):
    table = [seed]
    for _ in range(30):
        table.append(schrage(table[-1] % (M31 - 1) + 1) - 1)
    return additive(table, count)


def park_miller(seed, count):
    state, given = seed % M31 or 123459876, []
    for _ in range(count):
        state = 16807 * state % M31
        given.append(state)
    return given


def congruential(state, count, *, factor, addend, shift, bits):
    given = []
    for _ in range(count):
        state = (state * factor + addend) & M64
        given.append(state >> shift & ((1 << bits) - 1))
    return given


def musl(seed, count):
    return congruential((seed - 1) & M32, count, factor=6364136223846793005, addend=1, shift=33, bits=31)


def newlib(seed, count):
    return congruential(seed, count, factor=6364136223846793005, addend=1, shift=32, bits=31)


def msvcrt(seed, count):
    return congruential(seed, count, factor=214013, addend=2531011, shift=16, bits=15)


def iso_c(seed, count):
    return congruential(seed, count, factor=1103515245, addend=12345, shift=16, bits=15)


BY_NAME = {
    "glibc": glibc, "musl": musl, "newlib": newlib, "freebsd": freebsd, "park-miller": park_miller,
    "msvcrt": msvcrt, "iso-c": iso_c,
}  # fmt: skip
