"""Finds the state of a xorshift generator behind probes whose target and IP ID are its outputs.

Everything is linear over GF(2). Three or four probes in a row fix all 128 bits of the state, however it was seeded;
from there the generator is run backwards to its seed. One probe fixes less: there the seed (a second, process numbers,
a clock) is the unknown, what was drawn before the first probe gives the first equations, and each position in the
stream is tried in turn.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from craftmark.kernels.xorshift import WORD, consistent, formulas, forward, jumped, seeds_before

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from craftmark.kernels.xorshift import Words

#: Times that a target is drawn again, at most: a quarter of all are, one in 600 five times.
AGAIN: Final = 4
#: Probes in a row that the state is fitted on.
IN_A_ROW: Final = 4
#: Bits of what seeds the generator beside the second: process numbers xored, and the processor time used, in us.
PROCESS_BITS: Final = 15
CLOCK_BITS: Final = 20
#: What a seed found backwards may have at most.
_MOST_PROCESS_BITS: Final = 22
_MOST_CLOCK_BITS: Final = 24
_M32: Final = 0xFFFFFFFF
_M16: Final = 0xFFFF
#: Solutions of one position that are looked at.
_SOLUTIONS: Final = 16

Rows = dict[int, int]


@dataclass(frozen=True, slots=True)
class Seed:
    """What seeded a generator: the sender's second, its process numbers xored, its processor time."""

    second: int
    process: int
    clock: int

    @property
    def state(self) -> Words:
        """The state before the first output."""
        return np.array([self.second, self.process, self.clock, self.clock ^ self.process], np.uint32)


def in_a_row(probes: Sequence[tuple[int, int]]) -> Words | None:
    """Return the state before the first of some probes in a row, given as (low half of an output, whole output).

    A whole output may be one of the few after its half: targets that are not wanted are drawn again.
    """
    rows = _followed({}, 0, probes)
    return None if rows is None else _solution(rows)


def _followed(rows: Rows, position: int, probes: Sequence[tuple[int, int]]) -> Rows | None:
    """Return the equations of probes from a position on, with the draws between that make them agree."""
    if not probes:
        return rows
    half, whole = probes[0]
    begun = _with_output(rows, position, half, 16)
    for again in range(AGAIN if begun is not None else 0):
        more = _with_output(begun or {}, position + 1 + again, whole, WORD)
        found = None if more is None else _followed(more, position + 2 + again, probes[1:])
        if found is not None:
            return found
    return None


def _with_output(rows: Rows, position: int, value: int, bits: int) -> Rows | None:
    """Return equations with those of an output's lowest bits; None where they contradict."""
    masks = formulas(IN_A_ROW * (AGAIN + 1))[position]
    return _with_equations(rows, ((masks[bit] << 1 | value >> bit & 1) for bit in range(bits)))


def _with_equations(rows: Rows, equations: Iterable[int]) -> Rows | None:
    """Add equations to rows by their highest unknown; the lowest bit of each is its right side."""
    rows = dict(rows)
    for equation in equations:
        left = equation
        while left > 1:
            row = rows.get(left.bit_length())
            if row is None:
                rows[left.bit_length()] = left
                break
            left ^= row
        if left == 1:
            return None
    return rows


def _solution(rows: Rows) -> Words:
    """Return the state that solves equations; what they leave open is 0."""
    state = 0
    for length in sorted(rows):
        row = rows[length]
        if ((row >> 1) & state).bit_count() + row & 1:
            state |= 1 << length - 2
    return _as_words(state)


def _as_words(state: int) -> Words:
    return np.array([state >> WORD * word & _M32 for word in range(4)], np.uint32)


def seeded(state: Words, steps: int) -> tuple[Seed, int] | None:
    """Return the seed a state comes from and how many outputs ago, looking at so many states before it."""
    for back, found in seeds_before(state, steps):
        second, process, clock, _ = (int(word) for word in found)
        if process >> _MOST_PROCESS_BITS == 0 and clock >> _MOST_CLOCK_BITS == 0:
            return Seed(second, process, clock), back
    return None


