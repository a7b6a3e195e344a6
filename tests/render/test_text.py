from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from craftmark.render.conclusion import headline, sentences
from craftmark.render.layout import NARROWEST
from craftmark.render.text import DETAILED, LISTED, knows_tool, render_text, render_why
from craftmark.report.document import (
    AnswerSeen,
    Campaign,
    IcmpKind,
    Maker,
    OneSender,
    Part,
    Ports,
    Report,
    Sender,
    Source,
    Spoofing,
)
from craftmark.report.examined import Damage
from tests.report.fixture_2000 import log_report, report, scan, tools
from tests.report.strategies import reports

ANSI = re.compile(r"\x1b\[[0-9;]*m")


def _words(page: str) -> str:
    return " ".join(page.split())


def _with_scan(**changes):
    return replace(report(), scans=(replace(scan(), **changes),))


def test_the_first_line_is_the_conclusion():
    first = render_text(report()).splitlines()[0]
    assert first == "One scan in 3,072 packets. S1: port scan, crafted with libnet 1.0 sample programs 1.0.x."


def test_the_sentences_say_what_who_who_not_how_far_what_for():
    said = "\n".join(sentences(scan()))
    assert "sent 3,072 TCP FIN+RST+PSH packets to ports 1-1024 of 172.16.1.101, in rising order, within 13.6 s" in said
    assert "from 20 May 2000 17:06:45.061034 UTC on" in said
    assert "Made with libnet 1.0 sample programs 1.0.x: 2 marks agree (10^-31 that other code would show them)." in said
    assert "which program sent them stays open" in said
    assert "Not made with nmap, masscan, zmap, unicornscan, mirai, juno, pnscan, back-orifice or bo2k." in said
    assert "at odds of 10^-41 or less: hping, nping, packit and scapy." in said
    assert "Most likely 4 hops away: initial TTL 48 (86 %); one sender for all sources." in said
    assert "What it could learn: nothing about ports" in said
    assert "Why: unexplained (60 %)" in said


def test_every_eliminated_tool_has_its_reason_and_number_on_the_page():
    page = _words(render_text(report()))
    assert "eliminated back-orifice Back Orifice sends no TCP probes by ip_id = 242 in 3,072 of 3,072: 10^-4927" in page
    assert "nmap nmap draws the IP ID anew for each probe, also if the sources are its decoys unicornscan" in page
    assert "juno juno's sequence number is drawn anew per probe the same: pnscan" in page


def test_tools_that_are_not_eliminated_have_their_price_on_the_page():
    page = _words(render_text(report()))
    assert "hping: 10, 10^-41 nping: 10, 10^-41 packit: 10, 10^-41 scapy: 11, 10^-44" in page


def test_every_constant_stands_with_its_count():
    page = _words(render_text(report()))
    assert "constant in 3,072 of 3,072 probes" in page
    for statement in ("ip_tos = 0x10", "ip_id = 242", "ip_ttl = 44", "tcp_seq = 0xA1D95", "tcp_flags = FIN+RST+PSH"):
        assert statement in page


@pytest.mark.parametrize("width", [40, 56, 80, 100, 120])
def test_no_line_is_wider_than_the_terminal(width):
    for verbosity in (0, 1, 2):
        page = render_text(report(), verbosity=verbosity, width=width)
        assert max(map(len, page.splitlines())) <= max(width, NARROWEST)


def test_verbosity_adds_below_and_changes_no_conclusion():
    plain, verbose, everything = (render_text(report(), verbosity=n) for n in (0, 1, 2))
    conclusion = plain.split("\n\nsent ")[0]
    assert verbose.startswith(conclusion)
    assert everything.startswith(conclusion)
    assert "S1.M4" not in plain
    assert "S1.M4           constant" in verbose
    assert "individual, 10^-14788 by accident, packets #1 #2 #3" in _words(verbose)
    assert "tcp_seq = 0xA1D95: 3,072 of 3,072" in everything


def test_colour_changes_nothing_but_colour():
    coloured = render_text(report(), verbosity=2, colour=True)
    assert coloured != ANSI.sub("", coloured)
    assert ANSI.sub("", coloured) == render_text(report(), verbosity=2)


def test_a_log_without_a_year_shows_its_own_time_and_what_it_cannot_show():
    page = _words(render_text(log_report()))
    assert "from 05-20 17:06:45.061034 on" in page
    assert "its clock: no-year" in page
    assert "it cannot show tcp_urp and ip_sum" in page


def _spoil(made: Report) -> Report:
    bad = "\x1b]0;owned\x07\u202e\u2028\x9b2J\n"
    one = made.scans[0]
    maker = replace(one.maker, kind_why=(bad,), tools=tuple(replace(tool, reason=bad, tool=bad) for tool in tools()))
    spoiled = replace(
        one,
        sources=(Source(bad, 1, "undecided"),),
        sources_total=1,
        toolmarks=tuple(replace(mark, statement=bad) for mark in one.toolmarks),
        maker=maker,
        answers=replace(one.answers, reach=bad),
        first_ns=None,
        first_text=bad,
    )
    damaged = replace(made.inputs[0], name=bad, notes=(bad,), damage=(Damage(1, 2, bad),), damage_total=1)
    return replace(made, scans=(spoiled,), inputs=(damaged,), craftmark=bad)


def test_nothing_from_a_packet_or_a_name_reaches_the_terminal_unescaped():
    for page in (render_text(_spoil(report()), verbosity=2), render_why(_spoil(report()), "x\x1b[2J")):
        assert all(char == "\n" or char.isprintable() for char in page)
    assert "\\x1b]0;owned\\x07\\u202e" in _words(render_text(_spoil(report())))


