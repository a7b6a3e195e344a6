from __future__ import annotations

import pytest

from craftmark.tools.compare import Comparer
from craftmark.tools.load import load_rules
from tests.tools import dossiers as d
from tests.tools import rows

RULES = load_rules()


def compare(tool: str, made, *marks):
    return Comparer(RULES, d.with_relations(made, RULES.relations), marks).compare(RULES.by_id[tool])


def test_the_best_mode_tells_the_version():
    assert [mode.versions for mode in compare("zmap", rows.zmap_2()).modes] == ["1.0 - 2.1.1"]
    assert [mode.versions for mode in compare("zmap", rows.zmap_4()).modes] == [">= 4.1.0"]
    assert compare("masscan", rows.masscan(1025, ("MSS",))).mode.id == "syn-2023"


def test_every_line_has_its_denominator():
    lines = compare("masscan", rows.masscan()).agrees
    assert "ip_id == low16(ip_dst ^ tcp_dport ^ tcp_seq) in 300 of 300" in lines[0].text
    assert lines[0].log10_chance == pytest.approx(-300)


def test_a_field_that_the_input_cannot_show_is_silent_not_denied():
    comparison = compare("nmap", d.unseen(rows.nmap(), "tcp_seq", "tcp_ack"))
    assert not any(line.field in ("tcp_seq", "tcp_ack") for line in comparison.disagrees)
    assert {"tcp_seq", "tcp_ack"} <= {line.field for line in comparison.silent}


def test_nmap_is_ruled_out_by_one_ip_id_with_the_odds_over_all_draws():
    comparison = compare("nmap", rows.libnet())
    assert comparison.eliminated
    assert comparison.disagrees[0].text == (
        "nmap draws the IP ID anew for each probe, also if the sources are its decoys; "
        "ip_id = 242 in 3,072 of 3,072: 10^-4927"
    )


def test_a_tool_that_never_sends_these_control_bits_is_ruled_out_by_them():
    comparison = compare("zmap", rows.libnet())
    assert comparison.eliminated
    assert any(line.field == "tcp_flags" and "FIN+RST+PSH" in line.text for line in comparison.disagrees)


def test_a_tool_without_such_probes_at_all_is_ruled_out_where_its_probes_are_all_known():
    comparison = compare("back-orifice", rows.libnet())
    assert comparison.eliminated
    assert comparison.reason == "Back Orifice sends no tcp probes"


def test_a_tool_whose_probes_are_not_all_known_is_not_ruled_out_by_the_protocol():
    comparison = compare("icmpush", rows.libnet())
    assert not comparison.eliminated
    assert not comparison.visible


def test_what_asks_the_system_to_send_did_not_send_what_no_stack_sends():
    comparison = compare("bo2k", rows.libnet())
    assert comparison.eliminated
    assert any("asks the system to send" in line.text for line in comparison.disagrees)


@pytest.mark.parametrize("tool", ["hping", "nping", "scapy", "mausezahn", "packit", "sendip", "nemesis"])
def test_a_free_form_crafter_is_never_ruled_out_by_packets(tool: str):
    for made in (rows.libnet(), rows.zmap_4(), rows.nmap(), rows.linux()):
        assert not compare(tool, made).eliminated


def test_a_tos_rewritten_on_the_way_rules_nobody_out():
    assert not compare("masscan", rows.masscan(ip_tos=0x28)).eliminated
    assert not compare("nmap", rows.nmap(ip_tos=0x28)).eliminated


def test_a_field_set_by_an_option_names_the_option_and_rules_nobody_out():
    comparison = compare("masscan", rows.masscan(ttl=200))
    assert not comparison.eliminated
    assert [line.option for line in comparison.disagrees] == ["--ttl"]


def test_fragments_of_a_probe_do_not_rule_nmap_out():
    made = rows.nmap(ip_flags=1)
    assert not compare("nmap", made).eliminated


def test_with_a_trusted_clock_only_versions_of_that_day_are_compared():
    made = d.with_relations(rows.zmap_4(), RULES.relations)
    before = Comparer(RULES, made, (), when=20200101).compare(RULES.by_id["zmap"])
    assert before.eliminated
    assert before.mode.id in ("syn-v1", "syn-v3")
    assert not Comparer(RULES, made, (), when=20250101).compare(RULES.by_id["zmap"]).eliminated
