"""What of a run can be read from how it differs from its tool's defaults, and what its marks told of it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from craftmark.marks.base import Recovered
from craftmark.tools.wording import bits_text, number

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from craftmark.marks.base import Toolmark
    from craftmark.tools.compare import Comparison, Line
    from craftmark.tools.rule import Reading, ToolRule
    from craftmark.tools.sight import Sight

SECOND_NS: Final = 1_000_000_000
#: How long before the first probe seen a sender may have started, where a field tells when.
LATEST_S: Final = 600


def told_by(marks: Iterable[Toolmark]) -> dict[str, Recovered]:
    """Return what marks tell of the run by name; of two values under one name the one that predicts more fields."""
    found: dict[str, Recovered] = {}
    for mark in marks:
        for one in mark.recovered:
            if one.name not in found or one.checked > found[one.name].checked:
                found[one.name] = one
    return found


def changed(rule: ToolRule, parts: Sequence[Comparison], sights: Sequence[Sight]) -> dict[str, Recovered]:
    """Return what a named tool's run tells: its ``options``, a sample's ``edited`` fields, what formulas give."""
    return {**read(rule, sights), **_set_by_hand(rule, parts, sights[0])}


def read(rule: ToolRule, sights: Sequence[Sight]) -> dict[str, Recovered]:
    """Return what a tool's formulas tell of its run, from all kinds of its probes that show them."""
    found: dict[str, Recovered] = {}
    for reading in rule.readings:
        counts: Counter[int] = Counter()
        for sight in sights:
            counts.update(_values(reading, sight))
        if counts:
            first_s = min(sight.dossier.first_ns for sight in sights) // SECOND_NS
            found |= {one.name: one for one in _told(reading, counts, first_s)}
    return found


def _told(reading: Reading, counts: Counter[int], first_s: int) -> Iterator[Recovered]:
    """Yield what the values of a reading say.

    A second of the start, told modulo some number, lies shortly before the first probe: else the user set the field.
    """
    values = sorted(counts)
    value = values[0] if reading.least or len(values) == 1 else tuple(str(one) for one in values)
    checked = counts.total() - len(values)
    before = (first_s - values[0]) % reading.clock if reading.clock else 0
    if before <= LATEST_S:
        yield Recovered(reading.parameter, value, 0.95, checked)
        if reading.clock:
            yield Recovered("start_s", first_s - before, 0.95, checked)


def _values(reading: Reading, sight: Sight) -> Counter[int]:
    """Return how often each value of a reading is seen in one kind of probe; none where it is not such a run's."""
    batch = sight.dossier.sample
    counts = Counter(reading.expression.evaluate(batch)[reading.expression.seen(batch)].tolist())
    low, high = reading.within
    is_few = 0 < len(counts) <= reading.most and min(counts.values()) > 1
    return counts if is_few and low <= min(counts) <= max(counts) <= high else Counter()


def _set_by_hand(rule: ToolRule, parts: Sequence[Comparison], sight: Sight) -> dict[str, Recovered]:
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
