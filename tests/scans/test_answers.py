"""What came back: answers are paired with the probes they answer, by endpoints, quotes and sequence numbers."""

from __future__ import annotations

import pytest

from craftmark.packets import fields as f
from tests.scans.traffic import HOUR, LINUX, MS, NMAP, SCANNER, SECOND, SYN_ACK, US, Traffic, host


def heard(traffic):
    found = traffic.found()
    assert len(found.scans) == 1
    return found.ear.hear(found.scans[0].strands)


def test_open_closed_and_silent_ports_are_told_apart():
    traffic = Traffic()
    for port in range(1, 61):
        answer = {0: "open", 1: "closed", 2: "none"}[port % 3]
        traffic.syn_probe(port * MS, SCANNER, US, port, answer=answer)
    answers = heard(traffic)
    assert answers.counts == {"syn+ack": 20, "rst+ack": 20}
    assert answers.ports["syn+ack"] == tuple(range(3, 61, 3))
    assert answers.ports["rst+ack"] == tuple(range(1, 61, 3))
    assert (answers.answered, answers.both_ways) == (40, True)


def test_nothing_back_is_told_as_nothing():
    traffic = Traffic()
    for port in range(1, 41):
        traffic.syn_probe(port * MS, SCANNER, US, port)
    answers = heard(traffic)
    assert (answers.counts, answers.ports, answers.answered, answers.both_ways) == ({}, {}, 0, False)


def test_traffic_of_others_is_no_answer():
    traffic = Traffic()
    for port in range(1, 41):
        traffic.syn_probe(port * MS, SCANNER, US, port)
        traffic.connect(port * SECOND, "192.0.2.9", US, (30000 + port, 80))
        traffic.tcp(port * MS, US, "192.0.2.77", (80, 2000 + port * 9), f.RST)
    answers = heard(traffic)
    assert (answers.counts, answers.both_ways) == ({}, False)


def test_icmp_errors_are_answers_for_the_port_they_quote():
    traffic = Traffic()
    for port in range(1, 41):
        traffic.udp(port * MS, SCANNER, US, (50000, port), payload=0)
        if port % 2:
            traffic.refusal(port * MS + 1, US, SCANNER, (US, f.UDP, 50000, port))
    answers = heard(traffic)
    assert answers.counts == {"icmp 3/3": 20}
    assert answers.ports == {"icmp 3/3": tuple(range(1, 41, 2))}
    assert answers.both_ways


def test_errors_about_another_protocol_answer_another_scan():
    traffic = Traffic()
    for port in range(1, 41):
        traffic.udp(port * MS, SCANNER, US, (50000, port), payload=0)
        traffic.refusal(port * MS + 1, US, SCANNER, (US, f.UDP, 50000, port))
        traffic.syn_probe(HOUR + port * MS, SCANNER, US, port, answer="closed")
    found = traffic.found()
    counts = [found.ear.hear(scan.strands).counts for scan in found.scans]
    assert sorted(counts, key=str) == [{"icmp 3/3": 40}, {"rst+ack": 40}]


def test_a_firewall_between_answers_for_its_hosts():
    """The error comes from a third address; it is the scan's answer because it goes to the scan's source."""
    traffic = Traffic()
    for port in range(1, 21):
        traffic.syn_probe(port * MS, SCANNER, US, port)
        traffic.refusal(port * MS + 1, "198.51.100.1", SCANNER, (US, f.TCP, 40000, port))
    assert heard(traffic).counts == {"icmp 3/3": 20}


def test_echo_replies_and_arp_replies_have_their_names():
    traffic = Traffic()
    for number in range(1, 21):
        target = host("198.51.100.0", number)
        traffic.icmp(number * MS, SCANNER, target, (8, 0), icmp_seq=number)
        if number < 4:
            traffic.icmp(number * MS + 1, target, SCANNER, (0, 0), icmp_seq=number)
    assert heard(traffic).counts == {"echo reply": 3}
    traffic = Traffic()
    for number in range(1, 41):
        traffic.arp(number * MS, "192.168.1.66", host("192.168.1.0", number))
    traffic.arp(SECOND, "192.168.1.9", "192.168.1.66", operation=2)
    assert heard(traffic).counts == {"arp reply": 1}


def test_udp_replies_are_counted_with_their_ports():
    traffic = Traffic()
    for number in range(1, 41):
        traffic.udp(number * MS, SCANNER, US, (50000, number))
    traffic.udp(SECOND, US, SCANNER, (7, 50000), payload=9)
    answers = heard(traffic)
    assert (answers.counts, answers.ports) == ({"udp reply": 1}, {"udp reply": (7,)})


def connect_scan(traffic, right):
    """Every tenth port is open; the source then acknowledges the target's number, or one it cannot know."""
    for port in range(1, 41):
        sport, server = 30000 + port, int(traffic.rng.integers(1 << 32))
        traffic.tcp(port * MS, SCANNER, US, (sport, port), f.SYN, layout=LINUX, df=True, seq=port)
        if port % 10:
            continue
        traffic.tcp(port * MS + 1, US, SCANNER, (port, sport), SYN_ACK, seq=server, ack=port + 1, layout=LINUX, df=True)
        acknowledged = (server + 1 if right else server + 0x7000_0000) % (1 << 32)
        traffic.tcp(port * MS + 2, SCANNER, US, (sport, port), f.ACK_BIT, seq=port + 1, ack=acknowledged, df=True)
    return traffic


def test_a_handshake_counts_as_completed_only_with_the_right_acknowledgment():
    assert heard(connect_scan(Traffic(), right=True)).completed == {SCANNER: 4}
    assert heard(connect_scan(Traffic(), right=False)).completed == {}


def test_resets_of_the_sources_own_stack_show_its_ttl():
    traffic = Traffic()
    for port in range(1, 41):
        traffic.syn_probe(port * MS, SCANNER, US, port, answer="open", ip_ttl=30 + port % 7)
    answers = heard(traffic)
    assert answers.reset_ttls == {SCANNER: (60,)}
    assert answers.counts == {"syn+ack": 40}


@pytest.mark.parametrize("again", [1, 2])
def test_ports_probed_again_are_counted_by_whether_they_answered(again):
    traffic = Traffic()
    for port in range(1, 41):
        traffic.syn_probe(port * MS, SCANNER, US, port, answer="closed" if port % 2 else "none")
        if port % 2 == 0:
            for number in range(1, again + 1):
                traffic.syn_probe(number * SECOND + port * MS, SCANNER, US, port, sport=40000 + number)
    answers = heard(traffic)
    assert answers.answered_again == (0, 20)
    assert answers.unanswered_again == (20, 20)


def test_each_scan_hears_only_its_own_answers():
    traffic = Traffic()
    for port in range(1, 41):
        traffic.syn_probe(port * MS, SCANNER, US, port, answer="closed")
        traffic.syn_probe(
            port * MS, "192.0.2.9", host("198.51.100.100", port), 23, sport=1024 + port * 3, layout=(), tcp_win=port
        )
    found = traffic.found()
    counts = [found.ear.hear(scan.strands).counts for scan in found.scans]
    assert sorted(counts, key=len) == [{}, {"rst+ack": 40}]


def test_answers_to_a_sampled_scan_are_heard():
    """Of 2,000 probes and answers a sample is known; both ways and the kinds still show."""
    traffic = Traffic()
    for port in range(1, 2001):
        traffic.syn_probe(port * MS, SCANNER, US, port, answer="closed", layout=NMAP)
    found = traffic.found()
    answers = found.ear.hear(found.scans[0].strands)
    assert set(answers.counts) == {"rst+ack"}
    assert answers.both_ways
