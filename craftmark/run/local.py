"""The plain executor: one core folds all inputs, batch by batch; every other executor must equal its result."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from craftmark.evidence.fold import Evidence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from craftmark.packets.batch import PacketBatch
    from craftmark.packets.expressions import Expression


def fold(
    batches: Iterable[PacketBatch],
    relations: Mapping[str, Expression],
    *,
    where: Expression | None = None,
    watch: Callable[[int], None] | None = None,
) -> Evidence:
    """Return the evidence of all batches; ``where`` selects packets, ``watch`` is told the packets folded so far."""
    evidence = Evidence(relations, seed=secrets.randbits(60))
    folded = 0
    for batch in batches:
        chosen = batch if where is None else batch.take(where.select(batch))
        evidence.update(chosen)
        folded += len(batch)
        if watch is not None:
            watch(folded)
    return evidence
