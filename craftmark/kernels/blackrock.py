"""The shuffle called blackrock, under many seeds at once: a Feistel network over a range of any size.

After Black and Rogaway, Ciphers with Arbitrary Finite Domains (CT-RSA 2002), with the sides, the mixing and the table
of substitutes of masscan (robertdavidgraham/masscan, src/crypto-blackrock.c); the table comes with the tool's recipe.
"""

from __future__ import annotations

from math import isqrt
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Octets = NDArray[np.uint8]
    Words = NDArray[np.uint64]

#: Times a number is taken round until it is in the range: seeds that need more are given up.
_ROUNDABOUTS: Final = 64
#: Sides of small ranges, which would not be shuffled well by the rule.
_SMALL_SIDES: Final = {1: (1, 1), 2: (1, 2), 3: (2, 2), 4: (2, 3), 5: (2, 3), 6: (2, 3), 7: (3, 3), 8: (3, 3)}
#: One in each byte of a word.
_EACH_BYTE: Final = np.uint64(0x0101010101010101)


class Shuffle(NamedTuple):
    """A range with its sides, rounds, and the table of substitutes as uint8[256]."""

    size: int
    a: int
    b: int
    rounds: int
    table: Octets


def shuffle_of(size: int, rounds: int, table: bytes) -> Shuffle:
    """Return the shuffle of the numbers 0 to size - 1."""
    root = isqrt(size)
    a, b = _SMALL_SIDES.get(size, (root - 2, root + 3))
    while a * b <= size:
        b += 1
    return Shuffle(size, a, b, rounds, np.frombuffer(table, np.uint8))


def unshuffle(shuffle: Shuffle, numbers: Words, seeds: Words) -> NDArray[np.int64]:
    """Return from where in the range each seed's shuffle took each number; -1 where that took too long."""
    found = _taken_back(shuffle, numbers, seeds)
    outside = np.flatnonzero(found >= shuffle.size)
    for _ in range(_ROUNDABOUTS):
        if not len(outside):
            break
        found[outside] = _taken_back(shuffle, found[outside], seeds[outside])
        outside = outside[found[outside] >= shuffle.size]
    places = found.astype(np.int64)
    places[outside] = -1
    return places


def _taken_back(shuffle: Shuffle, numbers: Words, seeds: Words) -> Words:
    a = np.uint64(shuffle.a)
    left, right = numbers % a, numbers // a
    if shuffle.rounds & 1:
        left, right = right, left
    for step in range(shuffle.rounds, 0, -1):
        side = np.uint64(shuffle.a if step & 1 else shuffle.b)
        mixed = _mixed(shuffle.table, step, left, seeds)
        ahead = mixed > right
        away = np.where(ahead, mixed - right, right - mixed) % side
        left, right = np.where(ahead, (side - away) % side, away), left
    return np.asarray(a * right + left)


def _mixed(table: Octets, step: int, value: Words, seeds: Words) -> Words:
    """Mix a half with the seed: its bytes through the table, put together with overlaps."""
    turn, back = np.uint64(step), np.uint64(64 - step)
    value = value ^ (seeds << turn) ^ (seeds >> back) ^ ((seeds ^ turn) & np.uint64(255)) * _EACH_BYTE
    found = table[value.astype("<u8", copy=False).view(np.uint8)].view("<u8")
    low, fifth = found & np.uint64(0xFFFFFFFF), (found >> np.uint64(32)) & np.uint64(0xFFFF)
    return np.asarray(low ^ (fifth << np.uint64(23)) ^ ((found >> np.uint64(48)) << np.uint64(16 + 33)))
