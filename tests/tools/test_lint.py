from __future__ import annotations

import pytest

from craftmark.tools.lint import lint
from craftmark.tools.load import load_rules, read_rules
from tests.tools.test_load import GOOD


def test_the_shipped_rules_have_no_complaint():
    assert [str(complaint) for complaint in lint(load_rules())] == []


def test_a_sound_rule_has_no_complaint():
    assert lint(read_rules({"one.toml": GOOD})) == []


@pytest.mark.parametrize(
    ("wrong", "right", "what"),
    [
        ('source = "memory"', 'source = "src"', "not cited"),
        ("main.c [U]", "main.c", "nobody checked"),
        ('summary = "A tool."\nconfusable_with = ["ghost"]', 'summary = "A tool."', "ghost"),
        ('summary = "A tool."\nderives_from = ["one"]', 'summary = "A tool."', "descends from itself"),
        ('field = "udp_sport", value = 53', 'field = "ip_id", value = 54321', "have no udp_sport"),
        ("value = 70000", "value = 54321", "wider than"),
        ('field = "ip_tos", value = 0', 'field = "ip_id", value = 54321', "routers rewrite"),
        ('equals = "tcp_seq ^^ 1"', "value = 54321", "at column"),
        ('equals = "low16((tcp_seq))"', "value = 54321", "write it as"),
        ('kind = "stack"', 'kind = "scanner"', "headers = 'stack'"),
        ("since = 2013-08-01\n#", "since = 2013-08-01\nsince_source", "since_source"),
    ],
)
def test_each_lint_finds_what_it_looks_for(wrong: str, right: str, what: str):
    complaints = lint(read_rules({"one.toml": GOOD.replace(right, wrong)}))
    assert any(what in str(complaint) for complaint in complaints)


def test_rules_with_equal_modes_must_name_each_other():
    twin = GOOD.replace('"one"', '"two"')
    assert any("name it as confusable" in str(c) for c in lint(read_rules({"one.toml": GOOD, "two.toml": twin})))


def test_confusable_rules_name_each_other_on_both_sides():
    named = 'summary = "A twin."\nconfusable_with = ["one"]'
    twin = GOOD.replace('"one"', '"two"').replace('summary = "A tool."', named)
    complaints = [str(c) for c in lint(read_rules({"one.toml": GOOD, "two.toml": twin}))]
    assert complaints == ["two.toml: 'one' does not name it as confusable"]
