"""Orders and chances by definition: all pairs, all permutations."""

from __future__ import annotations

from itertools import combinations, pairwise, permutations
from math import comb


def inversions(values: list[int]) -> int:
    """Count the pairs in falling order."""
    return sum(1 for one, other in combinations(values, 2) if one > other)


def share_sorted_within(count: int, limit: int) -> float:
    """Return the share of all orders of ``count`` values with at most ``limit`` inversions."""
    orders = [inversions(list(order)) for order in permutations(range(count))]
    return sum(1 for turned in orders if turned <= limit) / len(orders)


def share_first_of(count: int, special: int, hits: int) -> float:
    """Return the share of all orders with at least ``hits`` of the values below ``special`` among the first so many."""
    good = total = 0
    for order in permutations(range(count)):
        total += 1
        good += sum(1 for value in order[:special] if value < special) >= hits
    return good / total


def share_in_blocks(sizes: list[int], changes: int) -> float:
    """Return the share of all orders of grouped packets that change group at most so often."""
    packets = [group for group, size in enumerate(sizes) for _ in range(size)]
    orders = list(permutations(packets))
    return sum(1 for order in orders if sum(a != b for a, b in pairwise(order)) <= changes) / len(orders)


def share_at_least(tries: int, hits: int, share: float) -> float:
    """Return the chance of at least so many hits, each with probability ``share``."""
    return sum(comb(tries, h) * share**h * (1 - share) ** (tries - h) for h in range(hits, tries + 1))


def groups(keys: list[tuple[int, ...]]) -> list[list[int]]:
    """Return the rows of each distinct key, in order."""
    return [[row for row, other in enumerate(keys) if other == key] for key in sorted(set(keys))]
