"""What a scan could teach its sender, in words that name what answers and what does not."""

from __future__ import annotations

import pytest

from craftmark.assess.base import AnswersSeen
from craftmark.assess.reach import assess_reach, claim_of_reach
from craftmark.packets.fields import ACK_BIT, FIN, ICMP, SYN, TCP, UDP
from craftmark.stacks.respond import predict


def reach_of(subject):
    part = subject.main
    return assess_reach(subject, predict(part.protocol, part.control_bits, icmp=part.icmp))


def test_fin_rst_psh_teaches_nothing_of_ports_and_the_exceptions_are_named(odd_scan):
    reach = reach_of(odd_scan)
    assert reach.text.startswith("Nothing about ports: no stack that follows RFC 9293 answers FIN+RST+PSH")
    assert (reach.nothing, reach.tells_ports, reach.tells_rules) == (True, False, True)
    assert "RST in LISTEN and CLOSED is dropped" in reach.text
    for exception in (
        "Linux 6.18.44 (REJECT with icmp-port-unreachable) answers ICMP 3/3 (port unreachable)",
        "Linux 6.18.44 (REJECT with icmp-admin-prohibited) answers ICMP 3/13 (administratively prohibited)",
        "picoTCP 1.7.0-15-g46120abe answers ICMP 3/3 (port unreachable) (closed ports)",
        "libslirp 4.7.0 answers RST+ACK (open and closed ports)",
    ):
        assert exception in reach.exceptions
    assert len(reach.exceptions) == 4
    assert "not open ports" in reach.text


@pytest.mark.parametrize(
    ("bits", "words", "tells_ports"),
    [
        (SYN, "Which ports are open, closed or filtered: SYN gets SYN+ACK", True),
        (FIN, "Which ports are closed: FIN gets RST+ACK", True),
        (0, "Which ports are closed: null gets RST+ACK", True),
        (ACK_BIT, "Which hosts are up and what a filter lets through: ACK gets RST", False),
    ],
)
def test_each_kind_of_probe_teaches_what_its_answers_differ_in(plant, bits, words, tells_ports):
    reach = reach_of(plant({"tcp_dport": [1, 2]}, control_bits=bits))
    assert reach.text.startswith(words)
    assert reach.tells_ports is tells_ports
    assert not reach.nothing


def test_an_echo_request_tells_which_hosts_are_up_and_a_reply_nothing(plant):
    echo = reach_of(plant({"icmp_id": 1}, protocol=ICMP, icmp=(8, 0), shape="host"))
    reply = reach_of(plant({"icmp_id": 1}, protocol=ICMP, icmp=(0, 0), shape="host"))
    assert "a live host sends an echo reply" in echo.text
    assert reply.text.startswith("Nothing")


def test_udp_leaves_open_and_filtered_alike(plant):
    assert "silence is an open or a filtered port" in reach_of(plant({"udp_dport": [1]}, protocol=UDP)).text


def test_invisible_control_bits_leave_the_question_open(plant):
    assert "cannot be said" in reach_of(plant({"tcp_dport": [1]}, control_bits=None)).text


def test_the_answers_of_the_capture_are_counted(plant):
    answers = AnswersSeen(counts={"rst+ack": 3, "syn+ack": 1, "none": 0}, answered_probes=4, both_ways=True)
    text = reach_of(plant({"tcp_dport": [1, 2, 3, 4, 5]}, answers=answers)).text
    assert "4 of 5 probes were answered (3 RST+ACK, 1 SYN+ACK)" in text


def test_silence_counts_only_where_answers_would_be_seen(plant):
    seen = reach_of(plant({"tcp_dport": [1, 2]}, answers=AnswersSeen(both_ways=True))).text
    unseen = reach_of(plant({"tcp_dport": [1, 2]})).text
    assert "none of the 2 probes was answered" in seen
    assert "cannot be seen here" in unseen


def test_the_claim_that_nothing_can_be_learnt_cites_the_sections(odd_scan):
    predictions = predict(TCP, odd_scan.main.control_bits)
    claim = claim_of_reach(odd_scan, assess_reach(odd_scan, predictions), predictions)
    assert claim.confidence == "strong"
    assert any("RFC 9293 section 3.10.7.1" in reason for reason in claim.for_)
    assert any("libslirp" in reason for reason in claim.against)


def test_no_such_claim_where_ports_answer_differently(plant):
    subject = plant({"tcp_dport": [1]})
    assert claim_of_reach(subject, reach_of(subject), predict(TCP, SYN)) is None
