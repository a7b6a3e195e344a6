"""Residues modulo a prime, whole arrays at once: products, powers and discrete logarithms.

Logarithms are found as Pohlig and Hellman showed (IEEE Trans. Inf. Theory 24, 1978): where the group's order is a
product of small prime powers, the logarithm modulo each of them is looked up in a table of that subgroup, and the
Chinese remainder theorem joins them. Primes may have up to 50 bits; what decides is the largest factor of the order.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Residues = NDArray[np.int64]

#: Largest subgroup whose table is made: 3 million entries take half a second and 50 MB.
_LARGEST_TABLE: Final = 1 << 22


def multiply(a: Residues, b: Residues | int, modulus: int) -> Residues:
    """Return a * b modulo ``modulus``; both are below it, and no product leaves 63 bits."""
    bits = 63 - modulus.bit_length()
    if modulus.bit_length() <= bits:
        return np.asarray(a * b % modulus)
    chunks = -(-modulus.bit_length() // bits)
    product = np.zeros_like(a)
    for chunk in reversed(range(chunks)):
        part = (b >> (chunk * bits)) & ((1 << bits) - 1)
        product = ((product << bits) % modulus + a * part % modulus) % modulus
    return product


def power(base: Residues, exponent: int, modulus: int) -> Residues:
    """Return each base to the same exponent."""
    result = np.ones_like(base)
    while exponent:
        if exponent & 1:
            result = multiply(result, base, modulus)
        exponent >>= 1
        if exponent:
            base = multiply(base, base, modulus)
    return result


def powers(base: int, count: int, modulus: int) -> Residues:
    """Return base to the exponents 0 to ``count`` - 1."""
    found = np.ones(1, np.int64)
    while len(found) < count:
        found = np.concatenate([found, multiply(found, pow(base, len(found), modulus), modulus)])
    return found[:count]


def prime_powers(number: int) -> list[int]:
    """Return the prime powers whose product is the number, by trial division."""
    found, divisor = [], 2
    while divisor * divisor <= number:
        part = 1
        while number % divisor == 0:
            number //= divisor
            part *= divisor
        if part > 1:
            found.append(part)
        divisor += 1
    return [*found, number] if number > 1 else found


class Group:
    """The numbers 1 to prime - 1 under multiplication, with a generator to take logarithms to."""

    def __init__(self, prime: int, root: int) -> None:
        self.prime = prime
        self.root = root
        self.order = prime - 1
        self._tables: list[tuple[int, int, Residues, Residues]] = []
        for part in prime_powers(self.order):
            if part > _LARGEST_TABLE:
                msg = f"{self.order} has a factor too large for a table: {part}"
                raise ValueError(msg)
            others = self.order // part
            table = powers(pow(root, others, prime), part, prime)
            order = np.argsort(table)
            self._tables.append((part, others, table[order], order))

    def logarithms(self, elements: Residues) -> Residues:
        """Return the exponents 0 to order - 1 of the root that give the elements 1 to prime - 1."""
        total = np.zeros_like(elements)
        for part, others, table, exponents in self._tables:
            here = exponents[np.searchsorted(table, power(elements, others, self.prime))]
            weight = others * pow(others, -1, part) % self.order
            total = (total + multiply(here, weight, self.order)) % self.order
        return total


@lru_cache(maxsize=16)
def group(prime: int, root: int) -> Group:
    """Return a group whose tables are made once per process."""
    return Group(prime, root)
