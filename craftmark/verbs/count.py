"""How many probes of a scan, and how many other packets of the case, an expression holds for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from craftmark.packets.expressions import parse
from craftmark.pipeline import Settings
from craftmark.verbs.extract import belonging, open_case

if TYPE_CHECKING:
    from collections.abc import Sequence

    from craftmark.packets.batch import PacketBatch
    from craftmark.packets.expression_nodes import Truth
    from craftmark.packets.expressions import Expression


class Hits(NamedTuple):
    """Packets for which an expression holds: of the scan's probes, and of all others."""

    probes: int
    of_probes: int
    others: int
    of_others: int


def count_hits(path: str, settings: Settings, scan_id: str, expressions: Sequence[str]) -> list[Hits]:
    """Return the hits of each expression in a capture or log, which is read again; last, of any of them."""
    wanted = [parse(text) for text in expressions]
    totals = np.zeros((len(wanted) + 1, 4), np.int64)
    select = belonging([path], settings, scan_id)
    for batch in open_case([path], settings).batches():
        own = select(batch)
        for row, holds in enumerate(_holding(wanted, batch)):
            totals[row] += [(holds & own).sum(), own.sum(), (holds & ~own).sum(), (~own).sum()]
    return [Hits(*map(int, row)) for row in totals]


def count_all(path: str, expressions: Sequence[str]) -> tuple[int, int]:
    """Return for how many packets of a capture or log any of the expressions holds, and how many it has."""
    wanted = [parse(text) for text in expressions]
    hits = packets = 0
    for batch in open_case([path], Settings()).batches():
        hits += int(_holding(wanted, batch)[-1].sum())
        packets += len(batch)
    return hits, packets


def _holding(wanted: Sequence[Expression], batch: PacketBatch) -> list[Truth]:
    """Return for which packets each expression holds; last, any of them."""
    each = [np.asarray(one.select(batch), bool) for one in wanted]
    return [*each, np.logical_or.reduce(each)]
