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

_ALL_ONES = 0xFFFFFFFF


class Relations:
    """Accumulator of counts and value masks, one column per expression.

    A predicate counts how often it held; any other expression keeps the bits always and ever set in its value. Once a
    value has varied nothing more is to be learnt of it in that strand: it is evaluated no more.
    """

    def __init__(self, expressions: Sequence[Expression]) -> None:
        self.expressions = tuple(expressions)
        width = max(len(self.expressions), 1)
        self.state = SlotArrays(
            held=("int64", width, 0), always=("uint32", width, _ALL_ONES), ever=("uint32", width, 0)
        )
        self._closed = SlotArrays(is_closed=("bool", width, 0))

    def reserve(self, slots: int) -> None:
        """Make room for ``slots`` strands."""
        self.state.reserve(slots)
        self._closed.reserve(slots)

    def update(self, batch: PacketBatch, rows: Ints, slot: Ints) -> None:
        """Evaluate on the rows every expression that can still tell something, then fold the values."""
        closed = self._closed["is_closed"]
        open_ones = [n for n, e in enumerate(self.expressions) if e.is_predicate or not closed[slot, n].all()]
        if not open_ones or not len(rows):
            return
        values, seen = evaluate([self.expressions[n] for n in open_ones], batch, rows)
        state = self.state
        for position, number in enumerate(open_ones):
            fold_values(
                len(rows), slot, values[position], seen[position], number, state["held"], state["always"], state["ever"]
            )
            if not self.expressions[number].is_predicate:
                always, ever = state["always"][slot, number], state["ever"][slot, number]
                closed[slot, number] |= (always != ever) | ~seen[position]  # a strand shows a field always or never

    def merge(self, other: Relations, slot: Ints) -> None:
        """Fold the other's slots into own ones."""
        theirs = other.state.used()
        self.state["held"][slot] += theirs["held"]
        self.state["always"][slot] &= theirs["always"]
        self.state["ever"][slot] |= theirs["ever"]

    def settle(self) -> None:
        """Forget in which bits a value varied: that depends on when it was last evaluated."""
        always, ever = self.state["always"], self.state["ever"]
        varied = always != ever
        always[varied], ever[varied] = _ALL_ONES, 0
        self.state["held"][:, [n for n, e in enumerate(self.expressions) if not e.is_predicate]] = 0

    def arrays(self) -> Mapping[str, NDArray[np.generic]]:
        """Return held, always, ever."""
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


def shown_by(expression: Expression, present: NDArray[np.uint32], protocol: Ints) -> NDArray[np.bool_]:
    """Tell of packets, by their words PRESENT and PROTOCOL, whether all fields of an expression are there and seen."""
    mask, needed = _needs_of(expression)
    shown: NDArray[np.bool_] = (present & np.uint32(mask)) == mask
    return shown if needed is None else shown & (protocol == needed)


def _shows(columns: NDArray[np.uint32], mask: int, protocol: int | None) -> NDArray[np.bool_]:
    shown: NDArray[np.bool_] = (columns[PRESENT] & np.uint32(mask)) == mask
    return shown if protocol is None else shown & (columns[PROTOCOL] == protocol)
