"""Lints over a whole set of rules: what a single knowledge file cannot know is wrong with it.

Each lint is a function from a set to its complaints; ``lint`` runs all of them and returns every complaint.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from craftmark.errors import ExpressionError, RuleError
from craftmark.packets.expressions import parse
from craftmark.packets.fields import FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from craftmark.tools.rule import Expectation, Mode, RuleSet, ToolRule

#: Words of a fact that nobody checked.
_UNVERIFIED: Final = ("[U]", "unverified", "TODO", "FIXME")


def lint(rules: RuleSet) -> list[RuleError]:
    """Return everything that is wrong with a set of rules."""
    return [complaint for check in LINTS for complaint in check(rules)]


def _expectations(rules: RuleSet) -> Iterator[tuple[ToolRule, Mode, Expectation]]:
    for rule in rules:
        for mode in rule.modes:
            for expected in mode.expects:
                yield rule, mode, expected


def every_expectation_has_a_source(rules: RuleSet) -> Iterator[RuleError]:
    """Complain of expectations whose source is not among the file's citations."""
    for rule, mode, expected in _expectations(rules):
        if not rule.sources.get(expected.source, "").strip():
            what = f"mode {mode.id!r}: source {expected.source!r} is not cited"
            yield RuleError(what, path=rule.path, line=expected.line, remedy="add a [[source]] with this key")


def no_unverified_fact(rules: RuleSet) -> Iterator[RuleError]:
    """Complain of facts marked as recalled, not read or seen."""
    for rule in rules:
        texts = [rule.summary, *rule.sources.values(), *(fact.statement for fact in rule.facts)]
        for word in _UNVERIFIED:
            if any(word in text for text in texts):
                yield RuleError(f"{word!r} marks a fact nobody checked", path=rule.path, remedy="check it or drop it")


def a_release_date_has_a_source(rules: RuleSet) -> Iterator[RuleError]:
    """Complain of dates that nobody can look up, and of dated facts without a citation."""
    for rule in rules:
        if rule.since is not None and not rule.since_source:
            yield RuleError("'since' without 'since_source'", path=rule.path)
        for fact in rule.facts:
            if fact.source not in rule.sources:
                yield RuleError(f"fact until {fact.until}: source {fact.source!r} is not cited", path=rule.path)


def every_recipe_has_a_source(rules: RuleSet) -> Iterator[RuleError]:
    """Complain of recipes whose source is not among the file's citations."""
    for rule in rules:
        for recipe in rule.recipes:
            if not rule.sources.get(recipe.source, "").strip():
                yield RuleError(f"recipe {recipe.id!r}: source {recipe.source!r} is not cited", path=rule.path)


def every_reading_has_a_source(rules: RuleSet) -> Iterator[RuleError]:
    """Complain of readings whose source is not among the file's citations."""
    for rule in rules:
        for reading in rule.readings:
            if not rule.sources.get(reading.source, "").strip():
                what = f"reading {reading.parameter!r}: source {reading.source!r} is not cited"
                yield RuleError(what, path=rule.path)


def expected_recipes_exist(rules: RuleSet) -> Iterator[RuleError]:
    """Complain of expectations that name a recipe their rule does not have."""
    for rule, mode, expected in _expectations(rules):
        if expected.recipe and expected.recipe not in {f"{rule.id}/{recipe.id}" for recipe in rule.recipes}:
            what = f"mode {mode.id!r}: the rule has no recipe {expected.recipe.partition('/')[2]!r}"
            yield RuleError(what, path=rule.path, line=expected.line)


def relations_can_be_counted(rules: RuleSet) -> Iterator[RuleError]:
    """Complain of relations that cannot be read or are not written as evidence spells them."""
    for rule, mode, expected in _expectations(rules):
        if not expected.relation:
            continue
        try:
            expression = parse(expected.relation)
        except ExpressionError as fault:
            yield RuleError(str(fault), path=rule.path, line=expected.line)
            continue
        if str(expression) != expected.relation:
            yield RuleError(f"write it as {expression}", path=rule.path, line=expected.line)
        if expected.field not in expression.fields:
            yield RuleError(f"mode {mode.id!r}: the relation lacks its field", path=rule.path, line=expected.line)


def fields_are_of_the_protocol(rules: RuleSet) -> Iterator[RuleError]:
    """Complain of expectations on fields that packets of the mode's protocol do not have, or values too wide."""
    for rule, mode, expected in _expectations(rules):
        field = FIELDS.get(expected.field)
        if field is None:
            continue
        if field.protocol not in (None, mode.protocol):
            what = f"mode {mode.id!r}: its packets have no {expected.field}"
            yield RuleError(what, path=rule.path, line=expected.line)
        numbers = (*expected.values, *(expected.bounds or ()))
        if any(not 0 <= value < 1 << field.bits for value in numbers):
            what = f"mode {mode.id!r}: value wider than {expected.field}'s {field.bits} bits"
            yield RuleError(what, path=rule.path, line=expected.line)


def what_routers_rewrite_eliminates_nobody(rules: RuleSet) -> Iterator[RuleError]:
    """Complain of eliminations on the TOS octet, which networks rewrite."""
    for rule, _, expected in _expectations(rules):
        if expected.field == "ip_tos" and expected.settable == "no":
            yield RuleError("routers rewrite ip_tos: say settable = 'path'", path=rule.path, line=expected.line)


def names_exist_and_lineage_is_acyclic(rules: RuleSet) -> Iterator[RuleError]:
    """Complain of unknown ids and of rules that descend from themselves."""
    for rule in rules:
        for other in (*rule.derives_from, *rule.confusable_with):
            if other not in rules.by_id:
                yield RuleError(f"no rule has the id {other!r}", path=rule.path)
        if any(rule.id in rules.ancestors[parent] for parent in rule.derives_from if parent in rules.ancestors):
            yield RuleError("it descends from itself", path=rule.path)


def confusable_rules_name_each_other(rules: RuleSet) -> Iterator[RuleError]:
    """Complain where only one of two names the other, or modes are equal and neither does."""
    for rule in rules:
        for other in rule.confusable_with:
            if other in rules.by_id and rule.id not in rules.by_id[other].confusable_with:
                yield RuleError(f"{other!r} does not name it as confusable", path=rule.path)
    seen: dict[object, ToolRule] = {}
    for rule in rules:
        for mode in rule.modes:
            form = (mode.protocol, mode.bits, mode.icmp, frozenset(expected.key for expected in mode.expects))
            twin = seen.setdefault(form, rule)
            if twin is not rule and twin.id not in (*rule.confusable_with, *rules.ancestors[rule.id]):
                yield RuleError(f"mode {mode.id!r} equals one of {twin.id!r}; name it as confusable", path=rule.path)


def stacks_write_no_other_headers(rules: RuleSet) -> Iterator[RuleError]:
    """Complain of stack rules whose modes are not the stack's own."""
    for rule in rules:
        for mode in rule.modes:
            if rule.kind == "stack" and mode.headers != "stack":
                yield RuleError(f"mode {mode.id!r} of a stack needs headers = 'stack'", path=rule.path)


LINTS: Final[tuple[Callable[[RuleSet], Iterator[RuleError]], ...]] = (
    every_expectation_has_a_source,
    no_unverified_fact,
    a_release_date_has_a_source,
    every_recipe_has_a_source,
    every_reading_has_a_source,
    expected_recipes_exist,
    relations_can_be_counted,
    fields_are_of_the_protocol,
    what_routers_rewrite_eliminates_nobody,
    names_exist_and_lineage_is_acyclic,
    confusable_rules_name_each_other,
    stacks_write_no_other_headers,
)
