"""Reading the two strings of a markprint back, as ``marks/markprint.py`` writes them; they may come from anybody."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from craftmark.errors import ReportError
from craftmark.marks.markprint import MIXED, VERSION, printed
from craftmark.packets.fields import ARP, FIELDS, ICMP, ICMP6, SCTP, TCP, UDP

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Nothing that is called a markprint is longer.
LONGEST: Final = 4096

_PROTOCOLS: Final = {"tcp": TCP, "udp": UDP, "icmp": ICMP, "icmp6": ICMP6, "sctp": SCTP, "arp": ARP, "mixed": MIXED}
_LETTERS: Final = frozenset("cpkftgr?u-")
_WORDS: Final = re.compile(r"[?-]|[A-Za-z0-9-]+(,[A-Za-z0-9-]+)*")
_FUNCTION: Final = re.compile(r"(?P<name>[a-z0-9_]+)\((?P<others>[a-z0-9_]+(?:,[a-z0-9_]+)*)\)")
_VALUE: Final = re.compile(r"(?P<name>[a-z0-9_]+)=(?P<value>0|[1-9][0-9]{0,9})")


@dataclass(frozen=True, slots=True)
class Print:
    """A markprint taken apart: a letter per field, the values, and what the user of a known tool set."""

    protocol: str
    letters: Mapping[str, str]
    layout: str
    orders: tuple[str, str]
    functions: Mapping[str, frozenset[str]]
    constants: Mapping[str, int]
    user_set: frozenset[str]

    def shown(self, name: str) -> str:
        """Return what the print says of a field: its constant, the fields that give it, or its letter."""
        if name in self.constants:
            return str(self.constants[name])
        if name in self.functions:
            return f"f({','.join(sorted(self.functions[name]))})"
        return self.letters[name]


def read(structure: str, values: str) -> Print:
    """Return a markprint taken apart; raises ReportError, which says what is wrong, for anything else."""
    if max(len(structure), len(values)) > LONGEST:
        raise ReportError(f"not a markprint: longer than {LONGEST:,} characters")
    version, *parts = structure.split(":")
    if version != VERSION or len(parts) != 5:
        raise ReportError(f"markprint {structure[:40]!a} is not of version {VERSION}: examine the capture again")
    protocol, letters, layout, orders, functions = parts
    names = printed(_protocol(protocol))
    if len(letters) != len(names) or not set(letters) <= _LETTERS:
        raise ReportError(f"not a markprint: {letters[:40]!a} are not the {len(names)} letters of {protocol}")
    pair = tuple(orders.split(","))
    if len(pair) != 2 or not all(_WORDS.fullmatch(word) for word in (layout, *pair)):
        raise ReportError("not a markprint: its option layout or its orders cannot be read")
    constants, user_set = _values(values)
    return Print(
        protocol=protocol,
        letters=dict(zip(names, letters, strict=True)),
        layout=layout,
        orders=(pair[0], pair[1]),
        functions=_functions(functions, {name for name, letter in zip(names, letters, strict=True) if letter == "f"}),
        constants=constants,
        user_set=user_set,
    )


def _protocol(name: str) -> int:
    if name in _PROTOCOLS:
        return _PROTOCOLS[name]
    if name.isascii() and name.isdigit() and len(name) <= 3:
        return int(name)
    raise ReportError(f"not a markprint: {name[:40]!a} is no protocol")


def _functions(text: str, given: set[str]) -> dict[str, frozenset[str]]:
    found = {}
    for part in text.split("+") if text != "-" else ():
        one = _FUNCTION.fullmatch(part)
        if one is None:
            raise ReportError(f"not a markprint: {part[:40]!a} is no function")
        found[one["name"]] = frozenset(one["others"].split(","))
    if set(found) != given:
        raise ReportError("not a markprint: its letters f and its functions differ")
    return found


def _values(text: str) -> tuple[dict[str, int], frozenset[str]]:
    own, _, chosen = text.partition(";")
    constants = {}
    for part in (*own.split(","), *chosen.split(",")):
        one = _VALUE.fullmatch(part)
        if one is not None and one["name"] in FIELDS:
            constants[one["name"]] = int(one["value"])
        elif part and (part in own.split(",") or part not in FIELDS):
            raise ReportError(f"not a markprint: {part[:40]!a} is no value of a field")
    return constants, frozenset(part.partition("=")[0] for part in chosen.split(",") if part)
