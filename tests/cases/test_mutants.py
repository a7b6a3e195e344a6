"""A rule that is altered in one expectation is noticed by one of its examples."""

from __future__ import annotations

import pytest

from craftmark.tools.load import load_rules
from tests.cases.mutants import expected_of, survivors
from tests.cases.planted import examples, seen_of

RULES = load_rules()
EXAMPLES = examples()


def test_every_kind_of_probe_of_every_rule_has_an_example():
    """`python -m tests.cases.planted` adds those of new ones."""
    planted = {(one["rule"], one["mode"]) for one in EXAMPLES}
    assert planted == {(rule.id, mode.id) for rule in RULES for mode in rule.modes}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: f"{one['rule']}-{one['mode']}")
def test_a_rule_makes_of_its_example_what_was_written_down(example):
    assert seen_of(example, RULES.by_id[example["rule"]]) == expected_of(example)


@pytest.mark.parametrize("rule", tuple(RULES), ids=lambda rule: rule.id)
def test_an_altered_rule_is_noticed(rule):
    count, alive = survivors(rule, [one for one in EXAMPLES if one["rule"] == rule.id])
    assert count - len(alive) >= 0.85 * count, alive
