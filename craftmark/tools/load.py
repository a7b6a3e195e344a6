"""Reads knowledge files into rules: TOML in, ToolRule out, every error with its file and line.

Errors of a whole set are collected before anything fails, so that a rule writer sees all of them at once.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from dataclasses import replace
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from craftmark.errors import ExpressionError, RuleError
from craftmark.marks.base import Recipe
from craftmark.marks.infer import SOLVERS
from craftmark.packets.expressions import parse
from craftmark.packets.fields import ARP, CONTROL_BITS, FIELDS, ICMP, ICMP6, OPTION_NAMES, SCTP, TCP, UDP
from craftmark.tools.rule import (
    BEHAVIOURS,
    KINDS,
    LEVELS,
    SETTABLE,
    DatedFact,
    Expectation,
    Mode,
    Reading,
    RuleSet,
    ToolRule,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

#: Words for protocols; "other": any that has no word here.
PROTOCOLS: Final = {
    "tcp": TCP,
    "udp": UDP,
    "icmp": ICMP,
    "icmp6": ICMP6,
    "sctp": SCTP,
    "arp": ARP,
    "any": -1,
    "other": -2,
}
_FORMS: Final = (
    "value", "values", "range", "initial_ttl", "initial_ttl_range", "equals", "constant_of", "behaviour", "options",
    "order", "recipe",
)  # fmt: skip
_EXPECT_KEYS: Final = frozenset((*_FORMS, "field", "settable", "source", "level", "option", "says", "bits", "step"))
_MODE_KEYS: Final = frozenset(
    ("id", "protocol", "control_bits", "with", "without", "icmp", "versions", "since", "headers", "source",
     "expect")
)  # fmt: skip
_RULE_KEYS: Final = frozenset(
    ("id", "name", "names", "kind", "since", "since_source", "status", "derives_from", "confusable_with", "free_form",
     "all_probes", "summary", "source", "mode", "fact", "recipe", "reading")
)  # fmt: skip
_READING_KEYS: Final = frozenset(("parameter", "expression", "within", "most", "least", "clock", "source"))
_RECIPE_KEYS: Final = frozenset(("id", "kind", "source"))
#: What reading a value of another form than the key's ends in.
_WRONG_FORM: Final = (AttributeError, IndexError, KeyError, TypeError, ValueError)
_OPTION_WORDS: Final = frozenset(OPTION_NAMES.values())


class RuleSetError(RuleError):
    """All that is wrong in a set of knowledge files; ``errors`` holds each with its own place."""

    def __init__(self, errors: Iterable[RuleError]) -> None:
        self.errors = tuple(errors)
        first = self.errors[0]
        super().__init__(first.what, path=first.path, line=first.line, remedy=first.remedy)
        self.args = ("\n".join(str(error) for error in self.errors),)


def load_rules(*folders: Path) -> RuleSet:
    """Return the rules shipped with craftmark; those of each folder are added, or replace those of the same id.

    Raises RuleSetError with everything that is wrong.
    """
    texts = {
        f"craftmark/knowledge/tools/{entry.name}": entry.read_text(encoding="utf-8")
        for entry in resources.files("craftmark").joinpath("knowledge", "tools").iterdir()
        if entry.name.endswith(".toml")
    }
    return read_rules(texts, *map(_texts_of, folders))


def read_extra(rules: RuleSet, texts: Mapping[str, str]) -> RuleSet:
    """Return a set with the rules of more knowledge files, which replace those of the same id."""
    more = read_rules(texts)
    by_id = {**rules.by_id, **more.by_id}
    digest = hashlib.sha256(f"{rules.sha256} {more.sha256}".encode()).hexdigest()
    return RuleSet(tuple(by_id[key] for key in sorted(by_id)), digest, by_id)


def _texts_of(folder: Path) -> dict[str, str]:
    """Return the knowledge files of a folder by path; what is no text, or cannot be read, is a wrong rule."""
    texts: dict[str, str] = {}
    errors: list[RuleError] = []
    for path in sorted(folder.glob("*.toml")):
        try:
            texts[str(path)] = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as fault:
            line = fault.object[: fault.start].count(b"\n") + 1
            errors.append(RuleError("is not UTF-8", path=str(path), line=line, remedy="save it as UTF-8"))
        except OSError as fault:
            errors.append(RuleError(f"cannot be read: {fault.strerror or fault}", path=str(path)))
    if errors:
        raise RuleSetError(errors)
    return texts


def read_rules(texts: Mapping[str, str], *extra: Mapping[str, str]) -> RuleSet:
    """Return the rules of knowledge files given as path and text; each of ``extra`` replaces by id."""
    errors: list[RuleError] = []
    by_id: dict[str, ToolRule] = {}
    for group in (texts, *extra):
        seen: dict[str, str] = {}
        for path, text in sorted(group.items()):
            rule = _Reader(path, text, errors).rule()
            if rule is None:
                continue
            if rule.id in seen:
                errors.append(RuleError(f"id {rule.id!r} is also in {seen[rule.id]}", path=path, line=1))
            seen[rule.id] = path
            by_id[rule.id] = rule
    if errors:
        raise RuleSetError(errors)
    return RuleSet(tuple(by_id[key] for key in sorted(by_id)), _hash(texts, *extra), by_id)


def _hash(*groups: Mapping[str, str]) -> str:
    digest = hashlib.sha256()
    for group in groups:
        for path, text in sorted(group.items()):
            digest.update(path.rsplit("/", 1)[-1].encode() + b"\0" + text.encode() + b"\0")
    return digest.hexdigest()


class _Reader:
    """One knowledge file: builds the rule and notes what is wrong."""

    def __init__(self, path: str, text: str, errors: list[RuleError]) -> None:
        self.path = path
        self.text = text
        self.errors = errors
        self.expect_lines = _lines(text, r"(?:\[\[mode\.expect\]\]|\{ )")
        self.mode_lines = _lines(text, r"\[\[mode\]\]")
        self.expect_count = 0
        self.rule_id = ""
        self.shows: dict[str, int] = {}

    def fault(self, what: str, line: int | None, remedy: str = "") -> None:
        """Note one error."""
        self.errors.append(RuleError(what, path=self.path, line=line, remedy=remedy))

    def rule(self) -> ToolRule | None:
        """Return the rule, or None with errors noted."""
        before = len(self.errors)
        try:
            table = tomllib.loads(self.text)
        except tomllib.TOMLDecodeError as fault:
            place = re.search(r"line (\d+)", str(fault))
            self.fault(f"not TOML: {fault}", int(place[1]) if place else len(self.text.splitlines()) or 1)
            return None
        self.unknown(table, _RULE_KEYS, 1)
        for key in ("id", "name", "kind", "summary"):
            if not isinstance(table.get(key), str):
                self.fault(f"{key!r} is missing", 1, f'write {key} = "..." at the top')
        if table.get("kind") not in KINDS:
            self.fault(f"kind {table.get('kind')!r} is none of {', '.join(KINDS)}", self.line_of("kind"))
        self.rule_id = str(table.get("id", ""))
        try:
            self.shows = {str(one.get("id", "")): int(one.get("shows_from", 0)) for one in table.get("recipe", [])}
            modes = tuple(self.mode(mode, place) for place, mode in enumerate(table.get("mode", [])))
            recipes, readings = self.recipes(table), self.readings(table)
            rule = None if len(self.errors) > before else _rule(table, modes, recipes, self.path)
        except _WRONG_FORM as fault:
            what = f"{fault} is missing" if isinstance(fault, KeyError) else str(fault)
            self.fault(f"a value is not of the form it needs: {what}", 1, "compare with a file of the built-in rules")
            return None
        return replace(rule, readings=readings) if rule else None

    def recipes(self, table: Mapping[str, Any]) -> tuple[Recipe, ...]:
        """Return the recipes of a rule's table; what a kind of recipe needs beyond its kind, its solver knows."""
        lines, found = _lines(self.text, r"\[\[recipe\]\]"), []
        for place, entry in enumerate(table.get("recipe", [])):
            line = lines[place] if place < len(lines) else None
            for key in ("id", "kind", "source"):
                if not isinstance(entry.get(key), str):
                    self.fault(f"recipe: {key!r} is missing", line, f'write {key} = "..."')
            if entry.get("kind") not in SOLVERS:
                known = ", ".join(sorted(SOLVERS)) or "none"
                self.fault(f"recipe kind {entry.get('kind')!r} has no solver", line, f"known: {known}")
            details = {key: value for key, value in entry.items() if key not in _RECIPE_KEYS}
            words = [str(entry.get(key, "")) for key in ("id", "kind", "source")]
            found.append(Recipe(words[0], words[1], self.rule_id, words[2], details))
        return tuple(found)

    def readings(self, table: Mapping[str, Any]) -> tuple[Reading, ...]:
        """Return the formulas that tell of a run."""
        lines, found = _lines(self.text, r"\[\[reading\]\]"), []
        for place, entry in enumerate(table.get("reading", [])):
            line = lines[place] if place < len(lines) else None
            self.unknown(entry, _READING_KEYS, line)
            try:
                formula = parse(str(entry["expression"]))
                low, high = entry["within"]
                name, source = str(entry["parameter"]), str(entry["source"])
                most, least, clock = int(entry.get("most", 1)), bool(entry.get("least")), int(entry.get("clock", 0))
                found.append(Reading(name, formula, (int(low), int(high)), most, least, clock, source))
            except (KeyError, ValueError, TypeError, ExpressionError) as fault:
                self.fault(f"reading: {fault}", line, "write parameter, expression, within = [low, high] and source")
        return tuple(found)

    def line_of(self, key: str) -> int | None:
        """Return the first line that sets a key."""
        lines = _lines(self.text, rf"{re.escape(key)}\s*=")
        return lines[0] if lines else None

    def unknown(self, table: Mapping[str, Any], known: frozenset[str], line: int | None) -> None:
        """Note keys nobody reads: a misspelt key must not be silently lost."""
        for key in sorted(set(table) - known):
            self.fault(f"unknown key {key!r}", line, f"known: {', '.join(sorted(known))}")

    def mode(self, table: Mapping[str, Any], place: int) -> Mode:
        """Return one kind of probe."""
        line = self.mode_lines[place] if place < len(self.mode_lines) else None
        self.unknown(table, _MODE_KEYS, line)
        if not isinstance(table.get("id"), str):
            self.fault("mode without id", line)
        protocol = table.get("protocol")
        if protocol not in PROTOCOLS and not isinstance(protocol, int):
            self.fault(f"protocol {protocol!r} is none of {', '.join(PROTOCOLS)} and no number", line)
        listed = table.get("control_bits", "any")
        sets = [] if listed == "any" else listed
        if sets and isinstance(sets[0], str):
            sets = [sets]
        expects = tuple(self.expectation(e, str(table.get("source", ""))) for e in table.get("expect", []))
        icmp = table.get("icmp")
        return Mode(
            id=str(table.get("id", "")),
            protocol=PROTOCOLS.get(protocol, protocol if isinstance(protocol, int) else -1),  # type: ignore[arg-type]
            expects=expects,
            bits=tuple(self.bits(names, line) for names in sets) or ((0,) if listed == [] else ()),
            with_bits=self.bits(table.get("with", []), line),
            without_bits=self.bits(table.get("without", []), line),
            icmp=(icmp[0], icmp[1]) if icmp else None,
            versions=table.get("versions", ""),
            headers=table.get("headers", "own"),
            since=_day(table.get("since")),
        )

    def bits(self, names: Iterable[str], line: int | None) -> int:
        """Return control bits given by names."""
        value = 0
        for name in names:
            if name in CONTROL_BITS:
                value |= 1 << CONTROL_BITS.index(name)
            else:
                self.fault(f"{name!r} is no control bit", line, f"known: {', '.join(CONTROL_BITS)}")
        return value

    def expectation(self, table: Mapping[str, Any], mode_source: str) -> Expectation:
        """Return one expectation; notes what is wrong with it."""
        line = self.expect_lines[self.expect_count] if self.expect_count < len(self.expect_lines) else 0
        self.expect_count += 1
        self.unknown(table, _EXPECT_KEYS, line)
        forms = [form for form in _FORMS if form in table]
        if len(forms) != 1:
            self.fault(f"needs exactly one of {', '.join(_FORMS)}; has {', '.join(forms) or 'none'}", line)
        name = str(table.get("field", "tcp_options" if "options" in table else ""))
        if not {"constant_of", "order", "recipe"}.intersection(table) and name not in FIELDS:
            self.fault(f"{name!r} is no field", line, "see packets/fields.py")
        for key, allowed in (("settable", SETTABLE), ("behaviour", BEHAVIOURS), ("level", LEVELS)):
            if key in table and table[key] not in allowed:
                self.fault(f"{key} {table[key]!r} is none of {', '.join(allowed)}", line)
        if "settable" not in table:
            self.fault("'settable' is missing", line, f"one of {', '.join(SETTABLE)}")
        for word in table.get("options", []):
            if word not in _OPTION_WORDS:
                self.fault(f"option {word!r} is unknown", line, f"known: {', '.join(sorted(_OPTION_WORDS))}")
        recipe = str(table.get("recipe", ""))
        named = f"{self.rule_id}/{recipe}" if recipe else ""
        return replace(_expectation(table, name, mode_source, line), recipe=named, shows_from=self.shows.get(recipe, 0))


