"""The generators of C libraries, for many seeds at once: what rand() and random() give after srand() and srandom().

``blocks`` steps all seeds together, position by position; ``run`` gives one seed's stream as fast. NumPy is the loop
here, so nothing needs to be compiled. Where they are written down: Park and Miller, "Random number generators: good
ones are hard to find", CACM 1988 (seeding); the additive generator of degree 31 of the BSD random(3) of 1983, kept by
glibc, uClibc and macOS; FreeBSD's libc since 2012 seeds it from ``seed % (2^31 - 2) + 1``; ISO C's example of rand();
musl and newlib: Knuth's MMIX multiplier, with the upper bits given out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

Numbers = NDArray[np.uint32]
Seeds = NDArray[np.int64]

#: Positions stepped through at a time.
BLOCK: Final = 256
_MERSENNE: Final = (1 << 31) - 1
_MINIMAL: Final = 16807
_DEGREE: Final = 31
_SEPARATION: Final = 3
#: Outputs that the additive generator throws away after seeding, with the three that repeat its first words.
_WARM: Final = 310
_STRIDE: Final = 30
#: Seeds whose words are in the processor's cache together.
_TILE: Final = 1 << 13


class Stream(Protocol):
    """A generator in some state, for each of some seeds."""

    def fill(self, outputs: Numbers) -> None:
        """Write the next outputs, one row per position and one column per seed."""


class Additive:
    """The additive generator of degree 31: each word is the sum of those 3 and 31 before; its lowest bit stays."""

    def __init__(self, first: NDArray[np.uint32]) -> None:
        self._words = np.empty((_DEGREE + BLOCK, first.shape[1]), np.uint32)
        self._words[:_DEGREE] = np.roll(first, -_SEPARATION, axis=0)
        for rows in (BLOCK, _WARM - BLOCK):
            self.words(rows)

    def fill(self, outputs: Numbers) -> None:
        """Write the next outputs, one row per position and one column per seed."""
        np.right_shift(self.words(len(outputs)), np.uint32(1), out=outputs)

    def words(self, rows: int) -> Numbers:
        """Return the next words, at most a block, with the bit that outputs lack."""
        words, end = self._words, _DEGREE + rows
        for k in range(_DEGREE, end):
            np.add(words[k - _SEPARATION], words[k - _DEGREE], out=words[k])
        new = words[_DEGREE:end].copy()
        words[:_DEGREE] = words[end - _DEGREE : end].copy()
        return new


class Congruential:
    """A linear congruential generator modulo 2^64 or below, that gives out the bits from ``shift`` up."""

    def __init__(self, state: NDArray[np.uint64], law: Law) -> None:
        self._state = state
        self._law = law

    def fill(self, outputs: Numbers) -> None:
        """Write the next outputs, one row per position and one column per seed."""
        law, state = self._law, self._state
        for row in outputs:
            np.multiply(state, law.factor, out=state)
            np.add(state, law.addend, out=state)
            row[:] = state >> law.shift & law.mask


class ParkMiller:
    """The minimal standard generator modulo 2^31 - 1; ``offset`` is taken off what it gives out."""

    def __init__(self, state: NDArray[np.int64], offset: int) -> None:
        self._state = state
        self._offset = offset

    def fill(self, outputs: Numbers) -> None:
        """Write the next outputs, one row per position and one column per seed."""
        for row in outputs:
            self._state = minimal(self._state)
            row[:] = self._state - self._offset


@dataclass(frozen=True, slots=True)
class Law:
    """Factor, addend and given bits of a linear congruential generator."""

    factor: np.uint64
    addend: np.uint64
    shift: np.uint64
    mask: np.uint64


@dataclass(frozen=True, slots=True)
class Generator:
    """One library's generator: bits of an output, the library for a reader, and its start from seeds."""

    bits: int
    says: str
    start: Callable[[Seeds], Stream]


