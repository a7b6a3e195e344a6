"""Relations between fields, counted over every packet: how often each equation held, whether each value was constant.

The expressions come from the rules; none is written here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from craftmark.evidence.base import Ints, SlotArrays
from craftmark.kernels.bits import fold_values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from craftmark.packets.batch import PacketBatch
    from craftmark.packets.expressions import Expression


class Relations:
    """Accumulator of counts and value masks, one column per expression."""

    def __init__(self, expressions: Sequence[Expression]) -> None:
        self.expressions = tuple(expressions)
        width = max(len(self.expressions), 1)
        self.state = SlotArrays(
            counted=("int64", width, 0),
            held=("int64", width, 0),
            always=("uint32", width, 0xFFFFFFFF),
            ever=("uint32", width, 0),
        )

    def reserve(self, slots: int) -> None:
        """Make room for ``slots`` strands."""
        self.state.reserve(slots)

    def update(self, batch: PacketBatch, rows: Ints, slot: Ints) -> None:
        """Evaluate every expression on the rows, then fold the values."""
        if not self.expressions or not len(rows):
            return
        values, seen = evaluate(self.expressions, batch.take(rows))
        state = self.state
        fold_values(
            len(rows), np.arange(len(rows)), slot, values, seen, len(self.expressions),
            state["held"], state["always"], state["ever"], state["counted"],
        )  # fmt: skip

    def merge(self, other: Relations, slot: Ints) -> None:
        """Fold the other's slots into own ones."""
        theirs = other.state.used()
        self.state["counted"][slot] += theirs["counted"]
        self.state["held"][slot] += theirs["held"]
        self.state["always"][slot] &= theirs["always"]
        self.state["ever"][slot] |= theirs["ever"]

    def settle(self) -> None:
        """Nothing to do: the state is canonical at any time."""

    def arrays(self) -> Mapping[str, NDArray[np.generic]]:
        """Return counted, held, always, ever."""
        return self.state.used()


def evaluate(expressions: Sequence[Expression], batch: PacketBatch) -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
    """Return the value of each expression on each packet, and whether all its fields were seen there.

    Equations give 1 where they hold. Shapes: (packets, expressions).
    """
    values = np.zeros((len(batch), len(expressions)), np.uint32)
    seen = np.zeros((len(batch), len(expressions)), np.uint8)
    for column, expression in enumerate(expressions):
        shown = expression.seen(batch)
        if not shown.any():
            continue
        seen[:, column] = shown
        values[:, column] = expression.evaluate(batch)
    return values, seen
