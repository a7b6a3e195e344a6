"""How many probes of a scan, and how many other packets of the case, an expression holds for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from craftmark.packets.expressions import parse
from craftmark.verbs.extract import belonging, open_case

if TYPE_CHECKING:
    from collections.abc import Sequence

    from craftmark.pipeline import Settings


class Hits(NamedTuple):
    """Packets for which an expression holds: of the scan's probes, and of all others."""

    probes: int
    of_probes: int
    others: int
    of_others: int


def count_hits(path: str, settings: Settings, scan_id: str, expressions: Sequence[str]) -> list[Hits]:
    """Return the hits of each expression in a capture or log, which is read again."""
    wanted = [parse(text) for text in expressions]
    totals = np.zeros((len(wanted), 4), np.int64)
    select = belonging([path], settings, scan_id)
    for batch in open_case([path], settings).batches():
        own = select(batch)
        for row, expression in enumerate(wanted):
            holds = np.asarray(expression.select(batch), bool)
            totals[row] += [(holds & own).sum(), own.sum(), (holds & ~own).sum(), (~own).sum()]
    return [Hits(*map(int, row)) for row in totals]