def minimal(state: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return 16807 times some numbers modulo 2^31 - 1."""
    product = state * _MINIMAL
    folded = (product & _MERSENNE) + (product >> 31)
    return np.where(folded >= _MERSENNE, folded - _MERSENNE, folded)


def _glibc_words(seeds: Seeds) -> Numbers:
    """Return the 31 words that the additive generator starts from: the minimal standard generator's."""
    words = np.empty((_DEGREE, len(seeds)), np.uint32)
    words[0] = np.where(seeds & 0xFFFFFFFF == 0, 1, seeds & 0xFFFFFFFF)
    state = words[0].astype(np.int32).astype(np.int64) % _MERSENNE
    for k in range(1, _DEGREE):
        state = minimal(state)
        words[k] = state
    return words


def _freebsd_words(seeds: Seeds) -> Numbers:
    """Return the same for FreeBSD, where each word is drawn as from a seed of its own."""
    words = np.empty((_DEGREE, len(seeds)), np.uint32)
    words[0] = seeds & 0xFFFFFFFF
    for k in range(1, _DEGREE):
        words[k] = minimal(words[k - 1].astype(np.int64) % (_MERSENNE - 1) + 1) - 1
    return words


_STARTS: Final = {"glibc": _glibc_words, "freebsd": _freebsd_words}


def _minimal(seeds: Seeds) -> Stream:
    start = seeds & 0xFFFFFFFF
    return ParkMiller(np.where(start % _MERSENNE == 0, 123459876, start % _MERSENNE), 0)


def _congruential(factor: int, addend: int, shift: int, bits: int, *, before: int = 0) -> Callable[[Seeds], Stream]:
    law = Law(np.uint64(factor), np.uint64(addend), np.uint64(shift), np.uint64((1 << bits) - 1))
    return lambda seeds: Congruential(((seeds - before) & 0xFFFFFFFF).astype(np.uint64), law)


_MMIX: Final = 6364136223846793005

#: All libraries by name, the likelier first.
GENERATORS: Final[Mapping[str, Generator]] = {
    "glibc": Generator(
        31, "glibc (also uClibc, macOS's and old BSDs' random())", lambda seeds: Additive(_glibc_words(seeds))
    ),
    "musl": Generator(31, "musl", _congruential(_MMIX, 1, 33, 31, before=1)),
    "newlib": Generator(31, "newlib", _congruential(_MMIX, 1, 32, 31)),
    "freebsd": Generator(31, "FreeBSD's random()", lambda seeds: Additive(_freebsd_words(seeds))),
    "park-miller": Generator(31, "macOS's and old BSDs' rand()", _minimal),
    "msvcrt": Generator(15, "Microsoft C", _congruential(214013, 2531011, 16, 15)),
    "iso-c": Generator(15, "ISO C's example (old Unixes)", _congruential(1103515245, 12345, 16, 15)),
}


def blocks(name: str, seeds: Seeds, count: int, overlap: int = 0) -> Iterator[tuple[int, Numbers]]:
    """Yield the outputs of positions 0 to ``count`` - 1 for all seeds: first position, and a row per position.

    Each block begins with the last ``overlap`` rows of the one before. Blocks are valid until the next is taken.
    """
    stream = GENERATORS[name].start(seeds)
    held = np.empty((overlap + BLOCK, len(seeds)), np.uint32)
    for first in range(0, count, BLOCK):
        rows = min(BLOCK, count - first)
        stream.fill(held[overlap : overlap + rows])
        before = min(overlap, first)
        yield first - before, held[overlap - before : overlap + rows]
        held[:overlap] = held[rows : rows + overlap].copy()


def run(name: str, seed: int, count: int) -> Numbers:
    """Return the first ``count`` outputs of one seed."""
    stream = GENERATORS[name].start(np.array([seed], np.int64))
    if isinstance(stream, Additive):
        return stream_of(stream, count)
    outputs = np.empty((count, 1), np.uint32)
    stream.fill(outputs)
    return outputs[:, 0]


def stream_of(stream: Additive, count: int) -> Numbers:
    """Return the next outputs of an additive generator of one seed, thirty at a time.

    Every third word is a running sum of the words 31 back, so thirty follow from one cumulative sum.
    """
    size = -(-count // _STRIDE) * _STRIDE
    words = np.empty(_DEGREE + size, np.uint32)
    words[:_DEGREE] = stream._words[:_DEGREE, 0]  # noqa: SLF001 - the same generator, one seed wide
    for k in range(_DEGREE, _DEGREE + size, _STRIDE):
        steps = words[k - _DEGREE : k - _DEGREE + _STRIDE].reshape(-1, _SEPARATION)
        sums = np.cumsum(steps, axis=0, dtype=np.uint32)
        words[k : k + _STRIDE] = (sums + words[k - _SEPARATION : k]).reshape(-1)
    return words[_DEGREE : _DEGREE + count] >> np.uint32(1)


def at(name: str, seeds: Seeds, positions: Sequence[int]) -> Numbers:
    """Return the outputs at a few early positions, a row each, for many seeds: faster than stepping there.

    The additive generator's words are sums of those it starts from, so each position is one product with the start.
    """
    start = _STARTS.get(name)
    if start is None:
        steps = [block.copy() for _, block in blocks(name, seeds, max(positions) + 1)]
        return np.concatenate(steps)[list(positions)]
    factors = _factors(tuple(positions))
    found = np.zeros((len(positions), len(seeds)), np.uint32)
    for first in range(0, len(seeds), _TILE):
        tile = slice(first, first + _TILE)
        for k, word in enumerate(start(seeds[tile])):
            for row, factor in enumerate(factors[:, k]):
                found[row, tile] += word * factor
    return found >> np.uint32(1)


@lru_cache(maxsize=16)
def _factors(positions: tuple[int, ...]) -> Numbers:
    """Return how often each of the 31 first words counts in the words at some positions."""
    stream = Additive(np.eye(_DEGREE, dtype=np.uint32))
    words = np.concatenate([stream.words(1) for _ in range(max(positions) + 1)])
    return words[list(positions)]
