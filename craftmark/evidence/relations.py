"""Relations between fields: whether each equation held, and whether each value was constant, in rows that are known.

The expressions come from the rules; none is written here. Over a strand's whole length they would cost as much as all
other evidence together, so they are looked up in all rows of a strand of up to 8,192 and in a fair sample of longer
ones: a thousand packets leave no doubt about sixteen bits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from craftmark.packets.batch import PacketBatch
    from craftmark.packets.expressions import Expression


def evaluate(expressions: Sequence[Expression], batch: PacketBatch) -> tuple[NDArray[np.uint32], NDArray[np.bool_]]:
    """Return the value of each expression on each packet, and whether all its fields were seen there.

    Equations give 1 where they hold. Shapes: (expressions, packets).
    """
    values = np.zeros((len(expressions), len(batch)), np.uint32)
    seen = np.zeros((len(expressions), len(batch)), np.bool_)
    for number, expression in enumerate(expressions):
        seen[number] = expression.seen(batch)
        if seen[number].any():
            values[number] = expression.evaluate(batch)
    return values, seen
