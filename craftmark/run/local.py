"""The plain executor: one thread folds all inputs, batch by batch; every other executor must equal its result.

Regular files are read and decoded in a second thread meanwhile; a pipe is not, since a thread that waits for it could
not be stopped.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from craftmark.evidence.fold import Evidence
from craftmark.run.ahead import read_ahead

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from craftmark.packets.batch import PacketBatch
    from craftmark.packets.expressions import Expression


def fold(
    batches: Iterable[PacketBatch],
    relations: Mapping[str, Expression],
    *,
    where: Expression | None = None,
    ahead: bool = False,
    watch: Callable[[int], None] | None = None,
) -> Evidence:
    """Return the evidence of all batches.

    where: selects packets. ahead: read the batches in a thread of their own. watch: told the packets folded so far.
    """
    evidence = Evidence(relations, seed=secrets.randbits(60))
    folded = 0
    for batch in read_ahead(batches) if ahead else batches:
        chosen = batch if where is None else batch.take(where.select(batch))
        evidence.update(chosen)
        folded += len(batch)
        if watch is not None:
            watch(folded)
    return evidence
