"""What has been said already: a relation that follows from those told, or that says the same, is not told again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from craftmark.kernels.gf2 import Span
from craftmark.packets.linear import header_bit, linear_form

if TYPE_CHECKING:
    from collections.abc import Iterable

    from craftmark.evidence.dossier import Dossier
    from craftmark.packets.expressions import Expression


class Told:
    """The span of all xor relations told so far, modulo the bits that never change in this dossier.

    Of relations that are not linear the texts are kept, and which fields they tie together.
    """

    def __init__(self, dossier: Dossier) -> None:
        self.varying = 0
        for name, evidence in dossier.fields.items():
            if evidence.seen:
                self.varying |= (evidence.always_one ^ evidence.ever_one) << header_bit(name, 0)
        self.span = Span()
        self._texts: set[str] = set()
        self._tied: list[frozenset[str]] = []

    def adds(self, expression: Expression) -> bool:
        """Tell whether a relation says something new, and count it as told from now on."""
        form = linear_form(expression)
        if form is None:
            is_new = str(expression) not in self._texts
            self._texts.add(str(expression))
            self._tied.append(frozenset(expression.fields))
            return is_new
        return self.adds_rows(form.rows)

    def adds_rows(self, rows: Iterable[int]) -> bool:
        """Tell the same of a relation given by its bits: xor of header bits that are constant."""
        rest = [row & self.varying for row in rows]
        if self.span.holds(rest):
            return False
        self.span = self.span.with_vectors(rest)
        return True

    def follows(self, row: int) -> bool:
        """Tell whether a relation among bits follows from those told."""
        return self.span.reduced(row & self.varying) == 0

    def ties(self, names: frozenset[str]) -> bool:
        """Tell whether a relation that is not linear ties all these fields together: its low bits look linear."""
        return any(names <= tied for tied in self._tied)
