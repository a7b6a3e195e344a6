"""Linear congruences behind values in a row: parameters from full outputs, hidden bits from truncated ones.

Full outputs of ``x' = a x + c (mod m)`` with nothing known: products of differences are equal modulo m, so the greatest
common divisor of a few such gives m (Marsaglia; Boyar, Journal of the ACM 36, 1989). Where a library's generator gives
out some upper bits of its state, the bits below are few enough to try all at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import gcd
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

#: Multiples of the modulus that a greatest common divisor may be.
_MULTIPLES: Final = 64


@dataclass(frozen=True, slots=True)
class Congruence:
    """``x' = factor * x + addend (mod modulus)``."""

    factor: int
    addend: int
    modulus: int

    def after(self, values: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the values that follow; the modulus has at most 32 bits."""
        high, low = divmod(self.factor, 1 << 16)
        upper = values * high % self.modulus * (1 << 16) % self.modulus
        return np.asarray((upper + values * low % self.modulus + self.addend) % self.modulus)

    def steps(self, count: int) -> Congruence:
        """Return the congruence of so many steps in one."""
        factor, addend = 1, 0
        for _ in range(count):
            factor, addend = factor * self.factor % self.modulus, (addend * self.factor + self.addend) % self.modulus
        return Congruence(factor, addend, self.modulus)


@dataclass(frozen=True, slots=True)
class Truncated:
    """A congruence of which ``bits`` bits from ``shift`` up are given out; ``says`` who does."""

    law: Congruence
    shift: int
    bits: int
    says: str


#: Bits above those given out do not come down: the states are kept modulo what matters.
KNOWN: Final[Mapping[str, Truncated]] = {
    "msvcrt": Truncated(Congruence(214013, 2531011, 1 << 31), 16, 15, "rand() of Microsoft C"),
    "iso-c": Truncated(Congruence(1103515245, 12345, 1 << 31), 16, 15, "rand() of ISO C's example (old Unixes)"),
    "lrand48": Truncated(Congruence(0x5DEECE66D, 0xB, 1 << 48), 17, 31, "lrand48() of the C library"),
}


def full(values: Sequence[int]) -> Congruence | None:
    """Return the congruence that all of some values in a row follow (a dozen tell it), None if there is none.

    Values that go up by one step are none.
    """
    steps = [after - before for before, after in pairwise(values)]
    pairs = zip(steps, steps[1:], steps[2:], strict=False)
    common = gcd(*(first * third - second * second for first, second, third in pairs))
    if common <= max(values):
        return None
    for multiple in range(1, _MULTIPLES + 1):
        modulus, rest = divmod(common, multiple)
        if rest or modulus <= max(values) or modulus > 1 << 32:
            continue
        found = _modulo(values, steps, modulus)
        if found is not None:
            return found
    return None


def _modulo(values: Sequence[int], steps: Sequence[int], modulus: int) -> Congruence | None:
    for before, after in pairwise(steps):
        if gcd(before, modulus) == 1:
            factor = after * pow(before, -1, modulus) % modulus
            law = Congruence(factor, (values[1] - factor * values[0]) % modulus, modulus)
            follows = ((factor * x + law.addend) % modulus == y for x, y in pairwise(values))
            return law if all(follows) else None
    return None


def states(known: Truncated, values: NDArray[np.int64], step: int) -> NDArray[np.uint64]:
    """Return the states behind the first of some outputs, each ``step`` after the one before, that give all of them."""
    law = known.law.steps(step)
    mask, shift = np.uint64(law.modulus - 1), np.uint64(known.shift)
    first = np.uint64(int(values[0])) << shift | np.arange(1 << known.shift, dtype=np.uint64)
    state = first
    for value in values[1:]:
        state = state * np.uint64(law.factor) + np.uint64(law.addend) & mask
        good = state >> shift == np.uint64(int(value))
        first, state = first[good], state[good]
    return first


def outputs(known: Truncated, state: int, step: int, count: int) -> NDArray[np.int64]:
    """Return the outputs of a state and of those ``step``, twice ``step`` ... later."""
    law, given = known.law.steps(step), []
    for _ in range(count):
        given.append(state >> known.shift)
        state = (state * law.factor + law.addend) % law.modulus
    return np.array(given, np.int64)
