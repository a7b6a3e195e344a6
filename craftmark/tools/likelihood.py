"""How likely anybody else's code would show what a rule explains: makers with a rule by name, the others by habit.

For a rule and all it says visibly (fields that agree, and fields its user must have set), every unrelated rule is
asked what the same packets would cost it: nothing for a field that it sends by default, the price of the setting, or of
the lucky draw, where it sends something else, the habit of unknown code where it says nothing. Code without a rule pays
the habit for every field. The chance of another maker is the mixture of all of these, taken relative to what the rule's
own settings cost.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log10
from typing import TYPE_CHECKING

from craftmark.tools import chance

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from craftmark.tools.compare import Comparison, Line


@dataclass(frozen=True, slots=True)
class Fact:
    """One visible line of a rule and the part of the scan in which it tells most."""

    part: int
    line: Line


def facts_of(parts: Sequence[Comparison]) -> list[Fact]:
    """Return what a rule says visibly of a scan, each expectation once, from the part where it tells most."""
    best: dict[tuple[object, ...], Fact] = {}
    for place, comparison in enumerate(parts):
        for line in (*comparison.agrees, *comparison.disagrees):
            known = best.get(line.key or (line.field,))
            if known is None or _weight(line) > _weight(known.line):
                best[line.key or (line.field,)] = Fact(place, line)
    return list(best.values())


def _weight(line: Line) -> tuple[bool, float]:
    return line.verdict == "disagrees", -line.log10_chance


def own_cost(facts: Iterable[Fact]) -> float:
    """Return log10 of the chance that the tool's user made the settings that what is seen would take."""
    return sum(fact.line.price for fact in facts if fact.line.verdict == "disagrees")


def unknown_cost(facts: Iterable[Fact]) -> float:
    """Return log10 of the chance that code without a rule shows it all."""
    return sum(fact.line.log10_chance for fact in facts)


def other_cost(facts: Sequence[Fact], parts: Sequence[Comparison]) -> float:
    """Return log10 of the chance that another rule's tool shows it all, with the settings that takes."""
    cost = 0.0
    paid: set[tuple[int, str]] = set()
    for fact in facts:
        line = fact.line
        mine = _lines_on(parts[fact.part], line)
        differing = [other for other in mine if other.verdict == "disagrees"]
        if differing:
            if (fact.part, line.field) not in paid:
                cost += min(other.price for other in differing)
                paid.add((fact.part, line.field))
        elif not mine:
            cost += line.log10_chance
        elif _is_one_value(line) and not any(other.exact for other in mine):
            cost += max(-line.bits * log10(2), log10(chance.OPTION_USED) + line.log10_chance)
    return cost + _unasked(facts, parts)


def _is_one_value(line: Line) -> bool:
    """Tell whether a line is about one value: expected of the field, or set by the user."""
    return line.exact if line.verdict == "agrees" else line.fixed and not line.relation


def _lines_on(comparison: Comparison, line: Line) -> list[Line]:
    if line.relation:
        return [other for other in comparison.lines if other.key == line.key]
    return [other for other in comparison.lines if other.field == line.field and not other.relation]


def _unasked(facts: Sequence[Fact], parts: Sequence[Comparison]) -> float:
    """Return what a rule's own visible differences cost on fields that the facts do not speak of."""
    asked = {(fact.line.field, fact.line.relation) for fact in facts}
    prices: dict[tuple[object, ...], float] = {}
    for comparison in parts:
        if comparison.mode is None:
            return -chance.HOPELESS
        for line in comparison.disagrees:
            if (line.field, line.relation) not in asked:
                prices[line.key or (line.field,)] = line.price
    return sum(prices.values())


def mixture(costs: Iterable[float], unknown: float, rules: int) -> float:
    """Return log10 of the chance over all other makers: each rule has an equal share, unknown code its own."""
    share = log10((1 - chance.UNKNOWN_SHARE) / max(rules, 1))
    terms = [log10(chance.UNKNOWN_SHARE) + unknown, *(share + cost for cost in costs)]
    most = max(terms)
    return most + log10(sum(10 ** (term - most) for term in terms))


def settings_for(facts: Sequence[Fact], parts: Sequence[Comparison]) -> int:
    """Return how many fields a user of the rule's tool must set by hand to get just these values."""
    fields = {line.field for comparison in parts for line in comparison.disagrees if line.settable != "path"}
    for fact in facts:
        mine = _lines_on(parts[fact.part], fact.line)
        if fact.line.exact and not any(other.exact and other.verdict == "agrees" for other in mine):
            fields.add(fact.line.field)
    return len(fields)
