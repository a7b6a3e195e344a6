"""Scans by sources that each sent a single packet: told by what those packets share.

One packet has only constants, so nothing can be said of each; but many made-up sources that send one address the
same odd headers are one act.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from craftmark.packets import fields as f
from craftmark.scans.conversations import Conversations, scramble, split_by
from craftmark.scans.kinds import Kind

if TYPE_CHECKING:
    from craftmark.evidence.finished import Finished

Ints = NDArray[np.int64]

#: Sources whose single packets must agree.
SOURCES = 5
_SHARED = (f.TCP_WIN, f.IP_TTL, f.IP_TOS, f.TCP_OPTIONS)


def scattered_scans(finished: Finished, kind: Ints, rows: Conversations, crafted: NDArray[np.bool_]) -> list[Ints]:
    """Return the strands of each scan that only its sources together show; ``crafted`` are candidates by shape."""
    candidates = (crafted | (kind == Kind.ODD)) & (finished.count <= 2)
    inside = np.flatnonzero(candidates[rows.strand] & (rows.own & 0x108 == 0) & ~rows.asked)
    if len(inside) < SOURCES:
        return []
    alike = split_by(_codes(finished, rows, inside), rows.strand[inside], least=SOURCES)
    found = [np.unique(strands) for strands in alike]
    return [strands for strands in found if len(np.unique(finished.source[strands])) >= SOURCES]


def absorb(finished: Finished, rows: Conversations, sets: list[Ints], scattered: list[Ints]) -> list[Ints]:
    """Return all sets, scattered ones united with the scan whose packets share the same headers and target."""
    if not scattered:
        return sets
    of_code = _uniform_codes(finished, rows, sets)
    code_of = {number: code for code, number in _uniform_codes(finished, rows, scattered).items()}
    joined = list(sets)
    for position, strands in enumerate(scattered):
        number = of_code.get(code_of.get(position, -1), -1)
        if number >= 0:
            joined[number] = np.union1d(joined[number], strands)
        else:
            joined.append(strands)
    return joined


def _uniform_codes(finished: Finished, rows: Conversations, sets: list[Ints]) -> dict[int, int]:
    """Return the set of each code that all known packets of some set share."""
    number = np.full(len(finished), -1, np.int64)
    for position, strands in enumerate(sets):
        number[strands] = position
    inside = np.flatnonzero(number[rows.strand] >= 0)
    codes, owner = _codes(finished, rows, inside), number[rows.strand[inside]]
    low = np.full(len(sets), np.iinfo(np.uint64).max, np.uint64)
    high = np.zeros(len(sets), np.uint64)
    np.minimum.at(low, owner, codes)
    np.maximum.at(high, owner, codes)
    return {int(low[n]): n for n in np.flatnonzero(low == high)[::-1].tolist()}


def _codes(finished: Finished, rows: Conversations, chosen: Ints) -> NDArray[np.uint64]:
    code = scramble(rows.dst[chosen])
    for word in _SHARED:
        code = scramble(code ^ finished.known(word)[chosen].astype(np.uint64))
    return code
