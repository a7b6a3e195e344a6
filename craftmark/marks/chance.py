"""Chances in log10: how likely independent random values would show what was found.

All functions are upper bounds or exact, never above 0, so a statement's chance is never made smaller than it is.
"""

from __future__ import annotations

from math import lgamma, log, log10
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LOG10_2: Final = log10(2)
_LN10: Final = log(10)

#: Marks other than constants are stated from this chance on: one false statement in a million tries.
STATED_AT: Final = -6.0

#: Fields a sender may set anew for each packet.
FREE: Final = frozenset({
    "ip_id", "tcp_sport", "tcp_seq", "tcp_ack", "tcp_win", "udp_sport", "icmp_id", "icmp_seq", "icmp6_id", "icmp6_seq",
    "sctp_sport", "sctp_vtag", "ip6_flow",
})  # fmt: skip


def log10_factorial(n: int) -> float:
    """Return log10 of n!."""
    return lgamma(n + 1) / _LN10


def log10_choose(n: int, k: int) -> float:
    """Return log10 of the number of ways to choose k of n."""
    return log10_factorial(n) - log10_factorial(k) - log10_factorial(n - k)


def same_value(count: int, bits: int) -> float:
    """Return the chance that ``count`` uniform values of so many bits are all the same."""
    return 0.0 - max(0, count - 1) * bits * LOG10_2


def at_least(tries: float, hits: float, share: float) -> float:
    """Return Chernoff's bound on the chance of so many hits or more, each with probability ``share``.

    Fractions stand for draws that are worth less than a whole one.
    """
    if tries <= 0 or hits <= share * tries:
        return 0.0
    q = hits / tries
    distance = q * log(q / share) + ((1 - q) * log((1 - q) / (1 - share)) if q < 1 else 0.0)
    return 0.0 - tries * distance / _LN10


def sorted_within(count: int, inversions: int) -> float:
    """Bound the chance that a random order of ``count`` values has at most so many inverted pairs."""
    return min(0.0, log10_choose(count - 1 + inversions, inversions) - log10_factorial(count))


def in_blocks(sizes: list[int], changes: int) -> float:
    """Bound the chance that a random order of groups of these sizes changes group at most so often."""
    total, extra = sum(sizes), max(0, changes - (len(sizes) - 1))
    blocks = log10_factorial(len(sizes)) + sum(log10_factorial(size) for size in sizes) - log10_factorial(total)
    return min(0.0, blocks + log10_choose(total, min(extra, total)) + extra * log10(len(sizes)))


def first_of(count: int, special: int, hits: int) -> float:
    """Return the chance that a random order has ``hits`` or more of ``special`` values in its first ``special``."""
    ways = log10_choose(count, special)
    rest = count - special
    terms = [
        log10_choose(special, h) + log10_choose(rest, special - h) - ways
        for h in range(hits, special + 1)
        if special - h <= rest
    ]
    top = max(terms, default=0.0)
    return min(0.0, top + log10(sum(10 ** (term - top) for term in terms))) if terms else 0.0


def unevenness(counts: NDArray[np.int64]) -> float:
    """Return by how many standard deviations cell counts are more uneven than uniform draws (Wilson and Hilferty)."""
    cells, total = len(counts), int(counts.sum())
    if cells < 2 or not total:
        return 0.0
    expected = total / cells
    freedom = cells - 1
    ratio = float(((counts - expected) ** 2).sum()) / expected / freedom
    return float((np.cbrt(ratio) - (1 - 2 / (9 * freedom))) / np.sqrt(2 / (9 * freedom)))
