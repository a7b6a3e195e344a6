"""What each stack was measured, or is documented, to answer, read from ``knowledge/stacks/*.toml``.

A file holds one state of a port (or one filter rule in front of it) per table ``[[states]]``; its ``tcp`` is a list of
``[pattern, answer]`` that is read like a packet filter: the first pattern that fits the control bits wins, and the last
one, ``*``, fits all. A pattern names bits that must be set (``+``) and clear (``-``) by their letters
F S R P A U E C: ``+S-FRA`` is SYN without FIN, RST and ACK. A third element names the answer's header in ``[forms]``,
where that is not the answer's own name. A file whose ``basis`` is "documented" says only what its source says: its
tables need not cover all combinations.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Final, Literal, cast

from craftmark.errors import RuleError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.resources.abc import Traversable

PortState = Literal["open", "closed", "filtered"]
ConnectionState = Literal["syn-sent", "established", "time-wait"]
#: What is known of an answer: from a measurement of all combinations, or from a text about some.
StackBasis = Literal["measured", "documented"]

#: Letters of the control bits, lowest bit first, as Snort and nmap readers know them.
LETTERS: Final = "FSRPAUEC"
PORT_STATES: Final = ("open", "closed", "filtered")
#: States of a connection that a blind segment may meet: outside its window, or acknowledging nothing.
CONNECTION_STATES: Final = ("syn-sent", "established", "time-wait")
#: Ways a stack fills the acknowledgment number of an answer, from the probe's sequence number (SEG.LEN counts SYN, FIN
#: and data; "SYN or FIN" adds one if either is set).
ACK_FORMS: Final = ("0", "SEG.SEQ", "SEG.SEQ+1", "SEG.SEQ+SEG.LEN", "SEG.SEQ+1 if SYN or FIN", "SEG.SEQ+1 if SYN")
SEQ_FORMS: Final = ("", "0", "SEG.ACK", "ISS", "SND.NXT")


@dataclass(frozen=True, slots=True)
class BitRule:
    """One line of a table over control bits: which bits must be set, which clear, and what follows."""

    must: int
    clear: int
    answer: str
    form: str = ""

    def fits(self, control_bits: int) -> bool:
        """Tell whether a segment with these control bits falls under the rule."""
        return control_bits & self.must == self.must and not control_bits & self.clear


@dataclass(frozen=True, slots=True)
class Form:
    """The header of an answer as a stack fills it.

    seq, ack: where the numbers come from, as RFC 9293 names them ("" for an answer without). ttl: as sent. window: None
    where the answer has none. ip_id: "0", or "counts" for a counter. options: TCP options in order, short.
    """

    seq: str
    ack: str
    ttl: int
    ip_id: str
    df: bool
    tos: int
    options: str
    window: int | None = None

    def acknowledges(self, seq: int, *, syn: bool, fin: bool, data: int = 0) -> int | None:
        """Return the acknowledgment number for a probe; None where the answer has none."""
        added = {
            "SEG.SEQ": 0,
            "SEG.SEQ+1": 1,
            "SEG.SEQ+SEG.LEN": syn + fin + data,
            "SEG.SEQ+1 if SYN or FIN": int(syn or fin),
            "SEG.SEQ+1 if SYN": int(syn),
        }
        if self.ack == "0":
            return 0
        return (seq + added[self.ack]) % (1 << 32) if self.ack else None


@dataclass(frozen=True, slots=True)
class StackState:
    """What one stack answers in one state; ``rule`` names the filter rule in front of it, "" where there is none.

    same_with: what probes may carry beside bare headers without changing the answer: "payload", "options", as measured.
    """

    state: PortState | ConnectionState
    rule: str
    tcp: tuple[BitRule, ...]
    same_with: tuple[str, ...] = ()

    def answer(self, control_bits: int) -> str | None:
        """Return the answer to a TCP segment with these control bits, None where nothing is known."""
        fitting = self.rule_for(control_bits)
        return None if fitting is None else fitting.answer

    def rule_for(self, control_bits: int) -> BitRule | None:
        """Return the line that decides on these control bits, None where nothing is known."""
        return next((rule for rule in self.tcp if rule.fits(control_bits)), None)


@dataclass(frozen=True, slots=True)
class Stack:
    """One TCP/IP stack: its states, the headers of its answers by name, and where that is known from."""

    id: str
    name: str
    version: str
    source: str
    basis: StackBasis
    states: tuple[StackState, ...]
    forms: Mapping[str, Form]

    def form(self, rule: BitRule) -> Form | None:
        """Return the header of a line's answer, None where there is no answer or its header is not known."""
        return self.forms.get(rule.form or rule.answer)


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


