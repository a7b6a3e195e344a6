"""Sums of 16-bit words for the Internet checksum (RFC 1071); a sum holds if it is a multiple of 65,535."""

from __future__ import annotations

from typing import TYPE_CHECKING

from craftmark.kernels._jit import inlined
from craftmark.kernels.links import be16, be32

if TYPE_CHECKING:
    from craftmark.kernels.links import Octets


@inlined
def half_words(word: int) -> int:
    """Return the sum of the two 16-bit halves of a word."""
    return (word & 0xFFFF) + ((word & 0xFFFF0000) >> 16)


@inlined
def ones_sum(octets: Octets, at: int, stop: int) -> int:
    """Return a number that is, modulo 65,535, the sum of 16-bit words in network order, and 0 only for zeros.

    Words of 32 bits are added: 65,536 is 1 modulo 65,535. A last odd octet is padded with zero. The carry is folded at
    every step, which also keeps the compiler from gathering single octets into vectors.
    """
    part = octets[at:stop]
    size = stop - at
    total = 0
    k = 0
    while k + 8 <= size:
        total = (total & 0xFFFFFFFF) + (total >> 32) + be32(part, k) + be32(part, k + 4)
        k += 8
    if size & 4:
        total += be32(part, k)
    return total + last_word(part, size)


@inlined
def last_word(part: Octets, size: int) -> int:
    """Return the octets behind the last whole word of ``size`` octets as a number, padded with zeros; 0 if none."""
    at = size & ~3
    rest = size & 3
    if rest == 0:
        return 0
    if rest == 1:
        return part[at] * 16777216
    if rest == 2:
        return be16(part, at) * 65536
    return be16(part, at) * 65536 + part[at + 2] * 256