def _expectation(table: Mapping[str, Any], name: str, mode_source: str, line: int) -> Expectation:
    values = table.get("values", [table["value"]] if "value" in table else [])
    bounds, drawn = table.get("range"), table.get("initial_ttl_range")
    return Expectation(
        field=name,
        settable=table.get("settable", "no"),
        source=table.get("source", mode_source),
        values=tuple(values),
        bounds=(bounds[0], bounds[1]) if bounds else None,
        initial_ttl=table.get("initial_ttl"),
        initial_ttl_range=(drawn[0], drawn[1]) if drawn else None,
        equals=table.get("equals", ""),
        constant_of=table.get("constant_of", ""),
        bits=table.get("bits", FIELDS[name].bits if name in FIELDS else 16),
        behaviour=table.get("behaviour"),
        step=table.get("step", 1),
        options=tuple(table["options"]) if "options" in table else None,
        order=table.get("order", ""),
        level=table.get("level", "class"),
        option=table.get("option", ""),
        says=table.get("says", ""),
        line=line,
    )


def _rule(table: Mapping[str, Any], modes: tuple[Mode, ...], recipes: tuple[Recipe, ...], path: str) -> ToolRule:
    return ToolRule(
        id=table["id"],
        name=table["name"],
        kind=table["kind"],
        summary=table["summary"],
        modes=modes,
        sources={entry["key"]: entry["citation"] for entry in table.get("source", [])},
        names=tuple(table.get("names", [])),
        since=_day(table.get("since")),
        since_source=table.get("since_source", ""),
        status=table.get("status", "stable"),
        derives_from=tuple(table.get("derives_from", [])),
        confusable_with=tuple(table.get("confusable_with", [])),
        free_form=table.get("free_form", False),
        all_probes=table.get("all_probes", False),
        facts=tuple(
            DatedFact(_day(fact["until"]) or 0, tuple(fact["fields"]), fact["statement"], fact["source"])
            for fact in table.get("fact", [])
        ),
        recipes=recipes,
        path=path,
    )


def _day(value: object) -> int | None:
    """Return a TOML date as yyyymmdd."""
    if value is None:
        return None
    return int(str(value).replace("-", "")[:8])


def _lines(text: str, pattern: str) -> list[int]:
    found = re.finditer(rf"^[ \t]*{pattern}", text, re.MULTILINE)
    return [text.count("\n", 0, match.start()) + 1 for match in found]