def read_rules(lines: object, *, path: str, complete: bool = True) -> tuple[BitRule, ...]:
    """Return a table over control bits; RuleError unless each line is [pattern, answer] or [pattern, answer, form].

    With ``complete`` the last line must fit all.
    """
    if not isinstance(lines, list) or not lines or not all(_is_line(line) for line in lines):
        raise RuleError("a table over control bits is no list of [pattern, answer]", path=path)
    rules = tuple(BitRule(*read_pattern(pattern, path=path), *rest) for pattern, *rest in lines)
    if complete and (rules[-1].must or rules[-1].clear):
        raise RuleError("a table over control bits does not cover all 256", path=path, remedy='end it with ["*", ...]')
    return rules


def _is_line(line: object) -> bool:
    return isinstance(line, list) and len(line) in (2, 3) and all(isinstance(part, str) for part in line)


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
    basis = text_of(table, "basis", path=path) if "basis" in table else "measured"
    if basis not in ("measured", "documented"):
        raise RuleError(f"basis {basis!r}", path=path, remedy="measured or documented")
    complete = basis == "measured"
    states = tuple(_read_state(state, path=path, complete=complete) for state in tables_of(table, "states", path=path))
    id_, name, version, source = (text_of(table, key, path=path) for key in ("id", "name", "version", "source"))
    return Stack(id_, name, version, source, cast("StackBasis", basis), states, _read_forms(table, path=path))


def _read_state(table: dict[str, object], *, path: str, complete: bool) -> StackState:
    state = text_of(table, "state", path=path)
    if state not in (*PORT_STATES, *CONNECTION_STATES):
        raise RuleError(f"state {state!r}", path=path, remedy=f"one of {PORT_STATES}, {CONNECTION_STATES}")
    rule = text_of(table, "rule", path=path) if "rule" in table else ""
    same_with = table.get("same_with", [])
    if not isinstance(same_with, list) or not set(same_with) <= {"payload", "options"}:
        raise RuleError("'same_with' is no list of payload, options", path=path)
    tcp = read_rules(table.get("tcp"), path=path, complete=complete)
    return StackState(cast("PortState | ConnectionState", state), rule, tcp, tuple(same_with))


def _read_forms(table: dict[str, object], *, path: str) -> dict[str, Form]:
    forms = table.get("forms", {})
    if not isinstance(forms, dict) or not all(isinstance(one, dict) for one in forms.values()):
        raise RuleError("'forms' is no table of tables", path=path, remedy='write [forms."rst+ack"]')
    return {name: _read_form(form, path=f"{path}, form {name}") for name, form in forms.items()}


def _read_form(table: dict[str, object], *, path: str) -> Form:
    try:
        form = Form(**table)  # type: ignore[arg-type]
    except TypeError as fault:
        raise RuleError(str(fault), path=path) from fault
    if form.seq not in SEQ_FORMS or form.ack not in ("", *ACK_FORMS):
        raise RuleError(f"seq {form.seq!r}, ack {form.ack!r}", path=path, remedy=f"{SEQ_FORMS}, {ACK_FORMS}")
    return form


@lru_cache(maxsize=1)
def stacks() -> tuple[Stack, ...]:
    """Return all known stacks, read once."""
    return tuple(read_stack(entry) for entry in knowledge_files("stacks"))