@settings(
    max_examples=40,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # shrinking a whole report takes minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(reports())
def test_any_report_becomes_a_page_of_printable_lines(made):
    for verbosity in (0, 2):
        page = render_text(made, verbosity=verbosity)
        assert page.endswith("\n")
        assert all(char == "\n" or char.isprintable() for char in page)
        assert max(map(len, page.splitlines())) <= 100


def test_no_scan_is_said_plainly_with_the_traffic():
    empty = replace(report(), scans=(), scans_total=0, claims=())
    page = render_text(replace(empty, traffic=replace(empty.traffic, probe=0, ordinary=3000, backscatter=72)))
    assert page.startswith("No scan in 3,072 packets.\n")
    assert "72 of backscatter and 3,000 ordinary" in page


def _many(number):
    scans = tuple(replace(scan(), id=f"S{place}") for place in range(1, number + 1))
    return replace(report(), scans=scans, scans_total=number, floods=(replace(scan(), id="F1"),), floods_total=1)


def test_several_scans_are_listed_first_and_floods_are_called_so():
    page = render_text(_many(2))
    assert page.startswith("2 scans and 1 flood in 3,072 packets.\n")
    assert "S2: port scan, crafted" in page
    assert "F1: flood, crafted" in page


def test_many_scans_are_listed_and_the_first_shown_whole():
    page = render_text(_many(60))
    assert page.count("\nsent ") == DETAILED
    assert "and 21 more" in page
    assert len(re.findall(r"^S\d+  +TCP FIN\+RST\+PSH", page, flags=re.MULTILINE)) == LISTED


def test_damage_and_its_place_are_on_the_page():
    places = tuple(Damage(17 + n, 2048, "record length 4 GB") for n in range(5))
    hurt = replace(report(), inputs=(replace(report().inputs[0], damage=places, damage_total=9),))
    page = render_text(hurt)
    assert "damaged at packet 17, byte 2,048: record length 4 GB" in page
    assert "and 6 more damaged places" in page


def test_the_comparison_with_one_tool_stands_line_by_line():
    page = render_why(report(), "libnet-1.0-samples")
    assert "libnet-1.0-samples 1.0.x: identification" in page
    assert "agrees          ip_id = 242: 3,072 of 3,072 (libnet 1.0 example tcp.c)" in page
    assert "silent          payload: the packets have none" in page


def test_asking_for_a_tool_without_a_rule_names_those_there_are():
    assert not knows_tool(report(), "nmpa")
    assert _words(render_why(report(), "nmpa")).startswith("no rule is called nmpa; known are back-orifice, bo2k,")


def test_parts_answers_and_campaigns_are_shown():
    parts = (Part("icmp", None, IcmpKind(8, 0), 12), Part("tcp", ("SYN",), None, 12), Part("47", None, None, 1))
    answers = replace(scan().answers, seen=(AnswerSeen("closed", "rst+ack", 9, Ports(9, "1-9")),), both_ways=True)
    made = replace(_with_scan(parts=parts, answers=answers), campaigns=(Campaign("K1", ("S1",), "one tool", -9.0, ()),))
    page = _words(render_text(made))
    assert "packets of 3 kinds (ICMP type 8 code 0, TCP SYN and IP protocol 47)" in page
    assert "closed: rst+ack, 9 packets (9 ports: 1-9)" in page
    assert "K1 one tool: S1" in page


def test_what_cannot_be_told_is_said_and_not_filled_in():
    sender = Sender((), "no TTL is visible", Spoofing("spoofed", 0.97, ()), OneSender("several", 0.9, ()))
    maker = Maker("undecided", (), "unsuitable", None, None, 0.0, (), {})
    said = "\n".join(sentences(replace(scan(), sender=sender, maker=maker, first_ns=None, duration_ns=None)))
    assert "too little was seen to tell" in said
    assert "cannot be told (no TTL is visible); several senders; the source addresses are spoofed (97 %)" in said
    assert "within" not in said


def test_a_tool_that_cannot_be_told_from_others_is_named_with_them():
    fits = tuple(tool for tool in tools() if tool.conclusion == "inconclusive")
    maker = Maker("crafted", ("no stack does",), "inconclusive", None, None, 0.5, fits, {})
    said = "\n".join(sentences(replace(scan(), maker=maker)))
    assert "By which tool cannot be told: hping, nping, packit and scapy would fit." in said
    assert headline(replace(scan(), maker=maker)) == "port scan, crafted"


def test_the_order_told_is_that_of_ports_or_of_targets_and_of_nothing_else():
    of_sources = tuple(replace(mark, fields=("ip_src",)) for mark in scan().toolmarks if mark.kind == "order")
    assert "order" not in next(sentences(replace(scan(), toolmarks=of_sources)))
    of_targets = tuple(replace(mark, fields=("ip_dst",)) for mark in of_sources)
    swept = replace(scan(), toolmarks=of_targets, ports=Ports(1, "22"), targets_total=254, shape="address")
    assert "to port 22 of 254 addresses, in rising order" in next(sentences(swept))


def test_one_flood_is_told_as_one_and_teaches_nothing():
    page = render_text(replace(_many(0), scans_total=0, claims=()))
    assert page.startswith("One flood in 3,072 packets. F1: flood, crafted with")
    assert "What it could learn" not in page


def test_long_lists_of_ports_are_wrapped_between_ports():
    ranges = ",".join(f"{port}-{port + 1}" for port in range(1000, 60_000, 700))
    page = render_text(_with_scan(ports=Ports(170, ranges)))
    assert not re.search(r"^ *-\d", page, flags=re.MULTILINE)
