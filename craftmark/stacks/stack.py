"""What each stack was measured to answer, read from ``knowledge/stacks/*.toml``.

A file holds one state of a port (or one filter rule in front of it) per table ``[[states]]``; its ``tcp`` is a list of
``[pattern, answer]`` that is read like a packet filter: the first pattern that fits the control bits wins, and the last
one, ``*``, fits all. A pattern names bits that must be set (``+``) and clear (``-``) by their letters
F S R P A U E C: ``+S-FRA`` is SYN without FIN, RST and ACK.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Final, Literal, cast

from craftmark.errors import RuleError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.resources.abc import Traversable

PortState = Literal["open", "closed", "filtered"]

#: Letters of the control bits, lowest bit first, as Snort and nmap readers know them.
LETTERS: Final = "FSRPAUEC"
STATES: Final = ("open", "closed", "filtered")


@dataclass(frozen=True, slots=True)
class BitRule:
    """One line of a table over control bits: which bits must be set, which clear, and what follows."""

    must: int
    clear: int
    answer: str

    def fits(self, control_bits: int) -> bool:
        """Tell whether a segment with these control bits falls under the rule."""
        return control_bits & self.must == self.must and not control_bits & self.clear


@dataclass(frozen=True, slots=True)
class MeasuredState:
    """What one stack answers in one state; ``rule`` names the filter rule in front of it, "" where there is none."""

    state: PortState
    rule: str
    tcp: tuple[BitRule, ...]

    def answer(self, control_bits: int) -> str:
        """Return the answer to a TCP segment with these control bits."""
        return first_fit(self.tcp, control_bits)


@dataclass(frozen=True, slots=True)
class Stack:
    """One measured TCP/IP stack: its states, and where the measurement comes from."""

    id: str
    name: str
    version: str
    source: str
    states: tuple[MeasuredState, ...]


def first_fit(rules: Sequence[BitRule], control_bits: int) -> str:
    """Return the answer of the first rule that fits; tables end with a rule that fits everything."""
    return next(rule.answer for rule in rules if rule.fits(control_bits))


def read_pattern(text: str, *, path: str) -> tuple[int, int]:
    """Return the bits that must be set and those that must be clear; RuleError if the pattern cannot be read."""
    masks = {"+": 0, "-": 0}
    sign = ""
    for letter in text.replace(" ", "") if text != "*" else "":
        if letter in masks:
            sign = letter
        elif sign and letter in LETTERS:
            masks[sign] |= 1 << LETTERS.index(letter)
        else:
            raise RuleError(f"pattern {text!r}", path=path, remedy=f"write +S-FRA, with letters of {LETTERS}, or *")
    return masks["+"], masks["-"]


def read_rules(lines: object, *, path: str) -> tuple[BitRule, ...]:
    """Return a table over control bits; RuleError unless each line is [pattern, answer] and the last fits all."""
    if not isinstance(lines, list) or not lines or not all(_is_line(line) for line in lines):
        raise RuleError("a table over control bits is no list of [pattern, answer]", path=path)
    rules = tuple(BitRule(*read_pattern(pattern, path=path), answer) for pattern, answer in lines)
    if rules[-1].must or rules[-1].clear:
        raise RuleError("a table over control bits does not cover all 256", path=path, remedy='end it with ["*", ...]')
    return rules


def _is_line(line: object) -> bool:
    return isinstance(line, list) and len(line) == 2 and all(isinstance(part, str) for part in line)


def read_table(entry: Traversable) -> dict[str, object]:
    """Return a knowledge file's TOML; RuleError with the file's name if it cannot be read."""
    try:
        return tomllib.loads(entry.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as fault:
        raise RuleError(str(fault), path=entry.name) from fault


def knowledge_files(folder: str) -> list[Traversable]:
    """Return the TOML files of one folder of ``knowledge/``, by name."""
    found = resources.files("craftmark").joinpath("knowledge").joinpath(folder)
    return sorted((entry for entry in found.iterdir() if entry.name.endswith(".toml")), key=lambda entry: entry.name)


def text_of(table: dict[str, object], key: str, *, path: str) -> str:
    """Return a text of a knowledge file; RuleError where it is missing or of another type."""
    value = table.get(key)
    if not isinstance(value, str):
        raise RuleError(f"{key!r} is missing or no text", path=path)
    return value


def tables_of(table: dict[str, object], key: str, *, path: str) -> list[dict[str, object]]:
    """Return an array of tables of a knowledge file; RuleError where it is missing or something else."""
    value = table.get(key)
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise RuleError(f"{key!r} is missing or no array of tables", path=path, remedy=f"write [[{key}]]")
    return value


def read_stack(entry: Traversable) -> Stack:
    """Return one stack of ``knowledge/stacks``; RuleError says what is wrong with the file."""
    path, table = entry.name, read_table(entry)
    states = tuple(_read_state(state, path=path) for state in tables_of(table, "states", path=path))
    id_, name, version, source = (text_of(table, key, path=path) for key in ("id", "name", "version", "source"))
    return Stack(id=id_, name=name, version=version, source=source, states=states)


def _read_state(table: dict[str, object], *, path: str) -> MeasuredState:
    state = text_of(table, "state", path=path)
    if state not in STATES:
        raise RuleError(f"state {state!r}", path=path, remedy=f"one of {', '.join(STATES)}")
    rule = text_of(table, "rule", path=path) if "rule" in table else ""
    return MeasuredState(cast("PortState", state), rule, read_rules(table.get("tcp"), path=path))


@lru_cache(maxsize=1)
def stacks() -> tuple[Stack, ...]:
    """Return all measured stacks, read once."""
    return tuple(read_stack(entry) for entry in knowledge_files("stacks"))
