"""Expressions by definition: Python's own parser, plain integers, one packet at a time."""

from __future__ import annotations

import ast
import ipaddress
import operator
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MODULUS = 2**32
CONTROL_BITS = {"FIN": 1, "SYN": 2, "RST": 4, "PSH": 8, "ACK": 16, "URG": 32, "ECE": 64, "CWR": 128}
CALLS: dict[str, Callable[[int], int]] = {
    "low8": lambda x: x % 2**8,
    "low15": lambda x: x % 2**15,
    "low16": lambda x: x % 2**16,
    "low24": lambda x: x % 2**24,
    "low31": lambda x: x % 2**31,
    "high8": lambda x: x // 2**24,
    "high16": lambda x: x // 2**16,
    "swap16": lambda x: int.from_bytes((x % 2**16).to_bytes(2, "big"), "little"),
    "swap32": lambda x: int.from_bytes(x.to_bytes(4, "big"), "little"),
}
BINARY: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
    ast.BitAnd: operator.and_,
    ast.LShift: lambda x, k: x << k if k < 32 else 0,
    ast.RShift: lambda x, k: x >> k if k < 32 else 0,
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Mod: lambda x, m: x % m if m else x,
}
COMPARE: dict[type[ast.cmpop], Callable[[int, int], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def evaluate(text: str, row: Mapping[str, int | None]) -> int | bool | None:
    """Return the expression's value for one packet; a field that maps to None is not seen, and so may be the value."""
    return _evaluate(ast.parse(_python(text), mode="eval").body, row)


def _python(text: str) -> str:
    text = re.sub(r"(\d+\.\d+\.\d+\.\d+)/(\d+)", lambda m: f"NET_{m[1].replace('.', '_')}_{m[2]}", text)
    return re.sub(r"\d+\.\d+\.\d+\.\d+", lambda m: str(int(ipaddress.IPv4Address(m[0]))), text)


def _evaluate(node: ast.expr, row: Mapping[str, int | None]) -> int | bool | None:
    if isinstance(node, ast.BoolOp):
        parts = [_evaluate(value, row) for value in node.values]
        decisive = isinstance(node.op, ast.Or)
        return decisive if decisive in parts else None if None in parts else not decisive
    if isinstance(node, ast.UnaryOp):
        inner = _evaluate(node.operand, row)
        if inner is None:
            return None
        return (
            (not inner)
            if isinstance(node.op, ast.Not)
            else (-inner if isinstance(node.op, ast.USub) else ~inner) % MODULUS
        )
    if isinstance(node, ast.Constant):
        return int(node.value)  # type: ignore[arg-type]
    if isinstance(node, ast.Name):
        return row[node.id] if node.id in row else CONTROL_BITS[node.id]
    if isinstance(node, ast.Call):
        inner = _evaluate(node.args[0], row)
        return None if inner is None else CALLS[node.func.id](inner)  # type: ignore[attr-defined]
    if isinstance(node, ast.BinOp):
        left, right = _evaluate(node.left, row), _evaluate(node.right, row)
        return None if left is None or right is None else BINARY[type(node.op)](left, right) % MODULUS
    if isinstance(node, ast.Compare):
        return _compare(node, row)
    raise AssertionError(ast.dump(node))


def _compare(node: ast.Compare, row: Mapping[str, int | None]) -> bool | None:
    left, right = _evaluate(node.left, row), node.comparators[0]
    if left is None:
        return None
    if isinstance(right, ast.Name) and right.id.startswith("NET_"):
        *octets, prefix = right.id.split("_")[1:]
        network = ipaddress.IPv4Network(f"{'.'.join(octets)}/{prefix}")
        return (ipaddress.IPv4Address(left) in network) == isinstance(node.ops[0], ast.In)
    other = _evaluate(right, row)
    return None if other is None else COMPARE[type(node.ops[0])](left, other)
