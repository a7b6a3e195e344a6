"""Mutations of octets: cuts, flips, runs, splices, numbers at their limits, hostile words; all from one seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

_WORDS = (
    b"\0" * 40, b"\xff" * 12, b"\x1b[31m\x1b]0;x\x07", "\u202e\u2028\ufeff".encode(), b"=cmd|'/c calc'!A1", b"{" * 200,
    b"[" * 200, b'"\\' * 60, b"9" * 400, b"-1", b"1e999", b"NaN", b"0x", b"a" * 70_000, b" " * 3000, b"," * 3000,
    b"\t" * 3000, b"(" * 3000, b"\r\n\r\n", b"../../etc/passwd", b"99999-99-99 99:99:99", b"4294967296", b"::" * 40,
)  # fmt: skip
_NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def mutate(data: bytes, rng: random.Random, *, most: int = 4) -> bytes:
    """Return a mutation of the octets."""
    for _ in range(rng.randint(1, most)):
        data = rng.choice(_KINDS)(data, rng)
    return data


def _cut(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def _flip(data: bytes, rng: random.Random) -> bytes:
    if not data:
        return data
    at = rng.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :]


def _octet(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + bytes([rng.randrange(256)]) + data[at + 1 :]


def _number(data: bytes, rng: random.Random) -> bytes:
    size = rng.choice((1, 2, 4))
    value = rng.choice(_NUMBERS) & ((1 << 8 * size) - 1)
    at = rng.randrange(len(data) + 1)
    return data[:at] + value.to_bytes(size, rng.choice(("big", "little"))) + data[at + size :]


def _word(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.choice(_WORDS) + data[at:]


def _drop(data: bytes, rng: random.Random) -> bytes:
    first, last = sorted(rng.randrange(len(data) + 1) for _ in range(2))
    return data[:first] + data[last:]


def _repeat(data: bytes, rng: random.Random) -> bytes:
    first, last = sorted(rng.randrange(len(data) + 1) for _ in range(2))
    return data[:last] + data[first:last] * rng.randint(1, 4) + data[last:]


_KINDS = (_cut, _flip, _flip, _octet, _number, _number, _word, _drop, _repeat)
