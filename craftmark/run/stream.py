"""A stream that does not end: evidence of what is open, a watermark, and letting go of what is over.

The watermark is the time up to which packets have come: the median time of the latest batch, so that one absurd time
moves nothing, and never backwards. A strand is quiet when its last packet is ``idle_ns`` behind it. Whoever judges the
stream says which strands are carried on; the others leave the memory.
"""

from __future__ import annotations

import secrets
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from craftmark.evidence.fold import Evidence
from craftmark.evidence.part import part_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from craftmark.evidence.base import Ints
    from craftmark.packets.batch import PacketBatch
    from craftmark.packets.expressions import Expression

_SECOND: Final = 1_000_000_000
#: Looks at the stream in the time a scan takes to be over: it is told at most so much later.
_LOOKS: Final = 3


class Stream:
    """What is open of a stream.

    idle_ns: a strand without packets for so long is over. most: strands in memory from which some are let go at once.
    """

    def __init__(
        self, relations: Mapping[str, Expression], *, idle_ns: int, most: int, where: Expression | None = None
    ) -> None:
        self.evidence = Evidence(relations, seed=secrets.randbits(60))
        self.idle_ns = idle_ns
        self.most = most
        self.packets = 0
        self.watermark_ns: int | None = None
        self._where = where
        self._next_ns = 0

    def arrivals(self, batch: PacketBatch) -> Iterator[PacketBatch]:
        """Yield a batch in pieces, cut where time leaps, the watermark at their start: look if due, then update."""
        leaps = np.flatnonzero(np.diff(batch.ts_ns) >= self.idle_ns) + 1
        for first, stop in pairwise((0, *leaps.tolist(), len(batch))):
            piece = batch if stop - first == len(batch) else batch.take(slice(first, stop))
            if len(piece):
                self._reach(int(piece.ts_ns.min()))
                yield piece

    def update(self, piece: PacketBatch) -> None:
        """Fold packets that arrived."""
        self.packets += len(piece)
        self.evidence.update(piece if self._where is None else piece.take(self._where.select(piece)))
        self._reach(int(np.partition(piece.ts_ns, len(piece) // 2)[len(piece) // 2]))

    def wait(self, seconds: float) -> None:
        """Be told that no packet came for so long: time goes on all the same."""
        if self.watermark_ns is not None:
            self._reach(self.watermark_ns + int(seconds * _SECOND))

    def _reach(self, ns: int) -> None:
        if self.watermark_ns is None:
            self._next_ns = ns + self.idle_ns
        self.watermark_ns = ns if self.watermark_ns is None else max(self.watermark_ns, ns)

    @property
    def is_full(self) -> bool:
        """Whether so many strands are open that some must leave."""
        return len(self.evidence.strands) >= self.most

    @property
    def is_due(self) -> bool:
        """Whether it is time to look what is over."""
        return self.is_full or (self.watermark_ns is not None and self.watermark_ns >= self._next_ns)

    @property
    def cutoff_ns(self) -> int:
        """What is older is quiet."""
        return (self.watermark_ns or 0) - self.idle_ns

    def resume(self, evidence: Evidence, *, packets: int, watermark_ns: int | None) -> None:
        """Go on from what was saved."""
        self.evidence, self.packets, self.watermark_ns = evidence, packets, watermark_ns
        self._next_ns = (watermark_ns or 0) + self.idle_ns // _LOOKS

    def carry(self, strands: Ints) -> None:
        """Let go of all strands but some, numbered as the evidence numbers them."""
        self.evidence = part_of(self.evidence, strands)
        self._next_ns = (self.watermark_ns or 0) + self.idle_ns // _LOOKS
