"""All deep evidence in one pass: what the accumulators fold one by one, folded together while rows are in the cache.

A block's rows are brought together slot by slot first, so that a slot's states are touched once a block.
"""

from __future__ import annotations

from craftmark.kernels._jit import inlined, kernel
from craftmark.kernels.bits import HIGH, LOW, end_of_run, masks_of_run, stride_of_run
from craftmark.kernels.sketches import fair_of_run, ports_of_run, targets_of_run, times_of_run
from craftmark.packets.fields import DPORT


@kernel
def by_slot(n, rows, slot, newest, older, groups, rows_out, slot_out):
    """Bring rows together slot by slot; ``newest`` (one per slot) is -1 before and after."""
    found = 0
    for j in range(n):
        s = slot[j]
        if newest[s] < 0:
            groups[found] = s
            found += 1
        older[j] = newest[s]
        newest[s] = j
    m = 0
    for g in range(found):
        s = groups[g]
        j = newest[s]
        newest[s] = -1
        while j >= 0:
            rows_out[m] = rows[j]
            slot_out[m] = s
            m += 1
            j = older[j]


@inlined
def strides_of_run(j, stop, rows, s, words, watched, base, stride, masks):
    """Fold strides behind the masks: a word that never varied has none, and its base is known."""
    for w in range(len(watched)):
        word = watched[w]
        if stride[s, w] == 1 or (base[s, w] >= 0 and masks[s, LOW + word] == masks[s, HIGH + word]):
            continue
        stride_of_run(j, stop, rows, s, w, word, words, base, stride)


@kernel
def fold_deep(
    n, rows, slot, words, ts_ns, packet_id, masks, watched, base, stride, registers, bits, bitmap, k,
    size, rank, ident, place, kept, kept_ns, size_t, rank_t, ident_t, place_t, kept_t, kept_ns_t,
):  # fmt: skip
    """Fold ``words[rows[0:n]]`` into all states of their slots; without sketches where ``bits`` is 0.

    States as in ``fold_masks``, ``fold_strides``, ``fold_targets``, ``fold_ports``, and twice ``fold_sample``: the
    fair one, then the one by time (``_t``).
    """
    j = 0
    while j < n:
        s = slot[j]
        stop = end_of_run(j, n, slot)
        masks_of_run(j, stop, rows, s, words, masks)
        strides_of_run(j, stop, rows, s, words, watched, base, stride, masks)
        if bits:
            targets_of_run(j, stop, rows, s, words, registers, bits)
            ports_of_run(j, stop, rows, s, words, DPORT, bitmap)
        fair_of_run(j, stop, rows, s, words, ts_ns, packet_id, k, size, rank, ident, place, kept, kept_ns)
        times_of_run(j, stop, rows, s, words, ts_ns, packet_id, k, size_t, rank_t, ident_t, place_t, kept_t, kept_ns_t)
        j = stop
