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
    alike = split_by(_codes(finished, rows, inside), inside, least=SOURCES)
    found = [known for known in alike if len(np.unique(finished.source[rows.strand[known]])) >= SOURCES]
    return [np.unique(rows.strand[known]) for known in _over_blocks(finished, inside, found)]


def _over_blocks(finished: Finished, inside: Ints, found: list[Ints]) -> list[Ints]:
    """Unite those found at several addresses of one block, with what else has their headers there: one act."""
    if len(found) < 2:
        return found
    code = _headers(finished, inside, finished.known(f.IP_DST)[inside].astype(np.uint64) >> np.uint64(16))
    block = code[np.searchsorted(inside, [known[0] for known in found])]
    wide = split_by(block, np.arange(len(found)), least=2)
    apart = np.ones(len(found), bool)
    apart[[number for same in wide for number in same.tolist()]] = False
    spread = np.isin(code, [block[same[0]] for same in wide])
    return [found[number] for number in np.flatnonzero(apart)] + split_by(code[spread], inside[spread])


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
    return _headers(finished, chosen, rows.dst[chosen].astype(np.uint64))


def _headers(finished: Finished, chosen: Ints, where: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return a hash of the headers of packets and of where they went."""
    code = scramble(where)
    for word in _SHARED:
        code = scramble(code ^ finished.known(word)[chosen].astype(np.uint64))
    return code
