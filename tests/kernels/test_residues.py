"""Residues: products, powers and logarithms are those of Python's integers."""

from __future__ import annotations

import numpy as np
import pytest

from craftmark.kernels.residues import Group, multiply, power, powers, prime_powers

GROUPS = [(257, 3), (65537, 3), (16777259, 2), (268435459, 2), (4294967311, 3), (17179869209, 3), (68719476767, 5)]


@pytest.mark.parametrize("modulus", [2, 257, 65537, 4294967311, 68719476767, (1 << 50) - 27])
def test_products_are_those_of_integers(modulus):
    rng = np.random.default_rng(modulus % 1000)
    a, b = rng.integers(0, modulus, (2, 200))
    a[:2], b[:2] = modulus - 1, (modulus - 1, 0)
    assert multiply(a, b, modulus).tolist() == [int(x) * int(y) % modulus for x, y in zip(a, b, strict=True)]


@pytest.mark.parametrize("exponent", [0, 1, 2, 65535, 4294967310])
def test_powers_are_those_of_integers(exponent):
    bases = np.array([1, 2, 3, 4294967310])
    assert power(bases, exponent, 4294967311).tolist() == [pow(int(x), exponent, 4294967311) for x in bases]


def test_powers_in_a_row_are_powers():
    assert powers(5, 37, 257).tolist() == [pow(5, n, 257) for n in range(37)]


@pytest.mark.parametrize(("number", "parts"), [(1, []), (2, [2]), (256, [256]), (4294967310, [2, 9, 5, 131, 364289])])
def test_prime_powers_multiply_to_the_number(number, parts):
    assert prime_powers(number) == parts


@pytest.mark.parametrize(("prime", "root"), GROUPS)
def test_logarithms_give_the_elements_back(prime, root):
    elements = np.random.default_rng(1).integers(1, prime, 300)
    elements[:3] = (1, root, prime - 1)
    logs = Group(prime, root).logarithms(elements)
    assert logs[:2].tolist() == [0, 1]
    assert [pow(root, int(log), prime) for log in logs] == elements.tolist()


@pytest.mark.parametrize(("prime", "root"), GROUPS)
def test_roots_are_primitive(prime, root):
    order = prime - 1
    assert all(pow(root, order // f, prime) != 1 for f in range(2, 400000) if order % f == 0)


def test_an_order_without_small_factors_is_refused():
    with pytest.raises(ValueError, match="too large"):
        Group(1099511627791, 3)
