"""What of a run can be read from how it differs from its tool's defaults, and what its marks told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from craftmark.marks.base import Recovered
from craftmark.tools.wording import bits_text, number

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from craftmark.marks.base import Toolmark
    from craftmark.tools.compare import Comparison, Line
    from craftmark.tools.rule import ToolRule
    from craftmark.tools.sight import Sight


def told_by(marks: Iterable[Toolmark]) -> dict[str, Recovered]:
    """Return what marks tell of the run by name; of two values under one name the one that predicts more fields."""
    found: dict[str, Recovered] = {}
    for mark in marks:
        for one in mark.recovered:
            if one.name not in found or one.checked > found[one.name].checked:
                found[one.name] = one
    return found


def changed(rule: ToolRule, parts: Sequence[Comparison], sights: Sequence[Sight]) -> dict[str, Recovered]:
    """Return what the user changed: ``options`` of a tool, ``edited`` fields of a library's sample."""
    sight = sights[0]
    differing = {line.field: line for part in parts for line in part.disagrees if line.settable not in ("no", "path")}
    given = {line.field: line for part in parts for line in part.silent if line.expected.endswith("is an argument")}
    if rule.kind == "library":
        texts = {name: _edit(line, sight) for name, line in {**given, **differing}.items()}
        return {"edited": Recovered("edited", _listed(texts), 0.9, 0)} if texts else {}
    options = {line.option or name: _value(line, sight) for name, line in differing.items()}
    return {"options": Recovered("options", _listed(options), 0.8, 0)} if options else {}


def user_set(parts: Iterable[Comparison]) -> tuple[str, ...]:
    """Return the fields whose values are the user's, not the tool's: arguments, and options that were used.

    A sample's values are its own unless they were edited.
    """
    found = set()
    for line in (line for part in parts for line in part.lines):
        is_argument = line.settable == "argument" or line.expected.endswith("is an argument")
        if is_argument or (line.verdict == "disagrees" and line.settable in ("option", "source edit")):
            found.add(line.field)
    return tuple(sorted(found - {""}))


def _listed(texts: dict[str, str]) -> tuple[str, ...]:
    return tuple(f"{name}: {text}" for name, text in sorted(texts.items()))


def _edit(line: Line, sight: Sight) -> str:
    return _value(line, sight) if line.verdict == "silent" else f"{_value(line, sight)} ({line.expected} in the sample)"


def _value(line: Line, sight: Sight) -> str:
    """Return what a field was changed to: its value, or its span."""
    evidence = sight.field(line.field)
    if evidence is None:
        return line.seen
    if line.field == "tcp_flags" and sight.dossier.control_bits is not None:
        return bits_text(sight.dossier.control_bits)
    if evidence.constant is not None:
        return number(line.field, evidence.constant)
    return f"{number(line.field, evidence.minimum)}-{number(line.field, evidence.maximum)}"
