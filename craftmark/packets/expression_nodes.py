"""The parts an expression is made of: numbers, fields, functions, arithmetic, comparisons, truth.

A node evaluates itself over all packets of a batch at once. Arithmetic is modulo 2**32 on unsigned words. Truth has
three values, kept as two arrays (certainly true, certainly false): a comparison over a field that a packet lacks, or
that the input cannot show, is neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from numpy.typing import NDArray

from craftmark.packets.batch import address_text
from craftmark.packets.fields import FIELDS, LINK_SRC, OUTER_FIELDS, PROTOCOL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from craftmark.packets.batch import PacketBatch, Words

Truth = NDArray[np.bool_]

#: How tightly each operator binds, as in Python; a higher number binds tighter.
PRECEDENCE: Final = {
    "or": 1, "and": 2, "not": 3, "==": 4, "!=": 4, "<": 4, "<=": 4, ">": 4, ">=": 4, "in": 4,
    "|": 5, "^": 6, "&": 7, "<<": 8, ">>": 8, "+": 9, "-": 9, "*": 10, "%": 10, "~": 11,
}  # fmt: skip
ATOM: Final = 12

#: Numbers from here on are printed in hexadecimal.
HEX_FROM: Final = 1 << 16


def field_seen(name: str, batch: PacketBatch) -> Truth:
    """Tell per packet whether it has the field of this name and shows it."""
    if name in OUTER_FIELDS:
        return batch.present(name)
    field = FIELDS[name]
    if field.word == LINK_SRC:
        given: Truth = batch.words[:, LINK_SRC] != 0
        return given
    seen = batch.present(name)
    return seen if field.protocol is None else seen & (batch.words[:, PROTOCOL] == field.protocol)


def fields_below(node: Node) -> Iterator[str]:
    """Yield the names of the fields in a node, each as often as it stands there, left to right."""
    if isinstance(node, FieldValue):
        yield node.name
    for part in node.parts():
        yield from fields_below(part)


def _wrapped(part: Node, floor: int) -> str:
    return str(part) if part.binding >= floor else f"({part})"


@dataclass(frozen=True, slots=True)
class Number:
    """A constant; ``dotted`` where it was written as an address."""

    value: int
    dotted: bool = False
    binding = ATOM

    def parts(self) -> tuple[Node, ...]:
        """Return nothing: a number has no parts."""
        return ()

    def evaluate(self, _batch: PacketBatch) -> Words:
        """Return one word for all packets."""
        return np.array([self.value], np.uint32)

    def __str__(self) -> str:
        if self.dotted:
            return address_text(4, self.value, (0, 0, 0))
        return f"0x{self.value:X}" if self.value >= HEX_FROM else str(self.value)


@dataclass(frozen=True, slots=True)
class FieldValue:
    """A header field by its name; of an IPv6 address the low 32 bits."""

    name: str
    binding = ATOM

    def parts(self) -> tuple[Node, ...]:
        """Return nothing: a field has no parts."""
        return ()

    def evaluate(self, batch: PacketBatch) -> Words:
        """Return the field's column."""
        return batch.column(self.name)

    def __str__(self) -> str:
        return self.name


def _swap16(x: Words) -> Words:
    return (x & np.uint32(0xFF)) << np.uint32(8) | (x >> np.uint32(8)) & np.uint32(0xFF)


def _low(bits: int) -> Callable[[Words], Words]:
    return lambda x: x & np.uint32((1 << bits) - 1)


#: name: (meaning, body)
FUNCTIONS: Final[dict[str, tuple[str, Callable[[Words], Words]]]] = {
    "low8": ("the 8 lowest bits", _low(8)),
    "low15": ("the 15 lowest bits", _low(15)),
    "low16": ("the 16 lowest bits", _low(16)),
    "low24": ("the 24 lowest bits", _low(24)),
    "low31": ("the 31 lowest bits", _low(31)),
    "high8": ("the 8 highest of 32 bits, moved down", lambda x: x >> np.uint32(24)),
    "high16": ("the 16 highest of 32 bits, moved down", lambda x: x >> np.uint32(16)),
    "swap16": ("the two lowest bytes in the other order", _swap16),
    "swap32": ("the four bytes in the other order", lambda x: x.astype(np.uint32).byteswap()),
}


@dataclass(frozen=True, slots=True)
class Call:
    """A function of FUNCTIONS over one value."""

    function: str
    inner: Value
    binding = ATOM

    def parts(self) -> tuple[Node, ...]:
        """Return the argument."""
        return (self.inner,)

    def evaluate(self, batch: PacketBatch) -> Words:
        """Return the function's value in each packet."""
        return FUNCTIONS[self.function][1](self.inner.evaluate(batch))

    def __str__(self) -> str:
        return f"{self.function}({self.inner})"


@dataclass(frozen=True, slots=True)
class Unary:
    """Complement ``~x``, or ``-x`` modulo 2**32."""

    operator: Literal["~", "-"]
    inner: Value
    binding = PRECEDENCE["~"]

    def parts(self) -> tuple[Node, ...]:
        """Return the operand."""
        return (self.inner,)

    def evaluate(self, batch: PacketBatch) -> Words:
        """Return the value in each packet."""
        x = self.inner.evaluate(batch)
        return np.invert(x) if self.operator == "~" else np.invert(x) + np.uint32(1)

    def __str__(self) -> str:
        return f"{self.operator}{_wrapped(self.inner, self.binding)}"


def _shift_left(x: Words, k: Words) -> Words:
    return np.where(k < 32, x << (k & np.uint32(31)), np.uint32(0))


def _shift_right(x: Words, k: Words) -> Words:
    return np.where(k < 32, x >> (k & np.uint32(31)), np.uint32(0))


