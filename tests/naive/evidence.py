"""The whole fold by brute force: strands from a dictionary, every accumulator's state from its definition."""

from __future__ import annotations

from functools import reduce
from math import gcd
from typing import TYPE_CHECKING, Any

from craftmark.evidence.fold import CAPACITIES
from craftmark.packets import fields as f
from tests.naive.grouping import canonical_rank, rows_needed, strands_of
from tests.naive.sketches import bitmap_of, bottom_k, fair_rank, registers_of, run_rank

if TYPE_CHECKING:
    from craftmark.packets.batch import PacketBatch

WATCHED = (f.IP_DST, f.IP_ID, f.SPORT, f.DPORT, f.SEQ, f.ACK, f.TCP_WIN)


def capacity_of(counts: list[int], budget: int) -> int:
    """Return the greatest capacity with which all rows and samples fit the budget, the least if none does."""
    return next((c for c in CAPACITIES if rows_needed(counts, c) <= budget), CAPACITIES[-1])


def fold_plainly(batch: PacketBatch, budget: int) -> tuple[int, list[dict[str, Any]]]:
    """Return the capacity and what is known of every strand, strands in canonical order."""
    words = [[int(word) for word in row] for row in batch.words]
    times, numbers = batch.ts_ns.tolist(), batch.packet_id.tolist()
    strands = strands_of(words)
    capacity = capacity_of([len(rows) for rows in strands.values()], budget)
    found = []
    for key in sorted(strands, key=canonical_rank):
        rows = strands[key]
        in_time = sorted(rows, key=lambda r: (times[r], numbers[r]))
        strand = {"key": key, "count": len(rows), "first": times[in_time[0]], "last": times[in_time[-1]]}
        strand["rows"] = [numbers[r] for r in in_time] if len(rows) <= capacity else None
        if len(rows) > capacity:
            strand |= deep_state(words, times, numbers, rows, min(capacity, 1024))
        found.append(strand)
    return capacity, found


def deep_state(
    words: list[list[int]], times: list[int], numbers: list[int], rows: list[int], capacity: int
) -> dict[str, Any]:
    """Return the state of every accumulator for the packets of one strand."""
    columns = [[words[r][w] for r in rows] for w in range(f.WORDS)]
    addresses = list(zip(columns[f.IP_DST], *columns[f.IP_DST_HIGH : f.IP_DST_HIGH + 3], strict=True))
    fair = {r: fair_rank(words[r], numbers[r]) for r in rows}
    runs = {r: run_rank(times[r]) for r in rows}
    ident = {r: numbers[r] for r in rows}
    return {
        "low": [min(column) for column in columns],
        "high": [max(column) for column in columns],
        "always": [_all_of(column) for column in columns],
        "ever": [_any_of(column) for column in columns],
        "base": [remainder(columns[w]) for w in WATCHED],
        "stride": [_stride(columns[w]) for w in WATCHED],
        "registers": registers_of(addresses, 11),
        "bitmap": bitmap_of([port % 65536 for port in columns[f.DPORT]]),
        "fair": [numbers[r] for r in bottom_k(rows, fair, ident, capacity)],
        "runs": [numbers[r] for r in bottom_k(rows, runs, ident, capacity)],
    }


def _all_of(values: list[int]) -> int:
    common = values[0]
    for value in values:
        common &= value
    return common


def _any_of(values: list[int]) -> int:
    common = 0
    for value in values:
        common |= value
    return common


def _stride(values: list[int]) -> int:
    stride = 0
    for value in values:
        stride = gcd(stride, value - values[0])
    return stride


def remainder(values):
    """What all values leave by the gcd of their differences; the value itself where they are all one."""
    step = reduce(gcd, [value - values[0] for value in values], 0)
    return values[0] % step if step else values[0]
