"""One grammar for relations between header fields and for choosing packets.

Rules, marks, reports and ``--where`` speak it: ``ip_id == low16(ip_dst ^ tcp_seq) ^ tcp_dport``,
``tcp_flags & SYN != 0 and ip_dst in 10.0.0.0/8``. Operators bind as in Python. Fields have the names of
packets/fields.py, outer headers' too (``outer_ip_ttl``); control bits (``SYN``), decimal and hexadecimal numbers and
dotted addresses are numbers; arithmetic is modulo 2**32. ``... if tcp_dport == 53`` behind a relation says of which
packets it is meant. Text is hostile: it is read by a parser with limits on length,
size and depth, and never executed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from craftmark.errors import ExpressionError
from craftmark.packets.expression_nodes import (
    FUNCTIONS,
    PRECEDENCE,
    Binary,
    Call,
    Comparison,
    FieldValue,
    Junction,
    Membership,
    Not,
    Number,
    Predicate,
    Unary,
    Value,
    field_seen,
    fields_below,
)
from craftmark.packets.fields import CONTROL_BITS, FIELDS, OUTER_FIELDS

if TYPE_CHECKING:
    from craftmark.packets.batch import PacketBatch, Words
    from craftmark.packets.expression_nodes import Truth

#: Limits on what is read: characters, nodes, and nested operators, parentheses or functions.
MAX_CHARACTERS: Final = 1000
MAX_NODES: Final = 200
MAX_DEPTH: Final = 64

_TOKEN = re.compile(
    r"(?P<space>[ \t\r\n]+)"
    r"|(?P<address>[0-9]+\.[0-9.]+(?:/[0-9]+)?)"
    r"|(?P<number>0[xX][0-9a-fA-F]+|[0-9]+)(?![A-Za-z0-9_.:])"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<sign><<|>>|==|!=|<=|>=|[-+*%^&|~()<>])"
)
_COMPARING = ("==", "!=", "<", "<=", ">", ">=")


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression. Equal expressions have equal text; ``parse(str(e)) == e``.

    condition: the packets it is about, None for all. Of others it says nothing: they count as not seen.
    """

    root: Value | Predicate
    condition: Predicate | None = None

    @property
    def is_predicate(self) -> bool:
        """Tell whether the expression says something true or false, not a number."""
        return isinstance(self.root, Predicate)

    @property
    def is_equation(self) -> bool:
        """Tell whether the expression is one ``==`` between two values."""
        return isinstance(self.root, Comparison) and self.root.operator == "=="

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the fields used, in the order in which they first stand there."""
        below = () if self.condition is None else fields_below(self.condition)
        return tuple(dict.fromkeys((*fields_below(self.root), *below)))

    def evaluate(self, batch: PacketBatch) -> Words | Truth:
        """Return per packet the number (uint32) or the truth (bool), with no regard to what is seen."""
        root = self.root
        if isinstance(root, Predicate):
            return np.broadcast_to(root.holds(batch), (len(batch),))
        return np.broadcast_to(root.evaluate(batch), (len(batch),))

    def seen(self, batch: PacketBatch) -> Truth:
        """Tell per packet whether it has all fields used, shows them, and is one that the expression is about."""
        seen = np.ones(len(batch), np.bool_)
        for name in self.fields:
            seen &= field_seen(name, batch)
        return seen if self.condition is None else seen & self.condition.holds(batch)

    def select(self, batch: PacketBatch) -> Truth:
        """Tell per packet whether the predicate is certainly true; comparisons over unseen fields are not.

        ``tcp_dport == 80 or udp_dport == 53`` is true of a UDP packet to port 53 although it has no TCP port.
        """
        if not isinstance(self.root, Predicate):
            msg = f"{self} is a number, not a predicate"
            raise TypeError(msg)
        found = np.broadcast_to(self.root.truth(batch)[0], (len(batch),))
        return found if self.condition is None else found & self.condition.truth(batch)[0]

    def __str__(self) -> str:
        return str(self.root) if self.condition is None else f"{self.root} if {self.condition}"


@lru_cache(maxsize=1024)
def parse(text: str, *, outer: bool = False) -> Expression:
    """Read an expression; raises ExpressionError with the column of what is wrong.

    outer: it may name fields of outer headers, which batches have and samples do not.
    """
    if len(text) > MAX_CHARACTERS:
        raise ExpressionError(f"longer than {MAX_CHARACTERS} characters", text=text[:40], column=0)
    reader = _Reader(text, _tokens(text), outer=outer)
    root, condition = reader.operators(0), None
    if reader.token.text == "if":
        condition = reader.condition()
    if reader.token.text:
        raise reader.fault(f"{reader.token.text!r} is not expected here")
    expression = Expression(root, condition)
    if not expression.fields:
        raise ExpressionError("it names no field", text=text, column=0)
    return expression


class _Token(NamedTuple):
    kind: str
    text: str
    column: int


def _tokens(text: str) -> list[_Token]:
    tokens, place = [], 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise ExpressionError(f"{text[place]!r} cannot be read", text=text, column=place)
        if match.lastgroup != "space":
            tokens.append(_Token(str(match.lastgroup), match.group(), place))
        place = match.end()
    return [*tokens, _Token("end", "", place)]


class _Reader:
    """Precedence climbing over the tokens of one text."""

    def __init__(self, text: str, tokens: list[_Token], *, outer: bool) -> None:
        self.text = text
        self.outer = outer
        self.tokens = tokens
        self.place = 0
        self.nodes = 0
        self.depth = 0

    @property
    def token(self) -> _Token:
        return self.tokens[self.place]

    def fault(self, what: str, token: _Token | None = None) -> ExpressionError:
        """Return the error to raise at a token, by default the current one."""
        return ExpressionError(what, text=self.text, column=(token or self.token).column)

    def take(self) -> _Token:
        """Return the current token and step over it."""
        token = self.token
        self.place += 1
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise self.fault(f"more than {MAX_NODES} parts", token)
        return token

    def expect(self, sign: str) -> None:
        """Step over a sign that must stand here."""
        if self.token.text != sign:
            raise self.fault(f"{sign!r} expected" + (f", found {self.token.text!r}" if self.token.text else ""))
        self.take()

    def condition(self) -> Predicate:
        """Read what follows ``if``: something true or false."""
        token = self.take()
        found = self.operators(0)
        if not isinstance(found, Predicate):
            raise self.fault(f"{found} is a number; 'if' wants something true or false", token)
        return found

    def operators(self, floor: int) -> Value | Predicate:
        """Read an operand and all operators after it that bind at least as tightly as ``floor``."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.fault(f"nested deeper than {MAX_DEPTH} levels")
        left = self.operand()
        while (binding := self._infix()) >= max(floor, 1):
            left = self._joined(left, binding)
        self.depth -= 1
        return left

    def _infix(self) -> int:
        sign = self.token.text
        if sign == "not" and self.tokens[min(self.place + 1, len(self.tokens) - 1)].text == "in":
            return PRECEDENCE["in"]
        return 0 if sign in ("not", "~") else PRECEDENCE.get(sign, 0)

    def _joined(self, left: Value | Predicate, binding: int) -> Value | Predicate:
        token = self.take()
        sign = token.text
        if sign in ("in", "not"):
            if sign == "not":
                self.expect("in")
            inside = self._membership(self._number(left, token))
            return Not(inside) if sign == "not" else inside
        right = self.operators(binding + 1)
        if sign in ("and", "or"):
            return Junction("and" if sign == "and" else "or", self._truth(left, token), self._truth(right, token))
        values = self._number(left, token), self._number(right, token)
        return Comparison(sign, *values) if sign in _COMPARING else Binary(sign, *values)

    def _membership(self, inner: Value) -> Membership:
        token = self.take()
        if token.kind != "address":
            raise self.fault("an IPv4 network such as 10.0.0.0/8 expected after 'in'", token)
        network = self._network(token)
        return Membership(inner, int(network.network_address), network.prefixlen)

    def operand(self) -> Value | Predicate:
        """Read one operand, with the prefix operators in front of it."""
        token = self.take()
        if token.text == "not":
            return Not(self._truth(self.operators(PRECEDENCE["not"]), token))
        if token.text in ("~", "-"):
            inner = self._number(self.operators(PRECEDENCE["~"]), token)
            return Unary("~" if token.text == "~" else "-", inner)
        if token.text == "(":
            inside = self.operators(0)
            self.expect(")")
            return inside
        return self._atom(token)

    def _atom(self, token: _Token) -> Value:
        if token.kind == "number":
            return Number(self._integer(token))
        if token.kind == "address":
            if "/" in token.text:
                raise self.fault("a network stands only after 'in'", token)
            return Number(int(self._network(token).network_address), dotted=True)
        if token.text in FIELDS or (self.outer and token.text in OUTER_FIELDS):
            return FieldValue(token.text)
        if token.text in CONTROL_BITS:
            return Number(1 << CONTROL_BITS.index(token.text))
        if token.text in FUNCTIONS:
            self.expect("(")
            inner = self._number(self.operators(0), token)
            self.expect(")")
            return Call(token.text, inner)
        if not token.text:
            raise self.fault("the text ends where a value is expected", token)
        what = "is neither a field nor a function" if token.kind == "name" else "stands where a value is expected"
        raise self.fault(f"{token.text!r} {what}", token)

    def _integer(self, token: _Token) -> int:
        value = int(token.text, 16 if token.text[:2] in ("0x", "0X") else 10)
        if value > 0xFFFFFFFF:
            raise self.fault("a number above 0xFFFFFFFF", token)
        return value

    def _network(self, token: _Token) -> IPv4Network:
        try:
            return IPv4Network(token.text)
        except ValueError as fault:
            raise self.fault(str(fault), token) from fault

    def _number(self, node: Value | Predicate, token: _Token) -> Value:
        if isinstance(node, Predicate):
            raise self.fault(f"{token.text!r} needs a number, not {str(node)!r}", token)
        return node

    def _truth(self, node: Value | Predicate, token: _Token) -> Predicate:
        if not isinstance(node, Predicate):
            raise self.fault(f"{token.text!r} needs a comparison, not {str(node)!r}", token)
        return node
