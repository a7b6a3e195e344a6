"""Two senders in one strand: told by a field with a few values whose packets differ in how other fields are made.

A field may well take several values in one tool's packets (nmap of 2005 to 2011 draws one of four windows). It takes
two tools to make one half of the packets with a constant IP ID and drawn ports, the other with drawn IDs and one port.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from craftmark.evidence.populations import Population
from craftmark.packets import fields as f

if TYPE_CHECKING:
    from craftmark.evidence.finished import Finished

Ints = NDArray[np.int64]

#: Fields whose values may part two senders, the most telling first.
_PARTING = (f.TCP_WIN, f.IP_TTL, f.IP_TOS, f.IP_LEN)
#: Fields whose making is compared.
_COMPARED = (f.IP_ID, f.SPORT, f.SEQ, f.ACK, f.IP_TTL, f.TCP_WIN)
#: Known packets below which nothing is parted, and packets that a population must have.
_ROWS = 40
_LEAST = 10
#: Populations at most, and the share of all packets that they must hold together.
_MOST = 4
_SHARE = 0.95
#: Fields that must be made differently.
_DIFFERENCES = 2


def populations_of(finished: Finished, strands: Ints) -> tuple[Population, ...]:
    """Return the populations of a scan's strands, the largest first; none where one sender can have made them all."""
    if int(finished.count[strands].sum()) < _ROWS or not (finished.protocol[strands] == f.TCP).all():
        return ()
    words = finished.fair_rows(strands).words
    for word in _PARTING:
        values, counts = np.unique(words[:, word], return_counts=True)
        large = counts >= max(_LEAST, len(words) // 20)
        if not 2 <= large.sum() <= _MOST or counts[large].sum() < _SHARE * len(words):
            continue
        groups = [words[words[:, word] == value] for value in values[large]]
        if _made_differently(groups, word):
            order = np.argsort(-counts[large], kind="stable")
            return tuple(Population(word, int(value)) for value in values[large][order])
    return ()


def _made_differently(groups: list[NDArray[np.uint32]], parting: int) -> bool:
    """Tell whether every two groups differ in how enough other fields are made."""
    made = [[_constant(group[:, word]) for word in _COMPARED if word != parting] for group in groups]
    return all(
        sum(a != b for a, b in zip(one, two, strict=True)) >= _DIFFERENCES
        for place, one in enumerate(made)
        for two in made[:place]
    )


def _constant(values: NDArray[np.uint32]) -> int:
    """Return the one value of a column, -1 if it varies."""
    return int(values[0]) if (values == values[0]).all() else -1
