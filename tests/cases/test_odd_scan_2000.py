"""The scan of May 2000, from either form, as facts: what was sent, by what, and what it could learn."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from craftmark.pipeline import Settings, examine

EXAMPLES = Path(__file__).parents[2] / "examples"
PCAP, SNORT = "odd-scan-2000.pcap", "odd-scan-2000.snort.txt"
BOTH = pytest.mark.parametrize("form", [PCAP, SNORT])
CONSTANTS = {
    "ip_dst = 172.16.1.101", "ip_proto = 6", "ip_tos = 0x10", "ip_id = 242", "tcp_sport = 31337",
    "tcp_flags = FIN+RST+PSH", "tcp_seq = 0xA1D95", "tcp_ack = 0x53", "tcp_win = 1024",
}  # fmt: skip
ELIMINATED = {"nmap", "masscan", "zmap", "unicornscan", "mirai", "back-orifice", "bo2k"}
CRAFTERS = {"hping", "nping", "scapy", "nemesis", "sendip", "packit", "mausezahn"}


@cache
def report_of(form, **settings):
    return examine([EXAMPLES / form], Settings(**settings))


def scan_of(form, **settings):
    report = report_of(form, **settings)
    assert len(report.scans) == report.scans_total == 1
    return report.scans[0]


def verdicts(scan):
    return {verdict.tool: verdict for verdict in scan.maker.tools}


def test_one_path_alone_is_examined_as_a_list_of_it():
    assert examine(str(EXAMPLES / PCAP)) == examine(EXAMPLES / PCAP) == report_of(PCAP)


@BOTH
def test_it_is_one_scan_of_1024_ports_by_three_sources(form):
    scan, report = scan_of(form), report_of(form)
    assert (scan.shape, scan.protocol, scan.probes) == ("port", "tcp", 3072)
    assert scan.control_bits == ("FIN", "RST", "PSH")
    assert {(source.address, source.probes) for source in scan.sources} == {
        ("192.160.13.4", 1024), ("192.160.13.6", 1024), ("192.160.13.7", 1024),
    }  # fmt: skip
    assert [(target.address, target.probes) for target in scan.targets] == [("172.16.1.101", 3072)]
    assert (scan.ports.total, scan.ports.ranges) == (1024, "1-1024")
    assert report.traffic.probe == 3072
    assert (report.floods, report.floods_total) == ((), 0)


@BOTH
def test_every_constant_stands_with_its_count(form):
    marks = {mark.statement: mark for mark in scan_of(form).toolmarks}
    assert marks.keys() >= CONSTANTS | {"ip_ttl = 44"}
    for statement in CONSTANTS | {"ip_ttl = 44"}:
        assert (marks[statement].held, marks[statement].seen) == (3072, 3072)
        assert marks[statement].packets[0].packet == 1


@BOTH
def test_the_ports_rise(form):
    orders = [mark for mark in scan_of(form).toolmarks if mark.kind == "order"]
    assert any("tcp_dport rises by 1 from 1 to 1024" in mark.statement and mark.held == 3072 for mark in orders)


@BOTH
def test_it_is_crafted_with_the_values_of_libnets_samples(form):
    maker = scan_of(form).maker
    assert (maker.kind, maker.conclusion, maker.tool) == ("crafted", "identification", "libnet-1.0-samples")
    assert maker.version == "1.0.x"
    assert any("FIN+RST+PSH" in why and "RFC 9293" in why for why in maker.kind_why)
    edited = " ".join(maker.parameters["edited"].value)
    assert "tcp_flags" in edited
    assert "tcp_dport: 1-1024" in edited


@BOTH
def test_tools_that_cannot_send_it_are_eliminated_with_a_reason(form):
    found = verdicts(scan_of(form))
    assert {tool: found[tool].conclusion for tool in ELIMINATED} == dict.fromkeys(ELIMINATED, "elimination")
    assert all(found[tool].disagrees for tool in ELIMINATED)


def test_nmaps_one_ip_id_has_its_probability():
    reasons = " ".join(verdicts(scan_of(PCAP))["nmap"].disagrees)
    assert "IP ID anew for each probe" in reasons
    assert "10^-4927" in reasons


@BOTH
def test_crafters_that_can_be_set_to_it_have_their_price(form):
    found = verdicts(scan_of(form))
    for tool in CRAFTERS:
        assert found[tool].conclusion == "inconclusive"
        assert found[tool].settings_needed >= 5
        assert found[tool].price_log10 < -15


@BOTH
def test_the_sender_is_most_likely_four_hops_away(form):
    hops = scan_of(form).sender.hops
    assert (hops[0].initial_ttl, hops[0].hops) == (48, 4)
    assert {60, 64, 128, 255} <= {hop.initial_ttl for hop in hops}
    assert sum(hop.weight for hop in hops) == pytest.approx(1, abs=1e-4)
    assert all(hop.hops == hop.initial_ttl - 44 for hop in hops)


@BOTH
def test_the_same_code_sent_for_all_sources_and_spoofing_stays_open(form):
    sender = scan_of(form).sender
    assert sender.one_sender.verdict == "one"
    assert sender.spoofing.verdict == "undecided"
    assert {source.spoofing for source in scan_of(form).sources} == {"undecided"}
    assert any("same code" in claim.statement for claim in report_of(form).claims)


@BOTH
def test_it_could_learn_nothing_of_ports(form):
    answers = scan_of(form).answers
    assert "nothing" in answers.reach.lower()
    assert (answers.seen, answers.answered_probes) == ((), 0)
    standard = [one for one in answers.predicted if one.basis == "standard" and one.state in ("open", "closed")]
    assert {one.state: one.answer for one in standard} == {"open": "none", "closed": "none"}
    others = " ".join(f"{one.stack} {one.answer}" for one in answers.predicted if one.answer != "none").lower()
    assert "slirp" in others
    assert "icmp" in others


@BOTH
def test_its_purposes_have_weights_that_add_up(form):
    purposes = scan_of(form).purposes
    assert sum(purpose.weight for purpose in purposes) == pytest.approx(1, abs=1e-3)
    assert "unexplained" in {purpose.id for purpose in purposes}


def test_the_capture_tells_the_date_and_the_log_does_not():
    scan = scan_of(PCAP)
    assert (scan.first_ns, scan.last_ns - scan.first_ns) == (958842405061034000, 13_600_000_000)
    log = scan_of(SNORT)
    assert (log.first_ns, log.duration_ns, log.first_text) == (None, 13_600_000_000, "05/20-17:06:45.061034")
    assert [report_of(form).inputs[0].clock for form in (PCAP, SNORT)] == ["epoch", "no-year"]


def test_what_the_log_cannot_show_is_unseen_and_never_zero():
    unseen = set(report_of(SNORT).inputs[0].unseen)
    assert unseen >= {"ip_ihl", "ip_len", "tcp_urp", "tcp_options"}
    stated = {field for mark in scan_of(SNORT).toolmarks for field in mark.fields}
    assert not unseen & stated
    assert {one.what for one in report_of(SNORT).unseen} >= {"ip_len", "tcp_options"}


def test_both_forms_have_the_same_values_in_their_markprints():
    values = [set(re.split("[,;]", scan_of(form).markprint.values)) for form in (PCAP, SNORT)]
    assert values[1] - values[0] == set()


def test_dates_are_evidence_only_where_the_clock_is_trusted():
    trusted, plain = verdicts(scan_of(PCAP, trust_clock=True)), verdicts(scan_of(PCAP))
    assert trusted["nemesis"].conclusion == "inconclusive"
    late = {tool for tool in trusted if trusted[tool].conclusion == "elimination" != plain[tool].conclusion}
    assert late >= {"nping", "scapy"}
    assert all(any("20" in line for line in trusted[tool].disagrees) for tool in late)
    dateless = verdicts(scan_of(SNORT, trust_clock=True))
    assert {tool: one.conclusion for tool, one in dateless.items()} == {
        tool: one.conclusion for tool, one in verdicts(scan_of(SNORT)).items()
    }
