"""Sorting by hashes: dealing them out is several times quicker than comparing them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from craftmark.kernels.ordering import hash_order

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from craftmark.evidence.base import Ints

#: Below this number a common sort is as quick.
_MANY = 4096


def order_by_hash(hashes: NDArray[Any], bits: int) -> Ints:
    """Return the stable order of some hashes of ``bits`` bits, at most 63."""
    values, n = hashes.view(np.int64), len(hashes)
    if n >= _MANY:
        dealt = min(max(n.bit_length(), 8), 22)
        order = np.empty(n, np.int64)
        if hash_order(n, values, max(bits - dealt, 0), np.zeros((1 << dealt) + 1, np.int64), order):
            return order
    return np.argsort(values, kind="stable")


def numbered(hashes: NDArray[np.uint64]) -> tuple[Ints, int]:
    """Return a number for each of some 64-bit hashes, the same for equal ones, and how many numbers there are."""
    values = hashes >> np.uint64(1)
    order = order_by_hash(values, 63)
    number = np.empty(len(values), np.int64)
    ranked = values[order]
    number[order] = np.cumsum(np.concatenate([np.zeros(min(len(values), 1), np.bool_), ranked[1:] != ranked[:-1]]))
    return number, int(number.max(initial=-1)) + 1