@lru_cache(maxsize=64)
def _space(earliest: int, latest: int) -> tuple[int, ...]:
    """Return the states that seeds of some seconds span: the least, then the directions."""
    spread = (earliest ^ latest).bit_length()
    base = earliest >> spread << spread
    process = [1 << WORD + bit | 1 << 3 * WORD + bit for bit in range(PROCESS_BITS)]
    clock = [1 << 2 * WORD + bit | 1 << 3 * WORD + bit for bit in range(CLOCK_BITS)]
    return (base, *(1 << bit for bit in range(spread)), *process, *clock)


def one_probe(
    probe: tuple[int, int], before: Sequence[tuple[int, int]], seconds: tuple[int, int], positions: int
) -> Iterator[tuple[Seed, int]]:
    """Yield the seeds of the seconds given, and positions, that explain a probe and what was drawn before any.

    probe: as for in_a_row. before: pairs of (position, low half of the output). positions: outputs tried.
    """
    space = _restricted(_space(*seconds), before)
    if space is None:
        return
    states = np.stack([_as_words(state) for state in space], axis=1)
    for position, later in consistent(states, probe, positions, AGAIN):
        for seed in _seeds_at(space, states, probe, (position, later)):
            if seconds[0] <= seed.second <= seconds[1]:
                yield seed, position


def _restricted(space: tuple[int, ...], before: Sequence[tuple[int, int]]) -> tuple[int, ...] | None:
    """Return the part of an affine space of states that draws the values given."""
    equations = []
    for position, value in before:
        for bit in range(16):
            mask = formulas(IN_A_ROW * (AGAIN + 1))[position][bit]
            sides = [(mask & state).bit_count() & 1 for state in space]
            unknowns = sum(side << place for place, side in enumerate(sides[1:], 1))
            equations.append(unknowns | (sides[0] ^ value >> bit & 1))
    rows = _with_equations({}, equations)
    return None if rows is None else _spanned(space, rows)


def _spanned(space: tuple[int, ...], rows: Rows) -> tuple[int, ...]:
    """Return the states of a space whose coordinates solve equations: one of them, then the directions left."""
    free = [place for place in range(1, len(space)) if place + 1 not in rows]
    ways = [_completed(rows, 0, 1), *(_completed(rows, 1 << place, 0) for place in free)]
    found = []
    for way in ways:
        state = 0
        for place, one in enumerate(space):
            state ^= one * (way >> place & 1)
        found.append(state)
    return tuple(found)


def _completed(rows: Rows, chosen: int, constant: int) -> int:
    """Return the coordinates that follow from those chosen; ``constant`` 0 asks for a direction."""
    way = chosen | constant
    for length in sorted(rows):
        if (rows[length] & ~(1 << length - 1) & way).bit_count() & 1:
            way |= 1 << length - 1
    return way


def _seeds_at(space: tuple[int, ...], states: Words, probe: tuple[int, int], place: tuple[int, int]) -> Iterator[Seed]:
    """Yield the seeds of a space that give a probe at a position, its whole output so much later than its half."""
    first = forward(jumped(states, place[0]))
    second = jumped(first, place[1])
    given = [int(half) & _M16 | int(whole) << 16 for half, whole in zip(first[3], second[3], strict=True)]
    wanted = probe[0] & _M16 | probe[1] << 16
    equations = []
    for bit in range(48):
        unknowns = sum((value >> bit & 1) << column for column, value in enumerate(given[1:], 1))
        equations.append(unknowns | (given[0] ^ wanted) >> bit & 1)
    rows = _with_equations({}, equations)
    if rows is None:
        return
    one, *directions = _spanned(space, rows)
    for choice in range(min(1 << len(directions), _SOLUTIONS)):
        state = one
        for number, direction in enumerate(directions):
            state ^= direction * (choice >> number & 1)
        second_of, process, clock = (state >> WORD * word & _M32 for word in range(3))
        yield Seed(second_of, process, clock)
