"""What an expression says over GF(2): each bit of its value as the xor of header bits.

Two expressions that say the same differ in their text (``low16(a ^ b) == c``, ``c ^ low16(a) == low16(b)``); their
linear forms span the same. A sum is linear where its parts cannot both have a bit: ``(dport << 16) + sport``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from craftmark.packets.expression_nodes import Binary, Call, Comparison, FieldValue, Number, Unary
from craftmark.packets.fields import FIELDS

if TYPE_CHECKING:
    from craftmark.packets.expression_nodes import Node
    from craftmark.packets.expressions import Expression

_BITS: Final = 32
_ALL: Final = 0xFFFFFFFF
_ORDERS: Final = {
    "high8": [*range(24, 32)], "high16": [*range(16, 32)], "swap16": [*range(8, 16), *range(8)],
    "swap32": [place ^ 24 for place in range(32)], "low8": [*range(8)], "low15": [*range(15)],
    "low16": [*range(16)], "low24": [*range(24)], "low31": [*range(31)],
}  # fmt: skip


def header_bit(name: str, place: int) -> int:
    """Return the number of one bit of a field among all header bits; bit 0 is the field's lowest."""
    return FIELDS[name].word * _BITS + place


@dataclass(frozen=True, slots=True)
class LinearForm:
    """32 bits of a value, the lowest first: ``rows[i]`` has a bit for each header bit in the xor; plus a constant."""

    rows: tuple[int, ...]
    constant: int

    @property
    def support(self) -> int:
        """The bits that can be 1 at all."""
        return self.constant | sum(1 << place for place, row in enumerate(self.rows) if row)

    def picked(self, places: list[int]) -> LinearForm:
        """Return the form whose bit i is bit ``places[i]`` of this one (-1: always 0)."""
        rows = [self.rows[place] if place >= 0 else 0 for place in places]
        constant = sum((self.constant >> place & 1) << i for i, place in enumerate(places) if place >= 0)
        return LinearForm((*rows, *[0] * (_BITS - len(rows))), constant)

    def plus(self, other: LinearForm) -> LinearForm:
        """Return the xor of both."""
        rows = tuple(a ^ b for a, b in zip(self.rows, other.rows, strict=True))
        return LinearForm(rows, self.constant ^ other.constant)


def linear_form(expression: Expression) -> LinearForm | None:
    """Return the linear form of a value, of an equation the xor of both sides; None where it is not linear."""
    return _form(expression.root)


def _form(node: Node) -> LinearForm | None:
    if isinstance(node, Number):
        return LinearForm((0,) * _BITS, node.value)
    if isinstance(node, FieldValue):
        bits = FIELDS[node.name].bits
        return LinearForm(tuple(1 << header_bit(node.name, i) if i < bits else 0 for i in range(_BITS)), 0)
    if isinstance(node, Call):
        inner = _form(node.inner)
        return None if inner is None else inner.picked(_ORDERS[node.function])
    if isinstance(node, Unary) and node.operator == "~":
        inner = _form(node.inner)
        return None if inner is None else LinearForm(inner.rows, inner.constant ^ _ALL)
    if isinstance(node, Binary) or (isinstance(node, Comparison) and node.operator == "=="):
        left, right = _form(node.left), _form(node.right)
        return None if left is None or right is None else _joined(node.operator, left, right)
    return None


def _joined(operator: str, left: LinearForm, right: LinearForm) -> LinearForm | None:
    if operator in ("^", "=="):
        return left.plus(right)
    if operator in ("+", "|"):
        return left.plus(right) if not left.support & right.support else None
    if any(right.rows):
        return None
    amount = right.constant
    if operator == "&":
        return left.picked([place if amount >> place & 1 else -1 for place in range(_BITS)])
    if operator in ("<<", ">>"):
        return left.picked(_shifted(-amount if operator == "<<" else amount))
    if operator in ("*", "%") and amount and not amount & (amount - 1):
        exponent = amount.bit_length() - 1
        return left.picked(_shifted(-exponent) if operator == "*" else [*range(exponent)])
    return None


def _shifted(amount: int) -> list[int]:
    return [place if 0 <= (place := i + amount) < _BITS else -1 for i in range(_BITS)]
