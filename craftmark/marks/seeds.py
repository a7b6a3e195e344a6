"""Where the seeds of a run lie, when a clock seeded it: around the first packet, the nearest first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

SECOND_NS: Final = 1_000_000_000
MICROSECOND_NS: Final = 1_000
#: The sender's clock may be ahead of the capture's.
AHEAD_S: Final = 60
_MICROSECONDS: Final = 1_000_000
_BLOCK_BITS: Final = 20


@dataclass(frozen=True, slots=True)
class Window:
    """Seeds to try together, the nearest to the packet first, and the positions at which its draws may stand."""

    seeds: NDArray[np.int64]
    positions: int


def seconds(first_ns: int, reach: tuple[tuple[int, int], ...]) -> Iterator[Window]:
    """Yield windows of start seconds: for each (seconds back, positions) of ``reach`` what is new in it."""
    now = first_ns // SECOND_NS
    top, done = now + AHEAD_S, now + AHEAD_S + 1
    for back, positions in reach:
        bottom = max(now - back, 0)
        yield Window(np.arange(min(top, done - 1), bottom - 1, -1, dtype=np.int64), positions)
        done = bottom


def microseconds(first_ns: int, back_us: int, positions: int) -> Window:
    """Return the seeds ``second xor microsecond`` of the moments up to ``back_us`` before a packet."""
    now = first_ns // MICROSECOND_NS
    moments = np.arange(now + 1_000, max(now - back_us, 0) - 1, -1, dtype=np.int64)
    return Window(moments // _MICROSECONDS ^ moments % _MICROSECONDS, positions)


def block(first_ns: int, positions: int) -> Window:
    """Return all seeds ``second xor microsecond`` of the days around a packet: a clock that is off by days is found."""
    now = first_ns // SECOND_NS
    base = now >> _BLOCK_BITS << _BLOCK_BITS
    return Window(np.arange(base, base + (1 << _BLOCK_BITS), dtype=np.int64), positions)


def second_of(seed: int, first_ns: int) -> int:
    """Return the last second up to a packet's that can be in a seed ``second xor microsecond``."""
    now = first_ns // SECOND_NS
    for second in range(now, now - 2 * _MICROSECONDS, -1):
        if seed ^ second < _MICROSECONDS and second * SECOND_NS + (seed ^ second) * MICROSECOND_NS <= first_ns:
            return second
    return seed >> _BLOCK_BITS << _BLOCK_BITS
