"""Masks, ranges and strides of whole rows, held per slot.

Rows of one slot are best given one after another: four of them are then folded at a time, in vectors.
"""

from __future__ import annotations

from typing import Final

from craftmark.kernels._jit import inlined, kernel
from craftmark.packets.fields import WORDS

#: Where in a slot's masks (uint32[slots, MASKS]) stand the bits always and ever set, the least and greatest values.
ALWAYS: Final = 0
EVER: Final = WORDS
LOW: Final = 2 * WORDS
HIGH: Final = 3 * WORDS
MASKS: Final = 4 * WORDS


@inlined
def end_of_run(j, n, slot):
    """Return where the run of equal slots that starts at ``j`` ends."""
    stop = j + 1
    while stop < n and slot[stop] == slot[j]:
        stop += 1
    return stop


@inlined
def masks_of_run(j, stop, rows, s, words, masks):
    """Fold ``words[rows[j:stop]]`` into the masks of slot ``s``.

    All four states stand in one row, so that the compiler sees that they cannot overlap.
    """
    while j < stop:
        a = b = c = d = rows[j]
        if j + 4 <= stop:
            b, c, d = rows[j + 1], rows[j + 2], rows[j + 3]
            j += 3
        j += 1
        for w in range(WORDS):
            p, q, r, t = words[a, w], words[b, w], words[c, w], words[d, w]
            masks[s, ALWAYS + w] &= p & q & r & t
            masks[s, EVER + w] |= p | q | r | t
            masks[s, LOW + w] = min(masks[s, LOW + w], min(min(p, q), min(r, t)))  # noqa: PLW3301 - in vectors
            masks[s, HIGH + w] = max(masks[s, HIGH + w], max(max(p, q), max(r, t)))  # noqa: PLW3301 - the same


@inlined
def stride_of_run(j, stop, rows, s, w, word, words, base, stride):
    """Take the gcd of all differences of one word from the first value (base -1: no value yet)."""
    b = stride[s, w]
    first = base[s, w]
    while j < stop and b != 1:
        value = words[rows[j], word] + 0
        j += 1
        if first < 0:
            first = value
            base[s, w] = value
            continue
        a = abs(first - value)
        if a == 0 or (b and a % b == 0):
            continue
        while b:
            a, b = b, a % b
        b = a
    stride[s, w] = b


@kernel
def fold_masks(n, rows, slot, words, masks):
    """Fold ``words[rows[0:n]]`` into the masks of their slots."""
    j = 0
    while j < n:
        stop = end_of_run(j, n, slot)
        masks_of_run(j, stop, rows, slot[j], words, masks)
        j = stop


@kernel
def fold_strides(n, rows, slot, words, watched, base, stride):
    """Keep per slot and watched word the gcd of all differences from the first value."""
    j = 0
    while j < n:
        stop = end_of_run(j, n, slot)
        for w in range(len(watched)):
            stride_of_run(j, stop, rows, slot[j], w, watched[w], words, base, stride)
        j = stop
