"""How much a series of symbols says: its entropy, and the length of the shortest of a few codes that learn.

Each code predicts a symbol from a context (the last few symbols, or the one a fixed number of places back) with the
estimator of Krichevsky and Trofimov (1981). Its length depends on the counts in each context alone, so no series is
gone through symbol by symbol. A series that some context predicts has a short code; one of free choices has not.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Symbols = NDArray[np.int64]

#: Longest context of last symbols, and farthest single symbol back.
DEEPEST: Final = 6
FARTHEST: Final = 64


def numbered(values: Symbols) -> tuple[Symbols, int]:
    """Return the values as symbols 0..k-1 in rising order, and k."""
    distinct, symbols = np.unique(values, return_inverse=True)
    return symbols.reshape(-1).astype(np.int64), len(distinct)


def entropy(symbols: Symbols) -> float:
    """Return the bits per symbol of a series whose symbols are drawn on their own with the shares seen."""
    shares = np.bincount(symbols)[np.unique(symbols)] / max(len(symbols), 1)
    return float(-(shares * np.log2(shares)).sum()) + 0.0


def shortest_code(symbols: Symbols, kinds: int) -> float:
    """Return the bits per symbol of the shortest code, the choice of the code included."""
    lengths = [_code_length(symbols[skipped:], context, kinds) for skipped, context in _contexts(symbols, kinds)]
    named = math.log2(len(lengths))
    return (min(lengths) + named) / max(len(symbols), 1)


def _contexts(symbols: Symbols, kinds: int) -> Iterator[tuple[int, Symbols]]:
    """Yield for each code how many symbols it skips, and the context of every later symbol as a number."""
    n = len(symbols)
    for depth in range(min(DEEPEST, n // 4) + 1):
        yield depth, _pack(symbols, depth, kinds)[depth:]
    for back in range(2, min(FARTHEST, n // 3) + 1):
        yield back, symbols[:-back]


def _pack(symbols: Symbols, depth: int, kinds: int) -> Symbols:
    """Return the last ``depth`` symbols before every place as one number."""
    packed = np.zeros(len(symbols), np.int64)
    for back in range(1, depth + 1):
        packed[back:] += symbols[:-back] * kinds ** (back - 1)
    return packed


def _code_length(symbols: Symbols, contexts: Symbols, kinds: int) -> float:
    """Return the bits of one code: of each context, what Krichevsky and Trofimov's estimator gives its counts."""
    _, place = np.unique(contexts, return_inverse=True)
    size = (int(place.max()) + 1 if len(place) else 0) * kinds
    counts = np.bincount(place.reshape(-1) * kinds + symbols, minlength=size).reshape(-1, kinds)
    totals, half = counts.sum(axis=1), _log_gamma(len(symbols), 0.5)
    nats = _log_gamma(len(symbols), kinds / 2)[totals].sum() - half[counts].sum()
    return float(nats) / math.log(2)


@lru_cache(maxsize=64)
def _log_gamma(most: int, start: float) -> NDArray[np.float64]:
    """Return log(gamma(start + j) / gamma(start)) for j = 0..most."""
    return np.concatenate([[0.0], np.cumsum(np.log(np.arange(most) + start))])
