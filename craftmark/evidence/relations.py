"""Relations between fields, counted over every packet: how often each equation held, whether each value was constant.

The expressions come from the rules; none is written here.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from craftmark.evidence.base import Ints, SlotArrays
from craftmark.kernels.bits import fold_values, gather_columns
from craftmark.packets.batch import PacketBatch
from craftmark.packets.fields import FIELDS, PRESENT, PROTOCOL, WORDS, visibility_mask

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

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
        values, seen = evaluate(self.expressions, batch, rows)
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


def evaluate(
    expressions: Sequence[Expression], batch: PacketBatch, rows: Ints
) -> tuple[NDArray[np.uint32], NDArray[np.bool_]]:
    """Return the value of each expression on each chosen packet, and whether all its fields were seen there.

    Equations give 1 where they hold. Shapes: (expressions, packets). The words in use are first copied into
    contiguous columns: a strided column costs ten times as much.
    """
    columns = np.empty((WORDS, len(rows)), np.uint32)
    gather_columns(len(rows), rows, batch.words, _words_of(tuple(expressions)), columns)
    compact = PacketBatch(columns.T, rows, rows)
    values = np.zeros((len(expressions), len(rows)), np.uint32)
    seen = np.zeros((len(expressions), len(rows)), np.bool_)
    shown: dict[tuple[int, int | None], NDArray[np.bool_]] = {}
    for number, expression in enumerate(expressions):
        needs = _needs_of(expression)
        if needs not in shown:
            shown[needs] = _shows(columns, *needs)
        seen[number] = shown[needs]
        if seen[number].any():
            values[number] = expression.evaluate(compact)
    return values, seen


@lru_cache(maxsize=64)
def _words_of(expressions: tuple[Expression, ...]) -> Ints:
    """Return the words that expressions use, with those that tell what is seen."""
    used = {FIELDS[name].word for expression in expressions for name in expression.fields}
    return np.array(sorted(used | {PRESENT, PROTOCOL}), np.int64)


@lru_cache(maxsize=1024)
def _needs_of(expression: Expression) -> tuple[int, int | None]:
    """Return the visibility bits an expression needs, and the protocol its fields belong to (-1: no one packet has all)."""
    mask = visibility_mask(*(FIELDS[name].word for name in expression.fields))
    protocols = {FIELDS[name].protocol for name in expression.fields} - {None}
    if len(protocols) > 1:
        return mask, -1
    return mask, protocols.pop() if protocols else None


def _shows(columns: NDArray[np.uint32], mask: int, protocol: int | None) -> NDArray[np.bool_]:
    shown: NDArray[np.bool_] = (columns[PRESENT] & np.uint32(mask)) == mask
    return shown if protocol is None else shown & (columns[PROTOCOL] == protocol)
