"""What a relation proves: how many bits of its fields would have to agree by accident.

Null: the sender's values are independent, each as uniform as the steps it takes. A value drawn anew is as many bits as
its field; a counter's next step, however often it is taken, proves next to nothing, since another counter would take
the same; one value in many packets is one value.
"""

from __future__ import annotations

from math import comb, log2
from typing import TYPE_CHECKING, Final

import numpy as np

from craftmark.marks.chance import LOG10_2, at_least, log10_choose

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: A discovered relation is told from this chance on, corrected for all that was tried: one in 10^8 strands.
FOUND_AT: Final = -8.0


def steps_of(values: NDArray[np.int64], bits: int) -> NDArray[np.int64]:
    """Return the steps between neighbours the short way around, 0 to both sides of 2**bits."""
    half = 1 << (bits - 1)
    return (np.diff(values) + half) % (1 << bits) - half


def draws(values: NDArray[np.int64], bits: int) -> float:
    """Return how many independent uniform draws a sequence of values is worth, the first not counted."""
    steps = np.unique(np.abs(steps_of(values, bits)))
    steps = steps[steps > 0]
    if not len(steps):
        return 0.0
    return len(steps) * min(1.0, log2(2 * int(steps[-1]) + 1) / bits)


def relation_chance(
    values: NDArray[np.int64], held: NDArray[np.bool_], inputs: int, inputs_held: int, bits: int, *, given: int
) -> float:
    """Return log10 of the chance that values of so many bits are as a relation says.

    values: the explained field in time order; held: where the relation holds; inputs: how many different packets there
    are in the relation's fields, and in how many of these it holds; given: how many packets determine the relation's
    own numbers, so that they prove nothing: 0 for an equation without any.
    """
    tries = min(draws(values, bits) + 1, inputs) - given
    hits = min(draws(values[held], bits) + 1, inputs_held) - given
    return at_least(max(tries, hits), hits, 2.0**-bits) if hits > 0 else 0.0


def ways(things: int, most: int) -> float:
    """Return log10 of the number of formulas with at most so many of the things, each equal to 0 or to a constant."""
    return log10_of(2 * sum(comb(things, count) for count in range(1, most + 1)))


def log10_of(number: int) -> float:
    """Return log10 of a whole number of any size."""
    return number.bit_length() * LOG10_2


def toggles(bit: NDArray[np.int64]) -> float:
    """Return log2 of the ways in which a bit could have changed as often as it did."""
    steps = len(bit) - 1
    return log10_choose(steps, int(np.count_nonzero(np.diff(bit)))) / LOG10_2 if steps > 0 else 0.0
