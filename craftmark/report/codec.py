"""From the document's dataclasses to JSON and back, driven by their type hints alone.

Both directions check every value against its hint and name the path of the first fault (``scans[0].maker.kind``), so
neither a wrong builder nor a hostile file gets further; integers are those of 64 bits. The text is pure ASCII: what a
packet or a file name carries can neither break the encoding nor reach a terminal.
"""

from __future__ import annotations

import json
import math
import operator
import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, Literal, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

from craftmark.errors import ReportError

Document = TypeVar("Document")


class Member(NamedTuple):
    """One attribute of a document class: its name in Python, its key in JSON, its type.

    ``added``: it has a default, which reports of a version before it was added are read with.
    """

    attribute: str
    key: str
    hint: Any
    added: bool


@cache
def members(kind: type) -> tuple[Member, ...]:
    """Return the members of a document class, in order."""
    hints = get_type_hints(kind, localns={"Mapping": Mapping})
    return tuple(
        Member(field.name, field.name.rstrip("_"), hints[field.name], field.default is not MISSING)
        for field in fields(kind)
    )


def write_json(value: Any, *, indent: int | None = None) -> str:
    """Return a document object as JSON text. Raises ReportError on a value that its type does not allow."""
    tree = encode(value, type(value), "report")
    separators = (",", ": ") if indent else (",", ":")
    text = json.dumps(tree, allow_nan=False, indent=indent, separators=separators)
    return text.replace("\x7f", "\\u007f")


def read_json(text: str | bytes, kind: type[Document], *, schema: str) -> Document:
    """Return the document in a JSON text. Raises ReportError, with the path, if it is not one of this schema."""
    try:
        tree = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_unique_keys)
    except RecursionError as fault:
        msg = "not a report: nested too deep"
        raise ReportError(msg) from fault
    except UnicodeDecodeError as fault:
        msg = f"not a report: not UTF-8 text, at byte {fault.start}"
        raise ReportError(msg) from fault
    except json.JSONDecodeError as fault:
        msg = f"not a report: {fault.msg}, at line {fault.lineno} column {fault.colno}"
        raise ReportError(msg) from fault
    if not isinstance(tree, dict):
        msg = "not a report: the text holds no JSON object"
        raise ReportError(msg)
    if tree.get("schema") != schema:
        msg = f"report.schema: {_brief(tree.get('schema'))} is not {schema!r}, the one schema this version reads"
        raise ReportError(msg)
    document: Document = _decode_object(tree, kind, "report")
    return document


def encode(value: Any, hint: Any, path: str) -> Any:
    """Return a value of a type as JSON's own objects. Raises ReportError where it is not of that type."""
    if is_dataclass(hint):
        _check(type(value) is hint, path, value, hint)
        return {m.key: encode(getattr(value, m.attribute), m.hint, f"{path}.{m.key}") for m in members(_class(hint))}
    origin = get_origin(hint)
    if origin is tuple:
        _check(isinstance(value, (tuple, list)), path, value, hint)
        inner = get_args(hint)[0]
        return [encode(item, inner, f"{path}[{place}]") for place, item in enumerate(value)]
    if origin is Mapping:
        _check(isinstance(value, Mapping), path, value, hint)
        inner = get_args(hint)[1]
        return {str(key): encode(value[key], inner, f"{path}.{key}") for key in sorted(value)}
    if origin in (Union, types.UnionType):
        return encode(value, _branch(value, hint, path), path)
    return _scalar(value, hint, path)


def decode(tree: Any, hint: Any, path: str) -> Any:
    """Return JSON's own objects as a value of a type. Raises ReportError where they do not fit it."""
    if is_dataclass(hint):
        return _decode_object(tree, _class(hint), path)
    origin = get_origin(hint)
    if origin is tuple:
        _check(isinstance(tree, list), path, tree, hint)
        inner = get_args(hint)[0]
        return tuple(decode(item, inner, f"{path}[{place}]") for place, item in enumerate(tree))
    if origin is Mapping:
        _check(isinstance(tree, dict), path, tree, hint)
        inner = get_args(hint)[1]
        return {key: decode(item, inner, f"{path}.{key}") for key, item in tree.items()}
    if origin in (Union, types.UnionType):
        return decode(tree, _branch(tree, hint, path), path)
    return _scalar(tree, hint, path)


