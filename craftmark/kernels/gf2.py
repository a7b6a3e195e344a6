"""Linear algebra over GF(2): which bits of a set of vectors are xor of which others.

A vector is one Python integer, so a whole row or column is added in one step of the machine's own long arithmetic:
at the sizes of marks (a thousand packets, some hundred bits) that is faster than a compiled loop is loaded, and it
needs none. Two views of the same truth: ``dependencies`` names the relations among given vectors (columns: one bit
of all packets), ``Span`` holds what vectors span in its one reduced echelon form (rows: all bits of one packet).
An affine hull is the span of its vectors with a 1 in front of each; its merge is the span of both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True, slots=True)
class Span:
    """All xor of some vectors, as the rows of their reduced echelon form, the greatest first.

    Canonical: equal spans have equal rows, whatever vectors they come from, in whatever order. A commutative,
    idempotent monoid under ``merged``; ``Span()`` is empty.
    """

    rows: tuple[int, ...] = ()

    @property
    def rank(self) -> int:
        """The dimension."""
        return len(self.rows)

    def reduced(self, vector: int) -> int:
        """Return what is left of a vector modulo the span; 0 if and only if the vector is in it."""
        for row in self.rows:
            if vector >> (row.bit_length() - 1) & 1:
                vector ^= row
        return vector

    def holds(self, vectors: Iterable[int]) -> bool:
        """Tell whether all the vectors are in the span."""
        return not any(self.reduced(vector) for vector in vectors)

    def with_vectors(self, vectors: Iterable[int]) -> Span:
        """Return the span of this one and more vectors."""
        rows = {row.bit_length(): row for row in self.rows}
        for vector in vectors:
            rest = _left(vector, rows)
            if rest:
                rows[rest.bit_length()] = rest
        return Span(_reduced_rows(rows))

    def merged(self, other: Span) -> Span:
        """Return the span of both."""
        return self.with_vectors(other.rows)


def _left(vector: int, rows: dict[int, int]) -> int:
    """Reduce a vector by rows of different lengths until its leading bit is none of theirs."""
    while vector:
        row = rows.get(vector.bit_length())
        if row is None:
            return vector
        vector ^= row
    return 0


def _reduced_rows(rows: dict[int, int]) -> tuple[int, ...]:
    """Clear the leading bit of each row from all rows above it."""
    done: list[int] = []
    for length in sorted(rows):
        row = rows[length]
        for lower in reversed(done):
            if row >> (lower.bit_length() - 1) & 1:
                row ^= lower
        done.append(row)
    return tuple(reversed(done))


def affine_hull(vectors: Iterable[int], bits: int) -> Span:
    """Return the affine hull of vectors of so many bits: the span of ``1 << bits | vector``."""
    return Span().with_vectors(1 << bits | vector for vector in vectors)


def dependencies(vectors: Sequence[int]) -> list[int]:
    """Return for each vector that is the xor of earlier ones which these are, itself included, as bits of a mask.

    The masks are a basis of all relations among the vectors: a relation's last vector is in one of them alone.
    """
    basis: dict[int, tuple[int, int]] = {}
    found = []
    for place, given in enumerate(vectors):
        vector, mask = given, 1 << place
        while vector:
            known = basis.get(vector.bit_length())
            if known is None:
                basis[vector.bit_length()] = vector, mask
                break
            vector ^= known[0]
            mask ^= known[1]
        else:
            found.append(mask)
    return found
