from __future__ import annotations

import pytest

from craftmark.tools.compare import Comparer
from craftmark.tools.likelihood import facts_of, mixture, other_cost, own_cost, settings_for, unknown_cost
from craftmark.tools.load import load_rules
from tests.tools import dossiers as d
from tests.tools import rows

RULES = load_rules()


def parts(tool: str, made):
    return [Comparer(RULES, d.with_relations(made, RULES.relations), ()).compare(RULES.by_id[tool])]


def test_a_tool_at_its_defaults_costs_its_user_nothing():
    assert own_cost(facts_of(parts("masscan", rows.masscan()))) == 0.0


def test_each_setting_by_hand_has_its_price():
    once = own_cost(facts_of(parts("scapy", rows.scapy(tcp_win=4000))))
    twice = own_cost(facts_of(parts("scapy", rows.scapy(tcp_win=4000, ip_id=777))))
    assert twice < once < 0.0


def test_values_of_a_template_cost_a_free_form_crafter_all_its_fields():
    made = rows.libnet()
    facts = facts_of(parts("libnet-1.0-samples", made))
    assert other_cost(facts, parts("nping", made)) < own_cost(facts) - 10
    assert settings_for(facts, parts("hping", made)) == 8


def test_a_tool_that_sends_the_same_pays_nothing():
    made = rows.linux()
    assert other_cost(facts_of(parts("pnscan", made)), parts("nping", made)) == pytest.approx(0.0)


def test_code_without_a_rule_pays_for_every_field():
    facts = facts_of(parts("scapy", rows.scapy()))
    assert unknown_cost(facts) == pytest.approx(sum(fact.line.log10_chance for fact in facts))


def test_the_mixture_is_led_by_the_cheapest_maker():
    assert mixture([-3.0, -50.0], -20.0, 2) == pytest.approx(-3.346787, abs=1e-4)
    assert mixture([-60.0], -20.0, 1) == pytest.approx(-21.0, abs=1e-3)
