"""Looks for the small seed from which a scanner drew its generator: AES-128 under the seed, counting up from 0.

The random words are blocks of output feedback from a block of zeros; the key is the seed, little-endian (zmap/zmap,
src/aesrand.c). The first word draws the generator: from 4.0 on the next primitive root above that word, below a bound;
before, a primitive root to the power of the first number from that word on that is coprime to the group's order
(src/cyclic.c). From 4.0 on the second word draws where the walk begins (src/shard.c).
"""

from __future__ import annotations

from functools import lru_cache
from math import gcd
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from craftmark.kernels.aes import encrypt
from craftmark.kernels.residues import prime_powers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from craftmark.marks.target_lists import Numbering

#: Seeds expected to agree by chance among all up to the one found, at most.
_FALSE: Final = 0.004
#: How much oftener a seed of any size agrees by chance than the size of the one found alone says: sum of 1 / seed.
_ANY_SIZE: Final = 8
#: Parts into which the walk may be cut.
_PARTS: Final = 16
#: Numbers passed over to the next primitive root or coprime number, at most.
_PASSED: Final = 256


class Seed(NamedTuple):
    """A seed, how many smaller ones would agree by chance, and the part of the walk: ``part`` of ``parts``, from 0.

    parts is 0, or part -1, where the seed does not tell.
    """

    value: int
    false: float
    parts: int
    part: int


def seed_of(step: int, steps: tuple[int, ...], first: int, numbering: Numbering, below: int, seeds: int) -> Seed | None:
    """Return the smallest seed that draws the walk.

    step: logarithm of the walk's step as found; steps: those of generators in which the tool may have walked it.
    first: logarithm of the first element seen. below: bound of the newer versions' generators.
    """
    words = _words(seeds)
    ways = [*_roots(steps, first, words, numbering, below), *_powers(step, words, numbering)]
    best = min(ways, key=lambda one: (one.false, one.value), default=None)
    return best if best is not None and best.false <= _FALSE else None


@lru_cache(maxsize=2)
def _words(seeds: int) -> NDArray[np.int64]:
    """Return the low 32 bits of the first two random words of each seed: int64[seeds, 2]."""
    keys = np.zeros((seeds, 16), np.uint8)
    keys[:, :8] = np.arange(seeds, dtype="<u8").view(np.uint8).reshape(-1, 8)
    blocks = encrypt(keys, np.zeros((seeds, 16), np.uint8))
    return np.ascontiguousarray(blocks).view("<u4").reshape(-1, 4)[:, [0, 2]].astype(np.int64)


def _roots(
    steps: tuple[int, ...], first: int, words: NDArray[np.int64], numbering: Numbering, below: int
) -> Iterator[Seed]:
    """Yield seeds whose first word leads to a generator as the next primitive root."""
    prime, order = numbering.prime, numbering.prime - 1
    bound = min(prime, below)
    for step in steps:
        if gcd(step, order) > 1:  # no primitive root: nobody draws it
            continue
        generator = pow(numbering.root, step, prime)
        passed = _passed_roots(generator, prime) if generator < below else 0
        drawn = words[:, 0] % bound
        for seed in np.flatnonzero((drawn < generator) & (drawn >= generator - passed)):
            begin = first * pow(step, -1, order) % order
            parts, part, lag = _part((begin - int(words[seed, 1]) % prime) % order, order)
            false = (int(seed) + 1) * passed / bound * min(1.0, 4 * lag) * len(steps) * _ANY_SIZE
            yield Seed(int(seed), false, parts, part)


def _passed_roots(generator: int, prime: int) -> int:
    """Return how many numbers below a primitive root lead to it as the next one."""
    factors = [_base(part) for part in prime_powers(prime - 1)]
    for passed in range(1, _PASSED):
        below = generator - passed
        if below < 1 or all(pow(below, (prime - 1) // factor, prime) != 1 for factor in factors):
            return passed
    return _PASSED


def _base(part: int) -> int:
    """Return the prime of a prime power."""
    return next((divisor for divisor in range(2, int(part**0.5) + 1) if part % divisor == 0), part)


def _part(away: int, order: int) -> tuple[int, int, float]:
    """Return which part of how many begins just before a place in the walk, and how far on in it the place is.

    The distance is in shares of the walk, times the square of the number of parts: more parts are nearer anyway.
    """
    ways = [((away % (order // parts) + 1) * parts * parts / order, parts) for parts in range(1, _PARTS + 1)]
    lag, parts = min(ways)
    return parts, min(away // (order // parts), parts - 1), lag


def _powers(step: int, words: NDArray[np.int64], numbering: Numbering) -> Iterator[Seed]:
    """Yield seeds whose first word leads to the walk's step as an exponent, walked in one of several parts."""
    order = numbering.prime - 1
    drawn = np.maximum(words[:, 0] % numbering.prime, 1)
    for parts in range(1, _PARTS + 1):
        common = gcd(parts, order)
        if step % common:
            continue
        length = order // common
        base = step // common * pow(parts // common, -1, length) % length
        for exponent in range(base, order, length):
            if gcd(exponent, order) > 1:
                continue
            passed = next(n for n in range(1, _PASSED) if gcd(exponent - n, order) == 1 or exponent <= n)
            for seed in np.flatnonzero((drawn <= exponent) & (drawn > exponent - passed)):
                yield Seed(int(seed), (int(seed) + 1) * passed * parts * common / order, parts if parts > 1 else 0, -1)
