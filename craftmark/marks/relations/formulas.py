"""Xor relations among whole fields and their halves, found with no formula given.

Each 16-bit field, and each half of a 32-bit field, is looked at as it stands and with its bytes swapped. What changes
of it from the first packet to the others is one vector over GF(2); vectors that add up to 0 are a relation, whatever
its constant. From few packets all sums of up to four parts are tried; a few more determine every sum. Foreign packets
hide nothing: what a handful of packets shows is counted in all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from craftmark.kernels.gf2 import Span, dependencies
from craftmark.packets.fields import FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from craftmark.marks.relations.headers import Headers

#: Share of the packets in which a relation must hold to be told: one of two tools that were mixed.
SHARE: Final = 0.4

#: Packets taken together at first, and handfuls tried besides.
_AT_ONCE: Final = 48
_HANDFULS: Final = 12
#: Shares of the packets that may be alike in one field while the rest is not, and the fewest.
_ALIKE: Final = (0.2, 0.98)
_FEWEST_ALIKE: Final = 6
#: Bits beyond the number of parts from which sums of any length are determined.
_SPARE_BITS: Final = 16
#: Sums with the same changes that are paired, and sums counted, of each handful: hostile packets could hold thousands.
_ALIKE_SUMS: Final = 24
_SUMS: Final = 200
#: Independent relations up to which all their sums are looked at for the shortest.
_ALL_SUMS: Final = 7


class Part(NamedTuple):
    """16 bits of a header: a short field, or half of a long one; maybe with its bytes swapped."""

    name: str
    is_high: bool = False
    is_swapped: bool = False

    @property
    def twin(self) -> Part:
        """The same part with its bytes the other way around; the xor of both has but 8 bits."""
        return self._replace(is_swapped=not self.is_swapped)

    @property
    def is_half(self) -> bool:
        """Tell whether this is half of a 32-bit field."""
        return FIELDS[self.name].bits == 32


@dataclass(frozen=True, slots=True)
class Sum:
    """Parts whose xor is ``value`` in ``held`` packets."""

    parts: frozenset[Part]
    value: int
    held: int


def find(headers: Headers) -> list[Sum]:
    """Return sums that hold, the most often first."""
    parts, table = _table(headers)
    tried: dict[int, Sum | None] = {}
    for chosen in handfuls(headers, len(parts)):
        for mask in _sums(table[:, chosen]):
            if mask not in tried:
                tried[mask] = _counted(parts, table, mask, headers)
    found = {one for one in tried.values() if one is not None}
    rows = len(headers.packets)
    return sorted(found, key=lambda one: (-share_step(one.held, rows), len(one.parts), sorted(one.parts)))


def share_step(held: int, rows: int) -> int:
    """Return the share of the packets in steps of 1/32: a formula that fits one more by accident is no better."""
    return held * 32 // rows


def parts_of(headers: Headers) -> int:
    """Return how many parts are combined."""
    return len(_table(headers)[0])


def _table(headers: Headers) -> tuple[list[Part], NDArray[np.uint16]]:
    """Return the parts that vary, the given first, and their values (uint16[parts, packets])."""
    parts, columns = [], []
    for name in headers.names:
        values = headers.values(name)
        halves = {32: (True, False), 16: (False,)}.get(FIELDS[name].bits, ())
        for is_high in halves:
            column = (values >> (16 if is_high else 0) & 0xFFFF).astype(np.uint16)
            if (column == column[0]).all():
                continue
            parts += [Part(name, is_high), Part(name, is_high, is_swapped=True)]
            columns += [column, column.byteswap()]
    return parts, np.array(columns, np.uint16).reshape(len(parts), len(headers.packets))


def handfuls(headers: Headers, parts: int) -> Iterator[NDArray[np.intp]]:
    """Yield the packets to look at together: all, or many; packets alike; small groups at strides of their own."""
    rows = len(headers.packets)
    yield _spread(np.arange(rows))
    size = parts // 16 + 3
    if rows < size + 2:
        return
    for alike in _alike(headers):
        yield _spread(alike)
    for number in range(_HANDFULS):
        step = max(1, rows * (number + 2) // (size * (_HANDFULS + 3)))
        yield (np.arange(size) * step + number * rows // _HANDFULS) % rows


def _spread(rows: NDArray[np.intp]) -> NDArray[np.intp]:
    return rows[np.linspace(0, len(rows) - 1, min(len(rows), _AT_ONCE)).astype(np.intp)]


def _alike(headers: Headers) -> Iterator[NDArray[np.intp]]:
    """Yield the packets that share the commonest value of a field: of two tools mixed, one may never vary it."""
    for name in headers.chosen:
        values = headers.values(name)
        sizes, counts = np.unique(values, return_counts=True)
        most = int(counts.max())
        if _ALIKE[0] * len(values) <= most <= _ALIKE[1] * len(values) and most >= _FEWEST_ALIKE:
            yield np.flatnonzero(values == sizes[counts.argmax()])


def _sums(table: NDArray[np.uint16]) -> Iterable[int]:
    """Return sums of parts, as masks, that do not change over some packets."""
    packets = table.shape[1]
    if packets < 2:
        return []
    changes = table[:, 1:] ^ table[:, :1]
    moving = np.flatnonzero(changes.any(axis=1)).tolist()
    vectors = [int.from_bytes(changes[place].tobytes(), "little") for place in moving]
    if 16 * (packets - 1) < len(moving) + _SPARE_BITS:
        return _short(moving, vectors)
    masks = [sum(1 << moving[i] for i in range(len(moving)) if mask >> i & 1) for mask in dependencies(vectors)]
    return _shortest(masks)


def _short(places: Sequence[int], vectors: Sequence[int]) -> list[int]:
    """Return all sums of two to four vectors that are 0, each as a mask of their places."""
    named = [(1 << place, vector) for place, vector in zip(places, vectors, strict=True)]
    sums: dict[int, list[int]] = {}
    for mask, vector in named:
        sums.setdefault(vector, []).append(mask)
    for (one, vector), (other, more) in combinations(named, 2):
        sums.setdefault(vector ^ more, []).append(one | other)
    found = set(sums.pop(0, []))
    for same in sums.values():
        if len(same) > 1:
            found.update(one | other for one, other in combinations(same[:_ALIKE_SUMS], 2) if not one & other)
    return sorted(found, key=lambda mask: (mask.bit_count(), mask))[:_SUMS]


def _shortest(masks: list[int]) -> list[int]:
    """Return a basis of the same relations with as few parts in each as can be."""
    sums = {0}
    for mask in masks[:_ALL_SUMS]:
        sums |= {mask ^ known for known in sums}
    span, chosen = Span(), []
    for mask in sorted(sums - {0}, key=lambda one: (one.bit_count(), one)) + masks[_ALL_SUMS:]:
        if span.reduced(mask):
            span = span.with_vectors([mask])
            chosen.append(mask)
    return chosen


def _counted(parts: list[Part], table: NDArray[np.uint16], mask: int, headers: Headers) -> Sum | None:
    """Count a sum's likeliest value in all packets; None where it is no relation of the sender's, or too rare."""
    places = [place for place in range(len(parts)) if mask >> place & 1]
    chosen = frozenset(parts[place] for place in places)
    if not any(part.name in headers.chosen for part in chosen) or any(part.twin in chosen for part in chosen):
        return None
    values = np.bitwise_xor.reduce(table[places], axis=0)
    sizes, counts = np.unique(values, return_counts=True)
    best = int(counts.argmax())
    held = int(counts[best])
    if held < max(2.0, SHARE * len(values)):
        return None
    return _upright(Sum(chosen, int(sizes[best]), held), headers)


def _upright(one: Sum, headers: Headers) -> Sum:
    """Return the sum or the same with all bytes swapped, whichever swaps fewer of the sender's own parts."""
    other = Sum(
        frozenset(part.twin for part in one.parts), (one.value & 0xFF) << 8 | one.value >> 8, one.held
    )  # fmt: skip

    def swaps(given: Sum) -> tuple[int, int, list[Part]]:
        swapped = [part for part in given.parts if part.is_swapped]
        return sum(part.name in headers.chosen for part in swapped), len(swapped), sorted(given.parts)

    return min(one, other, key=swaps)
