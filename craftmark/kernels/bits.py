"""Masks and ranges of whole rows, held per slot: bits always set, bits ever set, least and greatest value."""

from __future__ import annotations

from craftmark.kernels._jit import kernel
from craftmark.packets.fields import WORDS


@kernel
def fold_masks(n, rows, slot, words, always, ever, low, high):  # type: ignore[no-untyped-def]  # noqa: PLR0913
    """Fold ``words[rows[0:n]]`` into the four arrays of their slots (uint32[slots, WORDS])."""
    for j in range(n):
        i = rows[j]
        s = slot[j]
        for w in range(WORDS):
            value = words[i, w]
            always[s, w] &= value
            ever[s, w] |= value
            low[s, w] = min(low[s, w], value)
            high[s, w] = max(high[s, w], value)


@kernel
def fold_strides(n, rows, slot, words, watched, base, stride):  # type: ignore[no-untyped-def]  # noqa: PLR0913
    """Keep per slot and watched word the least value and the gcd of all differences (base -1: no value yet)."""
    for j in range(n):
        i = rows[j]
        s = slot[j]
        for w in range(len(watched)):
            value = words[i, watched[w]]
            if base[s, w] < 0:
                base[s, w] = value
                continue
            a = abs(base[s, w] - value)
            base[s, w] = min(base[s, w], value)
            b = stride[s, w]
            if b == 1 or a == 0 or (b and a % b == 0):
                continue
            while b:
                a, b = b, a % b
            stride[s, w] = a


@kernel
def fold_values(n, rows, slot, values, seen, expressions, held, always, ever, counted):  # type: ignore[no-untyped-def]  # noqa: PLR0913
    """Fold the values of expressions (uint32[rows, expressions], seen uint8): counts, truths, bits always and ever set."""
    for j in range(n):
        i = rows[j]
        s = slot[j]
        for e in range(expressions):
            if seen[i, e]:
                value = values[i, e]
                counted[s, e] += 1
                if value:
                    held[s, e] += 1
                always[s, e] &= value
                ever[s, e] |= value
