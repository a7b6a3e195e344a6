from __future__ import annotations

from craftmark.marks.base import Recovered, Toolmark
from craftmark.tools.compare import Comparer
from craftmark.tools.load import load_rules
from craftmark.tools.parameters import changed, told_by
from tests.tools import dossiers as d
from tests.tools import rows

RULES = load_rules()


def parameters(tool: str, made):
    comparer = Comparer(RULES, d.with_relations(made, RULES.relations), ())
    rule = RULES.by_id[tool]
    return changed(rule, [comparer.compare(rule)], [comparer.sight])


def test_a_tool_at_its_defaults_has_no_parameters():
    assert parameters("masscan", rows.masscan()) == {}


def test_options_are_named_as_the_user_typed_them():
    assert parameters("hping", rows.hping(tcp_win=4000))["options"].value == ("-w: 4000",)


def test_what_was_edited_in_a_sample_names_the_value_it_had():
    edited = parameters("libnet-1.0-samples", rows.libnet(ip_id=420, tcp_sport=420))["edited"].value
    assert "ip_id: 420 (ip_id = 242 in the sample)" in edited
    assert "tcp_sport: 420" in edited


def test_of_two_recovered_values_the_one_that_predicts_more_is_told():
    marks = [
        Toolmark("generator", "", (), 1, 1, 0.0, "individual", recovered=(Recovered("seed", 1, 0.9, 5),)),
        Toolmark("generator", "", (), 1, 1, 0.0, "individual", recovered=(Recovered("seed", 2, 0.9, 50),)),
    ]
    assert told_by(marks)["seed"].value == 2
    assert told_by(reversed(marks))["seed"].value == 2


def test_a_tos_rewritten_by_routers_is_no_option():
    assert parameters("masscan", rows.masscan(ip_tos=0x28)) == {}
