"""Masks and ranges of whole rows, held per slot: bits always set, bits ever set, least and greatest value."""

from __future__ import annotations

from craftmark.kernels._jit import kernel
from craftmark.packets.fields import WORDS


@kernel
def fold_bits(n, rows, slot, words, always, ever):
    """Fold ``words[rows[0:n]]`` into the bits always and ever set of their slots (uint32[slots, WORDS]).

    Two states a kernel: more, and the compiler no longer sees that they cannot overlap (30 ns a row instead of 8).
    """
    for j in range(n):
        i = rows[j]
        s = slot[j]
        for w in range(WORDS):
            value = words[i, w]
            always[s, w] &= value
            ever[s, w] |= value


@kernel
def fold_ranges(n, rows, slot, words, low, high):
    """Fold ``words[rows[0:n]]`` into the least and greatest values of their slots (uint32[slots, WORDS])."""
    for j in range(n):
        i = rows[j]
        s = slot[j]
        for w in range(WORDS):
            value = words[i, w]
            low[s, w] = min(low[s, w], value)
            high[s, w] = max(high[s, w], value)


@kernel
def fold_strides(n, rows, slot, words, watched, base, stride):
    """Keep per slot and watched word the gcd of all differences from the first value (base -1: no value yet)."""
    for j in range(n):
        i = rows[j]
        s = slot[j]
        for w in range(len(watched)):
            b = stride[s, w]
            if b == 1:
                continue
            value = words[i, watched[w]]
            if base[s, w] < 0:
                base[s, w] = value
                continue
            a = abs(base[s, w] - value)
            if a == 0 or (b and a % b == 0):
                continue
            while b:
                a, b = b, a % b
            stride[s, w] = a
