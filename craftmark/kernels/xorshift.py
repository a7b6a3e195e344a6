"""Marsaglia's xorshift generator of 128 bits (shifts 11, 8, 19), as a linear map over GF(2), for many states at once.

A state is four words of 32 bits, ``[4, ...]`` in arrays: the oldest output first, the newest last. One step is the same
linear map from anywhere, so any number of steps is one matrix: lanes that start far apart step together, and NumPy is
the loop. Source: G. Marsaglia, "Xorshift RNGs", Journal of Statistical Software 8 (14), 2003.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterator

Words = NDArray[np.uint32]

WORD: Final = 32
BITS: Final = 128
#: Lanes that step together, and steps of each: positions looked at as one piece.
LANES: Final = 1024
STEPS: Final = 1024
PIECE: Final = LANES * STEPS
_LOW: Final = np.uint64(0xFFFF)
_HALF: Final = np.uint64(32)


def forward(state: Words) -> Words:
    """Return the states one step later; the last word is the output."""
    return np.stack([state[1], state[2], state[3], _next(state[0], state[3])])


def _next(oldest: Words, newest: Words) -> Words:
    mixed = oldest << np.uint32(11)
    mixed ^= oldest
    mixed ^= mixed >> np.uint32(8)
    mixed ^= newest
    mixed ^= newest >> np.uint32(19)
    return mixed


def _run(states: Words, steps: int) -> Iterator[Words]:
    """Yield the next outputs, step by step."""
    words = [*states]
    for _ in range(steps):
        words = [*words[1:], _next(words[0], words[3])]
        yield words[3]


def backward(state: Words) -> Words:
    """Return the states one step earlier."""
    folded = state[3] ^ state[2] ^ state[2] >> np.uint32(19)
    mixed = folded ^ folded >> np.uint32(8) ^ folded >> np.uint32(16) ^ folded >> np.uint32(24)
    oldest = mixed ^ mixed << np.uint32(11) ^ mixed << np.uint32(22)
    return np.stack([oldest, state[0], state[1], state[2]])


@lru_cache(maxsize=128)
def _matrix(doublings: int, *, back: bool) -> Words:
    """Return where each single bit of a state goes in ``2 ** doublings`` steps, a column each."""
    if doublings:
        half = _matrix(doublings - 1, back=back)
        return _applied(half, half)
    bits = np.arange(BITS)
    units = np.zeros((4, BITS), np.uint32)
    units[bits // WORD, bits] = np.uint32(1) << (bits % WORD).astype(np.uint32)
    return backward(units) if back else forward(units)


def _applied(matrix: Words, states: Words) -> Words:
    found = np.zeros_like(states)
    shape = (4, *(1 for _ in states.shape[1:]))
    for bit in range(BITS):
        chosen = states[bit // WORD] >> np.uint32(bit % WORD) & np.uint32(1)
        found ^= chosen * matrix[:, bit].reshape(shape)
    return found


def jumped(states: Words, steps: int) -> Words:
    """Return states so many steps later, or earlier where ``steps`` is negative."""
    left, doublings = abs(steps), 0
    while left:
        if left & 1:
            states = _applied(_matrix(doublings, back=steps < 0), states)
        left >>= 1
        doublings += 1
    return states


def lanes_of(states: Words, count: int, apart: int) -> Words:
    """Return ``count`` lanes (a power of two) of the same states, each ``apart`` steps from the one before."""
    lanes = states[..., None]
    while lanes.shape[-1] < count:
        lanes = np.concatenate([lanes, jumped(lanes, apart * lanes.shape[-1])], axis=-1)
    return lanes


def outputs(state: Words, count: int) -> Words:
    """Return the next outputs of one state."""
    steps = 1
    while steps * steps < count and steps < STEPS:
        steps *= 2
    lanes = 1
    while lanes * steps < count:
        lanes *= 2
    states = lanes_of(state, lanes, steps)
    found = np.empty((lanes, steps), np.uint32)
    for step, output in enumerate(_run(states, steps)):
        found[:, step] = output
    return found.reshape(-1)[:count]


def consistent(states: Words, wanted: tuple[int, int], positions: int, apart: int) -> Iterator[tuple[int, int]]:
    """Yield where the low half of an output and a whole one can be ``wanted``, for some state of an affine space.

    As (position of the half, how much later the whole is: 1 to ``apart``). Positions are counted in outputs, from 0,
    and looked at up to ``positions`` (rounded up to whole lanes), the nearest piece first, in a piece in any order.
    ``states`` holds one state of the space, then those its directions are: ``[4, 1 + directions]``, up to 30 of them.
    """
    steps = min(STEPS, -(-positions // LANES))
    lanes = lanes_of(states, LANES, steps)
    whole = np.uint32(wanted[1])
    both = np.uint64((wanted[0] & 0xFFFF) << WORD | wanted[1])
    for first in range(0, positions, LANES * steps):
        before: list[Words] = []
        for step, output in enumerate(_run(jumped(lanes, first), steps + apart)):
            found = np.flatnonzero(_within(output, whole))
            for later, half in enumerate(before if len(found) else (), 1):
                if 0 <= step - later < steps:
                    seen = (half[:, found].astype(np.uint64) & _LOW) << _HALF | output[:, found]
                    for lane in found[_within(seen, both)].tolist():
                        yield first + lane * steps + step - later, later
            before = [output, *before[: apart - 1]]


def _within(seen: NDArray[Any], wanted: np.unsignedinteger[Any]) -> NDArray[np.bool_]:
    """Tell for each lane whether ``wanted`` is the first row xor some of the others: Gauss's elimination."""
    rows = np.concatenate([seen[1:], seen[:1] ^ wanted])
    one = rows.dtype.type(1)
    room = np.empty_like(rows)
    for place in range(len(rows) - 1):
        pivot, below, added = rows[place], rows[place + 1 :], room[place + 1 :]
        np.bitwise_and(below, pivot & (~pivot + one), out=added)
        np.minimum(added, one, out=added)
        np.multiply(added, pivot, out=added)
        np.bitwise_xor(below, added, out=below)
    return np.asarray(rows[-1] == 0)


def seeds_before(state: Words, steps: int) -> Iterator[tuple[int, Words]]:
    """Yield where in the ``steps`` states up to this one the last word is the xor of the two before it, as in a seed.

    Each as (steps back, state), the nearest piece first; by chance one state in 2^32 is so.
    """
    for first in range(0, steps, PIECE):
        lanes = lanes_of(jumped(state, -first), LANES, -STEPS)
        for step in range(STEPS):
            for lane in np.flatnonzero(lanes[3] == lanes[1] ^ lanes[2]).tolist():
                yield first + lane * STEPS + step, lanes[:, lane]
            lanes = backward(lanes)


@lru_cache(maxsize=1)
def formulas(count: int) -> tuple[tuple[int, ...], ...]:
    """Return for each bit of the next outputs, lowest first, which bits of the state it is the xor of, as a mask."""
    words = [[1 << WORD * word + bit for bit in range(WORD)] for word in range(4)]
    found = []
    for _ in range(count):
        mixed = [bit ^ (words[0][place - 11] if place >= 11 else 0) for place, bit in enumerate(words[0])]
        new = [
            words[3][place]
            ^ (words[3][place + 19] if place + 19 < WORD else 0)
            ^ mixed[place]
            ^ (mixed[place + 8] if place + 8 < WORD else 0)
            for place in range(WORD)
        ]
        words = [*words[1:], new]
        found.append(tuple(new))
    return tuple(found)
