"""The shuffle blackrock forwards, one number at a time, from its description; the solver only ever takes it back."""

from __future__ import annotations

M64 = (1 << 64) - 1


def sides(size):
    """Return the network's two sides: about the root less 2 and plus 3, the second grown until they hold the range."""
    a, b = int(size**0.5) - 2, int(size**0.5) + 3
    while a * b <= size:
        b += 1
    return a, b


def mix(table, step, value, seed):
    """Return the round function: bytes of the half, mixed with the seed, through the table, overlapping."""
    value ^= (seed << step & M64) ^ (seed >> (64 - step))
    at = [table[(value >> 8 * n ^ seed ^ step) & 255] for n in range(8)]
    low, high = at[0] | at[1] << 8, at[2] << 16 | at[3] << 24
    more, most = at[4] | at[5] << 8, at[6] << 16 | at[7] << 24
    return (low ^ high ^ more << 23 ^ most << 33) & M64


def encrypt(number, a, b, rounds, table, seed):
    """Return one pass through the network."""
    left, right = number % a, number // a
    for step in range(1, rounds + 1):
        left, right = right, (left + mix(table, step, right, seed)) % (a if step % 2 else b)
    return a * left + right if rounds % 2 else a * right + left


def shuffle(number, size, rounds, table, seed):
    """Return where a number goes: passes until it is in the range again."""
    a, b = sides(size)
    number = encrypt(number, a, b, rounds, table, seed)
    while number >= size:
        number = encrypt(number, a, b, rounds, table, seed)
    return number
