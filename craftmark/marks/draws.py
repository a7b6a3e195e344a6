"""How a recipe says which output of a generator goes into which field, and packets read as such draws.

A draw is a TOML table: ``field`` ("" for an output that no field shows), and what is done to the output before it is
written: ``shift`` right, ``modulo``, ``plus``, ``swap`` (written in the byte order of a little-endian sender). Without
``modulo`` the field's width cuts the output.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log2
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from craftmark.packets.expressions import parse
from craftmark.packets.fields import FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from craftmark.evidence.dossier import Dossier
    from craftmark.marks.base import Recipe
    from craftmark.packets.batch import PacketBatch

    Values = NDArray[np.int64]

#: Clear top bits that two filled 32-bit fields count for: few senders fill both.
CLEAR_ENOUGH: Final = 5
#: Share of the probes for which what a recipe takes for likely must hold.
_NEARLY_ALL: Final = 0.9
_PROTOCOLS: Final = {"icmp": 1, "tcp": 6, "udp": 17}


@dataclass(frozen=True, slots=True)
class Draw:
    """One output of a generator on its way into a field."""

    field: str
    shift: int = 0
    modulo: int = 0
    plus: int = 0
    swap: bool = False

    def of(self, outputs: NDArray[Any]) -> Values:
        """Return what the field shows for some outputs."""
        values = outputs.astype(np.int64) >> self.shift
        width = FIELDS[self.field].bits
        values = (values % self.modulo if self.modulo else values) + self.plus
        values &= (1 << width) - 1
        if not self.swap:
            return values
        return values.astype(np.uint16 if width == 16 else np.uint32).byteswap().astype(np.int64)

    def bits(self, given: int) -> float:
        """Return how many bits of an output of ``given`` bits the field shows."""
        return min(FIELDS[self.field].bits, log2(self.modulo) if self.modulo else given - self.shift)

    def can_be(self, values: Values, given: int) -> bool:
        """Tell whether outputs of so many bits can be behind some values of the field."""
        width = FIELDS[self.field].bits
        if self.swap:
            values = values.astype(np.uint16 if width == 16 else np.uint32).byteswap().astype(np.int64)
        room = self.modulo or 1 << min(width, given - self.shift)
        return bool((values - self.plus >= 0).all() and (values - self.plus < room).all())


def draws_of(recipe: Recipe, key: str) -> tuple[Draw, ...]:
    """Return the draws that a recipe lists under a key, none where it has no such key."""
    listed: Any = recipe.details.get(key, ())
    return tuple(Draw(**table) for table in listed)


def is_about(recipe: Recipe, dossier: Dossier) -> bool:
    """Tell whether a recipe is about packets of this protocol that look as its ``likely`` says, where it says so."""
    word = str(recipe.details.get("protocol", ""))
    if dossier.protocol in (6, 17) if word == "other" else _PROTOCOLS.get(word) not in (None, dossier.protocol):
        return False
    likely = str(recipe.details.get("likely", ""))
    return not likely or float(parse(likely).select(dossier.sample).mean()) >= _NEARLY_ALL


def words_of(recipe: Recipe, key: str, usual: Sequence[str]) -> tuple[str, ...]:
    """Return the list of words a recipe has under a key, else the usual ones."""
    listed: Any = recipe.details.get(key, usual)
    return tuple(str(word) for word in listed)


def showing(batch: PacketBatch, draws: Iterable[Draw]) -> PacketBatch:
    """Return the packets that show all the fields drawn."""
    seen = np.ones(len(batch), np.bool_)
    for draw in draws:
        if draw.field:
            seen &= batch.present(draw.field)
    return batch if seen.all() else batch.take(seen)


def drawn(draws: Sequence[Draw], dossier: Dossier) -> tuple[Draw, ...]:
    """Return the draws whose field is not one value in all of several probes: a user who sets a field saves a draw."""
    if dossier.probes == 1:
        return tuple(draws)
    evidences = [(draw, dossier.field(draw.field)) for draw in draws]
    return tuple(draw for draw, evidence in evidences if evidence is not None and evidence.constant is None)


def clear_bits(draws: Sequence[Draw], packets: PacketBatch, given: int) -> int | None:
    """Return how many bits are clear because outputs have no more than ``given``; None if some are set after all.

    Values that come again show nothing new. Two wide fields that are never 0 count as clear enough: few senders fill
    both.
    """
    columns = [(draw, packets.column(draw.field).astype(np.int64)) for draw in draws]
    if not all(draw.can_be(values, given) for draw, values in columns):
        return None
    wide = [values for draw, values in columns if FIELDS[draw.field].bits == 32]
    filled = CLEAR_ENOUGH if len(wide) > 1 and all(values.all() for values in wide) else 0
    spare = (len(np.unique(values)) * (FIELDS[draw.field].bits - ceil(draw.bits(given))) for draw, values in columns)
    return max(filled, sum(spare))