def _remainder(x: Words, m: Words) -> Words:
    return np.where(m == 0, x, x % np.maximum(m, np.uint32(1)))


_ARITHMETIC: Final[dict[str, Callable[[Words, Words], Words]]] = {
    "|": np.bitwise_or, "^": np.bitwise_xor, "&": np.bitwise_and, "<<": _shift_left, ">>": _shift_right,
    "+": np.add, "-": np.subtract, "*": np.multiply, "%": _remainder,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Binary:
    """Arithmetic on two values. A shift by 32 or more gives 0; ``x % 0`` is x (Knuth)."""

    operator: str
    left: Value
    right: Value

    @property
    def binding(self) -> int:
        """How tightly the operator binds."""
        return PRECEDENCE[self.operator]

    def parts(self) -> tuple[Node, ...]:
        """Return both operands."""
        return (self.left, self.right)

    def evaluate(self, batch: PacketBatch) -> Words:
        """Return the value in each packet."""
        return _ARITHMETIC[self.operator](self.left.evaluate(batch), self.right.evaluate(batch))

    def __str__(self) -> str:
        left, right = _wrapped(self.left, self.binding), _wrapped(self.right, self.binding + 1)
        return f"{left} {self.operator} {right}"


def _known(node: Node, batch: PacketBatch) -> Truth:
    known = np.ones(len(batch), np.bool_)
    for name in set(fields_below(node)):
        known &= field_seen(name, batch)
    return known


_COMPARISONS: Final[dict[str, Callable[[Words, Words], Truth]]] = {
    "==": np.equal, "!=": np.not_equal, "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two values compared as unsigned numbers."""

    operator: str
    left: Value
    right: Value
    binding = PRECEDENCE["=="]

    def parts(self) -> tuple[Node, ...]:
        """Return both sides."""
        return (self.left, self.right)

    def holds(self, batch: PacketBatch) -> Truth:
        """Return the truth with no regard to what is seen."""
        return _COMPARISONS[self.operator](self.left.evaluate(batch), self.right.evaluate(batch))

    def truth(self, batch: PacketBatch) -> tuple[Truth, Truth]:
        """Return in which packets it is certainly true, and in which certainly false."""
        known, holds = _known(self, batch), self.holds(batch)
        return known & holds, known & ~holds

    def __str__(self) -> str:
        floor = self.binding + 1
        return f"{_wrapped(self.left, floor)} {self.operator} {_wrapped(self.right, floor)}"


@dataclass(frozen=True, slots=True)
class Membership:
    """A value inside an IPv4 network in CIDR notation; addresses of IPv6 packets are in none."""

    inner: Value
    network: int
    prefix: int
    binding = PRECEDENCE["in"]

    def parts(self) -> tuple[Node, ...]:
        """Return the value asked about."""
        return (self.inner,)

    def holds(self, batch: PacketBatch) -> Truth:
        """Return the truth with no regard to what is seen."""
        mask = np.uint32((0xFFFFFFFF << (32 - self.prefix)) & 0xFFFFFFFF)
        inside: Truth = (self.inner.evaluate(batch) & mask) == np.uint32(self.network)
        is_outer = not OUTER_FIELDS.keys().isdisjoint(fields_below(self))
        is_v4: Truth = batch.column("outer_ip_version" if is_outer else "ip_version") != 6
        return inside & is_v4

    def truth(self, batch: PacketBatch) -> tuple[Truth, Truth]:
        """Return in which packets it is certainly true, and in which certainly false."""
        known, holds = _known(self, batch), self.holds(batch)
        return known & holds, known & ~holds

    def __str__(self) -> str:
        network = address_text(4, self.network, (0, 0, 0))
        return f"{_wrapped(self.inner, self.binding + 1)} in {network}/{self.prefix}"


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite of a truth."""

    inner: Predicate
    binding = PRECEDENCE["not"]

    def parts(self) -> tuple[Node, ...]:
        """Return the truth negated."""
        return (self.inner,)

    def holds(self, batch: PacketBatch) -> Truth:
        """Return the truth with no regard to what is seen."""
        return ~self.inner.holds(batch)

    def truth(self, batch: PacketBatch) -> tuple[Truth, Truth]:
        """Return in which packets it is certainly true, and in which certainly false."""
        true, false = self.inner.truth(batch)
        return false, true

    def __str__(self) -> str:
        return f"not {_wrapped(self.inner, self.binding)}"


@dataclass(frozen=True, slots=True)
class Junction:
    """Two truths joined by ``and`` or ``or``."""

    operator: Literal["and", "or"]
    left: Predicate
    right: Predicate

    @property
    def binding(self) -> int:
        """How tightly the operator binds."""
        return PRECEDENCE[self.operator]

    def parts(self) -> tuple[Node, ...]:
        """Return both sides."""
        return (self.left, self.right)

    def holds(self, batch: PacketBatch) -> Truth:
        """Return the truth with no regard to what is seen."""
        left, right = self.left.holds(batch), self.right.holds(batch)
        return left & right if self.operator == "and" else left | right

    def truth(self, batch: PacketBatch) -> tuple[Truth, Truth]:
        """Return in which packets it is certainly true, and in which certainly false."""
        (left, not_left), (right, not_right) = self.left.truth(batch), self.right.truth(batch)
        if self.operator == "and":
            return left & right, not_left | not_right
        return left | right, not_left & not_right

    def __str__(self) -> str:
        left, right = _wrapped(self.left, self.binding), _wrapped(self.right, self.binding + 1)
        return f"{left} {self.operator} {right}"


#: A node whose value is a number, one whose value is a truth, and either.
Value = Number | FieldValue | Call | Unary | Binary
Predicate = Comparison | Membership | Not | Junction
Node = Value | Predicate
