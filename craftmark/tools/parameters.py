"""What of a run can be read from how it differs from its tool's defaults: options set, fields of a sample edited."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from craftmark.tools.wording import bits_text, number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from craftmark.tools.compare import Comparison, Line
    from craftmark.tools.rule import ToolRule
    from craftmark.tools.sight import Sight


@dataclass(frozen=True, slots=True)
class Parameter:
    """One thing recovered of a run. checked: how many packet fields it explains that it was not fitted on."""

    value: object
    confidence: float
    checked: int


def recovered(rule: ToolRule, parts: Sequence[Comparison], sights: Sequence[Sight]) -> dict[str, Parameter]:
    """Return what the user changed: ``options`` of a tool, ``edited`` fields of a library's sample."""
    sight = sights[0]
    changed = {line.field: line for part in parts for line in part.disagrees if line.settable not in ("no", "path")}
    given = {line.field: line for part in parts for line in part.silent if line.expected.endswith("is an argument")}
    if rule.kind == "library":
        texts = {name: _edit(line, sight) for name, line in {**given, **changed}.items()}
        return {"edited": Parameter(texts, 0.9, 0)} if texts else {}
    options = {line.option or name: _value(line, sight) for name, line in changed.items()}
    return {"options": Parameter(options, 0.8, 0)} if options else {}


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