def type_name(hint: Any) -> str:
    """Return a type as messages and the reference spell it."""
    if is_dataclass(hint):
        return _class(hint).__name__
    origin = get_origin(hint)
    if origin is Literal:
        return "one of " + ", ".join(f'"{word}"' for word in get_args(hint))
    if origin is tuple:
        return f"list of {type_name(get_args(hint)[0])}"
    if origin is Mapping:
        return f"object of {type_name(get_args(hint)[1])}"
    if origin in (Union, types.UnionType):
        return " or ".join(type_name(inner) for inner in get_args(hint))
    return {int: "integer", float: "number", str: "text", bool: "true or false"}.get(hint, "null")


def _decode_object(tree: Any, kind: type, path: str) -> Any:
    _check(isinstance(tree, dict), path, tree, kind)
    known = members(kind)
    extra = sorted(set(tree) - {member.key for member in known})
    if extra:
        msg = f"{path}: unknown key {_brief(extra[0])}"
        raise ReportError(msg)
    for member in known:
        if member.key not in tree and not member.added:
            msg = f"{path}: the key {member.key!r} is missing"
            raise ReportError(msg)
    there = (member for member in known if member.key in tree)
    return kind(**{member.attribute: decode(tree[member.key], member.hint, f"{path}.{member.key}") for member in there})


def _branch(value: Any, hint: Any, path: str) -> Any:
    """Return the branch of a union that a value belongs to: of a number, the narrowest that fits."""
    for inner in get_args(hint):
        if _belongs(value, inner):
            return inner
    raise ReportError(_mismatch(path, value, hint))


def _belongs(value: Any, hint: Any) -> bool:
    if hint is type(None) or value is None:
        return hint is type(None) and value is None
    if is_dataclass(hint):
        return isinstance(value, (dict, _class(hint)))
    origin = get_origin(hint)
    if origin is Literal:
        return value in get_args(hint)
    if origin is tuple:
        return isinstance(value, (tuple, list))
    if hint is int:
        return _is_integer(value)
    if hint is float:
        return isinstance(value, float) or _is_integer(value)
    return isinstance(value, hint)


def _scalar(value: Any, hint: Any, path: str) -> Any:
    """Return a leaf exactly as JSON has it: numbers of other libraries become Python's own."""
    if get_origin(hint) is Literal:
        _check(isinstance(value, str) and value in get_args(hint), path, value, hint)
        return value
    if hint is int:
        _check(_is_integer(value) and -(2**63) <= value < 2**64, path, value, hint)
        return operator.index(value)
    if hint is float:
        _check(_belongs(value, float), path, value, hint)
        if not math.isfinite(value):
            msg = f"{path}: {value} is not a number that a report can hold"
            raise ReportError(msg)
        return float(value)
    expected = hint if isinstance(hint, type) else type(None)
    _check(isinstance(value, expected), path, value, hint)
    return value


def _is_integer(value: Any) -> bool:
    return not isinstance(value, bool) and hasattr(value, "__index__") and not hasattr(value, "__len__")


def _class(hint: Any) -> type:
    if not isinstance(hint, type):
        raise TypeError(hint)
    return hint


def _check(holds: bool, path: str, value: Any, hint: Any) -> None:  # noqa: FBT001 - an assertion reads so
    if not holds:
        raise ReportError(_mismatch(path, value, hint))


def _mismatch(path: str, value: Any, hint: Any) -> str:
    return f"{path}: {_brief(value)} is not {type_name(hint)}"


def _brief(value: Any) -> str:
    text = ascii(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _refuse_constant(word: str) -> Any:
    msg = f"not a report: {word} is not a JSON number"
    raise ReportError(msg)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    tree = dict(pairs)
    if len(tree) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        msg = f"not a report: the key {_brief(twice)} stands twice in one object"
        raise ReportError(msg)
    return tree
