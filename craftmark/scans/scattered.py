"""Scans by sources that each sent a single packet: told by what those packets share.

One packet has only constants, so nothing can be said of each; but many made-up sources that send one address the
same odd headers are one act.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from craftmark.packets import fields as f
from craftmark.scans.conversations import Conversations, scramble
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
    code = scramble(rows.dst[inside])
    for word in _SHARED:
        code = scramble(code ^ finished.known(word)[inside].astype(np.uint64))
    values, inverse = np.unique(code, return_inverse=True)
    pairs = np.unique(np.column_stack([inverse, finished.source[rows.strand[inside]]]), axis=0)
    sources = np.bincount(pairs[:, 0], minlength=len(values))
    return [np.unique(rows.strand[inside[inverse == v]]) for v in np.flatnonzero(sources >= SOURCES)]
