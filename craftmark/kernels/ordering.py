"""Rows in the order of hashes, and columns gathered from rows: what a million strands need of a sort."""

from __future__ import annotations

from craftmark.kernels._jit import kernel
from craftmark.kernels.grouping import COUNT, FIRST_NS, KEY_WORDS, LAST_NS, SLOT

#: Steps per value after which the values are no hashes, and another sort is the better one.
_PATIENCE = 32
_NEVER = (1 << 63) - 1


@kernel
def hash_order(n, values, shift, start, order):
    """Sort the numbers of 63-bit hashes stably; return whether it was done, which prepared values can prevent.

    ``start`` is room for one number per value of a hash's bits from ``shift`` on, and one more, all 0: hashes are
    dealt out by these bits, and the few of each are put in order one by one.
    """
    mask = len(start) - 2
    for j in range(n):
        start[((values[j] >> shift) & mask) + 1] += 1
    for b in range(mask + 1):
        start[b + 1] += start[b]
    for j in range(n):
        b = (values[j] >> shift) & mask
        order[start[b]] = j
        start[b] += 1
    patience = _PATIENCE * n
    for j in range(1, n):
        mine = order[j]
        value = values[mine]
        k = j
        while k > 0 and values[order[k - 1]] > value:
            order[k] = order[k - 1]
            k -= 1
        order[k] = mine
        patience -= j - k
        if patience < 0:
            return 0
    return 1


@kernel
def gather_strands(n, order, keys, info, keys_out, count, first_ns, last_ns, slot, source):
    """Gather strands in an order that keeps sources together; number the sources."""
    number = -1
    for j in range(n):
        s = order[j]
        changed = j == 0
        for w in range(KEY_WORDS):
            value = keys[s, w]
            keys_out[j, w] = value
            if w < 4 and j > 0 and keys_out[j - 1, w] != value:
                changed = True
        if changed:
            number += 1
        source[j] = number
        count[j] = info[s, COUNT]
        first_ns[j] = info[s, FIRST_NS]
        last_ns[j] = info[s, LAST_NS]
        slot[j] = info[s, SLOT]


@kernel
def gather_conversations(n, order, ends, forward, said, ts_ns, number, start, own, other, asked):
    """Go through rows in the order of their ends: what either end of a conversation said, and who spoke first.

    own, other: bits that the row's own and the other end said in all. asked: the other end spoke before this one.
    Returns how many conversations there are; ``start`` is where each begins in ``order``.
    """
    found = 0
    j = 0
    while j < n:
        start[found] = j
        stop = j
        there = back = 0
        first = first_back = _NEVER
        while stop < n and ends[order[stop]] == ends[order[j]]:
            i = order[stop]
            if forward[i]:
                there |= said[i]
                first = min(first, ts_ns[i])
            else:
                back |= said[i]
                first_back = min(first_back, ts_ns[i])
            stop += 1
        for k in range(j, stop):
            i = order[k]
            number[i] = found
            own[i] = there if forward[i] else back
            other[i] = back if forward[i] else there
            asked[i] = first_back < first if forward[i] else first < first_back
        found += 1
        j = stop
    start[found] = n
    return found
