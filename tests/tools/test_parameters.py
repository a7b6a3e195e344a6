from __future__ import annotations

import numpy as np

from craftmark import examine
from craftmark.marks.base import Recovered, Toolmark
from craftmark.tools.compare import Comparer
from craftmark.tools.load import load_rules
from craftmark.tools.parameters import changed, told_by
from tests.cases.captures import lab_truths, needs_captures
from tests.tools import dossiers as d
from tests.tools import rows

RULES = load_rules()


def parameters(tool: str, made):
    comparer = Comparer(RULES, d.with_relations(made, RULES.relations), ())
    rule = RULES.by_id[tool]
    return changed(rule, [comparer.compare(rule)], [comparer.sight])


def test_a_tool_at_its_defaults_has_no_parameters():
    assert parameters("masscan", rows.masscan(tcp_sport=61000)) == {}


def test_masscans_source_port_tells_the_second_of_its_start():
    made = rows.masscan()
    first_s = made.first_ns // 10**9
    found = parameters("masscan", rows.masscan(tcp_sport=40000 + (first_s - 7) % 20000))
    assert (found["start_mod"].value, found["start_s"].value) == ((first_s - 7) % 20000, first_s - 7)
    assert found["start_mod"].checked == made.probes - 1
    pair = 40000 + (first_s - 7) % 20000 + 16 * (np.arange(made.probes) % 2)
    assert parameters("masscan", rows.masscan(tcp_sport=pair))["start_s"].value == first_s - 7


def test_a_port_that_the_user_set_tells_no_start():
    first_s = rows.masscan().first_ns // 10**9
    assert parameters("masscan", rows.masscan(tcp_sport=40000 + (first_s - 5000) % 20000)) == {}


@needs_captures
def test_every_masscan_of_the_lab_started_when_its_source_port_says():
    runs = [row for row in lab_truths() if row["tool"] == "masscan" and "port" not in row["command"].split(" -p")[0]]
    told = 0
    for row in runs[:4]:
        for scan in examine([row["file"]]).scans:
            if "start_s" in scan.maker.parameters:
                told += 1
                assert 0 <= scan.first_ns // 10**9 - scan.maker.parameters["start_s"].value <= 3
    assert told >= 2


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
    assert parameters("masscan", rows.masscan(ip_tos=0x28, tcp_sport=61000)) == {}
