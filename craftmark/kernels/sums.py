"""Sums of 16-bit words for the Internet checksum (RFC 1071); a sum holds if it is a multiple of 65,535."""

from __future__ import annotations

from typing import TYPE_CHECKING

from craftmark.kernels._jit import inlined

if TYPE_CHECKING:
    from craftmark.kernels.links import Octets


@inlined
def half_words(word: int) -> int:
    """Return the sum of the two 16-bit halves of a word."""
    return (word & 0xFFFF) + ((word & 0xFFFF0000) >> 16)


@inlined
def ones_sum(octets: Octets, at: int, stop: int) -> int:
    """Return the sum of 16-bit words in network order, a last odd octet padded with zero; not folded."""
    total = 0
    size = stop - at
    part = octets[at:stop]
    first = 0
    if size >= 20:
        total = ones_sum_20(part)
        first = 20
    for k in range(first, size - 1, 2):
        total += part[k] * 256 + part[k + 1]
    if size & 1:
        total += octets[stop - 1] * 256
    return total


@inlined
def ones_sum_20(head: Octets) -> int:
    """Return the sum of the first ten 16-bit words of a header."""
    total = 0
    for k in range(0, 20, 2):
        total += head[k] * 256 + head[k + 1]
    return total
