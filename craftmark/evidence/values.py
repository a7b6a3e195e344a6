"""Values of every field per strand: least, greatest, bits always set, bits ever set.

A field is constant exactly when least and greatest agree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from craftmark.evidence.base import Ints, SlotArrays
from craftmark.kernels.bits import ALWAYS, EVER, HIGH, LOW, MASKS, fold_masks
from craftmark.packets.fields import WORDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from craftmark.packets.batch import PacketBatch

#: How two values of a part become one, by its name and its place in a slot's masks.
_FOLDS: Final[dict[str, tuple[int, np.ufunc]]] = {
    "always": (ALWAYS, np.bitwise_and),
    "ever": (EVER, np.bitwise_or),
    "low": (LOW, np.minimum),
    "high": (HIGH, np.maximum),
}


def _nothing() -> NDArray[np.uint32]:
    """Return the masks of no packet."""
    masks = np.zeros(MASKS, np.uint32)
    masks[ALWAYS : ALWAYS + WORDS] = masks[LOW : LOW + WORDS] = 0xFFFFFFFF
    return masks


class Values:
    """Accumulator of masks and ranges, one row of four times WORDS words per slot."""

    def __init__(self) -> None:
        self.state = SlotArrays(masks=("uint32", MASKS, _nothing()))

    def reserve(self, slots: int) -> None:
        """Make room for ``slots`` strands."""
        self.state.reserve(slots)

    def update(self, batch: PacketBatch, rows: Ints, slot: Ints) -> None:
        """Fold rows into their slots."""
        fold_masks(len(rows), rows, slot, batch.words, self.state["masks"])

    def merge(self, other: Values, slot: Ints) -> None:
        """Fold the other's slots into own ones."""
        mine, theirs = self.state["masks"], other.state.used()["masks"]
        for at, fold in _FOLDS.values():
            part = slice(at, at + WORDS)
            mine[slot, part] = fold(mine[slot, part], theirs[:, part])

    def settle(self) -> None:
        """Nothing to do: the state is canonical at any time."""

    def arrays(self) -> Mapping[str, NDArray[np.generic]]:
        """Return the masks."""
        return self.state.used()

    def part(self, name: str) -> NDArray[np.uint32]:
        """Return one part of all masks: low, high, always or ever."""
        at = _FOLDS[name][0]
        part: NDArray[np.uint32] = self.state.used()["masks"][:, at : at + WORDS]
        return part

    def masks_of(self, slots: Ints, word: int, rows: NDArray[np.uint32]) -> dict[str, int]:
        """Return low, high, always and ever of one word over some slots and over values beside them."""
        found = {}
        for name, (at, fold) in _FOLDS.items():
            start = int(_NOTHING[at])
            value = fold.reduce(self.state["masks"][slots, at + word], initial=start)
            found[name] = int(fold(value, fold.reduce(rows, initial=start)))
        return found


_NOTHING: Final = _nothing()
