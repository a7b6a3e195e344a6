"""What is a scan: planted captures of each thing that is one, and of each that is none."""

from __future__ import annotations

import numpy as np
import pytest

from craftmark.packets import fields as f
from craftmark.scans.scans import find
from tests.scans.traffic import (
    DAY,
    HOUR,
    LINUX,
    MS,
    NMAP,
    RST_ACK,
    SCANNER,
    SECOND,
    SHAPES,
    SYN_ACK,
    US,
    Traffic,
    finished_of,
    host,
)

FRP = f.FIN | f.RST | f.PSH


def port_scan(traffic, *, src=SCANNER, ports=range(1, 101), gap=MS, at=0, **words):
    for number, port in enumerate(ports):
        answer = "open" if port in (22, 80) else "closed"
        traffic.syn_probe(at + number * gap, src, US, port, answer=answer, **words)
    return traffic


def sizes(found):
    return [scan.probes for scan in found.scans], [flood.probes for flood in found.floods]


def nothing(traffic):
    found = traffic.found()
    assert sizes(found) == ([], [])
    return found


# What is a scan.


def test_a_port_scan_is_one_scan_and_its_answers_are_answers():
    found = port_scan(Traffic()).found()
    assert sizes(found) == ([100], [])
    assert found.traffic == {
        "ordinary": 0, "probe": 100, "answer": 102, "backscatter": 0, "flood": 0, "undecoded": 0,
    }  # fmt: skip


def test_a_port_scan_by_a_standard_stack_is_a_scan():
    traffic = Traffic()
    for port in range(1, 31):
        traffic.connect(port * MS, SCANNER, US, (30000 + port, port), answer="closed")
    assert sizes(traffic.found()) == ([30], [])


def test_an_address_scan_is_one_scan():
    traffic = Traffic()
    for number in range(60):
        traffic.syn_probe(number * MS, SCANNER, host("198.51.100.0", number), 23)
    assert sizes(traffic.found()) == ([60], [])


def test_a_slow_scan_over_weeks_is_one_scan():
    """One probe in eight hours, among a browser's work."""
    traffic = port_scan(Traffic(), ports=range(1, 61), gap=8 * HOUR)
    for number in range(200):
        traffic.connect(number * HOUR, US, host("192.0.2.0", number % 40), (40000 + number, 443))
    found = traffic.found()
    assert sizes(found) == ([60], [])
    assert found.scans[0].last_ns - found.scans[0].first_ns == 59 * 8 * HOUR > 19 * DAY


@pytest.mark.parametrize("flags", [0, f.FIN, f.FIN | f.PSH | f.URG, FRP, f.SYN | f.FIN])
def test_control_bits_that_no_connection_shows_are_a_scan(flags):
    traffic = Traffic()
    for port in range(1, 41):
        traffic.tcp(port * MS, SCANNER, US, (40000, port), flags, seq=5)
    assert sizes(traffic.found()) == ([40], [])


def test_acknowledgments_out_of_nowhere_are_a_scan():
    traffic = Traffic()
    for port in range(1, 41):
        traffic.tcp(port * MS, SCANNER, US, (40000, port), f.ACK_BIT, seq=5, ack=9)
        traffic.tcp(port * MS + 1, US, SCANNER, (port, 40000), f.RST, seq=9)
    assert sizes(traffic.found()) == ([40], [])


def test_a_udp_port_scan_is_a_scan():
    traffic = Traffic()
    for port in range(1, 41):
        traffic.udp(port * MS, SCANNER, US, (50000, port), payload=0)
        traffic.refusal(port * MS + 1, US, SCANNER, (US, f.UDP, 50000, port))
    found = traffic.found()
    assert sizes(found) == ([40], [])
    assert found.traffic["answer"] == 40


def test_a_udp_scan_of_high_ports_from_one_ephemeral_port_is_a_scan():
    """It has the look of answers to many clients, but for its source port and for ports side by side."""
    traffic = Traffic()
    for port in range(1000, 1151):
        traffic.udp(port * MS, SCANNER, US, (44318, port), payload=0)
        traffic.udp(port * MS, SCANNER, US, (44319, port), payload=0)
    assert sizes(traffic.found()) == ([302], [])


def test_a_few_empty_pings_of_one_host_are_no_scan_and_many_are():
    for count, scans in ((5, []), (30, [30])):
        traffic = Traffic()
        for number in range(count):
            traffic.icmp(number * SECOND, SCANNER, US, (8, 0), icmp_id=9, icmp_seq=number * 256, payload_len=0)
        assert sizes(traffic.found()) == (scans, [])


def test_a_protocol_scan_is_one_scan():
    traffic = Traffic()
    for protocol in range(1, 60):
        traffic.packet(protocol * MS, SCANNER, US, protocol, **({"icmp_type": 8} if protocol == f.ICMP else {}))
    found, _ = sizes(traffic.found())
    assert len(found) == 1
    assert found[0] >= 55


def test_a_ping_sweep_is_a_scan_and_a_ping_is_none():
    traffic = Traffic()
    for number in range(1, 31):
        traffic.icmp(number * MS, SCANNER, host("198.51.100.0", number), (8, 0), icmp_id=4, icmp_seq=number)
    assert sizes(traffic.found()) == ([30], [])
    traffic = Traffic()
    for number in range(1, 31):
        traffic.icmp(number * SECOND, SCANNER, US, (8, 0), icmp_id=4, icmp_seq=number)
        traffic.icmp(number * SECOND + MS, US, SCANNER, (0, 0), icmp_id=4, icmp_seq=number)
    nothing(traffic)


def test_asking_for_a_whole_lan_by_arp_is_a_scan_and_ordinary_arp_is_none():
    traffic = Traffic()
    for number in range(1, 255):
        traffic.arp(number * MS, "192.168.1.66", host("192.168.1.0", number))
        if number % 50 == 0:
            traffic.arp(number * MS + 1, host("192.168.1.0", number), "192.168.1.66", operation=2)
    found = traffic.found()
    assert sizes(found) == ([254], [])
    assert found.traffic["answer"] == 5
    traffic = Traffic()
    for number in range(300):
        asker, asked = host("192.168.1.0", number % 12), host("192.168.1.0", (number + 1) % 12)
        traffic.arp(number * SECOND, asker, asked)
        traffic.arp(number * SECOND + MS, asked, asker, operation=2)
    nothing(traffic)


def test_a_traceroute_is_found_as_few_probes_of_one_host():
    traffic = Traffic()
    for ttl in range(1, 17):
        traffic.tcp(ttl * MS, SCANNER, US, (40000 + ttl, 80), f.SYN, ip_ttl=ttl, layout=NMAP)
        traffic.icmp(ttl * MS + 1, host("10.0.0.0", ttl), SCANNER, (11, 0), notes=f.NOTE_QUOTE)
    scans, floods = sizes(traffic.found())
    assert (scans, floods) == ([16], [])


def test_scans_over_ipv6_are_found():
    traffic = Traffic()
    for port in range(1, 41):
        traffic.syn_probe(port * MS, "2001:db8::66", "2001:db8::10", port)
    assert sizes(traffic.found()) == ([40], [])


# What is none.


@pytest.mark.parametrize("connections", [300, 1500])
def test_a_busy_server_is_no_scan(connections):
    """More than 1,024 packets of one strand are sampled; their conversations must still be known as such."""
    traffic = Traffic()
    for number in range(connections):
        client = host("192.0.2.0", number % 7)
        traffic.connect(number * 20 * MS, client, US, (20000 + number, 80))
    found = nothing(traffic)
    assert found.traffic["ordinary"] == 7 * connections


def test_a_busy_server_with_one_client_is_no_scan_when_its_strands_are_sampled():
    traffic = Traffic()
    for number in range(1500):
        traffic.connect(number * 20 * MS, "192.0.2.7", US, (20000 + number, 80))
    found = nothing(traffic)
    assert found.traffic["ordinary"] == 7 * 1500


def crawler(connections, sites):
    traffic = Traffic()
    for number in range(connections):
        traffic.connect(number * 20 * MS, US, host("192.0.2.0", number % sites), (10000 + number, 443))
    return traffic


@pytest.mark.parametrize("sites", [10, 100])
@pytest.mark.parametrize("capacity", [1024, 64, 16])
def test_a_crawler_is_no_scan_however_few_of_its_packets_are_known(sites, capacity):
    """Samples hold whole conversations, so that a connection is known to be completed."""
    finished = finished_of(crawler(600, sites).batch(), capacity=capacity)
    assert sizes(find(finished, SHAPES)) == ([], [])


@pytest.mark.parametrize("capacity", [1024, 64])
def test_a_scan_is_found_among_a_hosts_own_work_however_little_is_known(capacity):
    traffic = crawler(600, 100)
    for number in range(1, 401):
        answer = "none" if number % 10 else "closed"
        traffic.syn_probe(number * 20 * MS, US, "203.0.113.5", number, answer=answer)
    found = find(finished_of(traffic.batch(), capacity=capacity), SHAPES)
    assert [scan.probes for scan in found.scans] == [400]


def test_answers_to_a_scan_that_nobody_saw_are_no_scan():
    """A capture of one direction: a host refuses port by port what some scanner sent from one port."""
    traffic = Traffic()
    for port in range(1, 301):
        traffic.tcp(port * MS, US, "203.0.113.5", (port, 40000), RST_ACK, ack=5, seq=0, tcp_win=0)
    found = nothing(traffic)
    assert found.traffic["backscatter"] == 300


def test_a_browser_with_forty_sites_is_no_scan():
    traffic = Traffic()
    for site in range(40):
        for number in range(4):
            answer = "none" if site % 9 == 0 and number == 3 else "open"
            traffic.connect(
                site * SECOND + number * MS,
                US,
                host("192.0.2.0", site),
                (30000 + site * 4 + number, 443),
                answer=answer,
            )
    nothing(traffic)


def test_a_dns_client_and_a_resolver_are_no_scan():
    traffic = Traffic()
    for number in range(300):
        traffic.udp(number * MS, US, "192.0.2.53", (20000 + number * 7, 53))
        traffic.udp(number * MS + 1000, "192.0.2.53", US, (53, 20000 + number * 7))
    for number in range(300):
        server = host("203.0.113.0", number % 120)
        traffic.udp(number * MS, "192.0.2.53", server, (20000 + number * 11, 53))
        traffic.udp(number * MS + 1000, server, "192.0.2.53", (53, 20000 + number * 11))
    nothing(traffic)


def test_peers_are_no_scan():
    """Peers listen on ports of their own; half of those who are tried have left."""
    traffic = Traffic()
    for number in range(80):
        peer, port = host("203.0.113.0", number), 10000 + number * 613 % 50000
        traffic.udp(number * 100 * MS, US, peer, (6881, port))
        if number % 2:
            traffic.udp(number * 100 * MS + MS, peer, US, (port, 6881))
        answer = "open" if number % 3 else "none"
        traffic.connect(number * 100 * MS, US, peer, (30000 + number, port), answer=answer)
    nothing(traffic)


@pytest.mark.parametrize("flags", [SYN_ACK, RST_ACK])
def test_backscatter_is_no_scan(flags):
    """A flooded server answers sources it never heard of: one port, to many high ports of many addresses."""
    traffic = Traffic()
    for number in range(400):
        target = host("198.51.100.0", int(traffic.rng.integers(256)))
        traffic.tcp(number * MS, "192.0.2.80", target, (80, int(traffic.rng.integers(1024, 65536))), flags)
    found = nothing(traffic)
    assert found.traffic["backscatter"] == 400


def test_icmp_backscatter_is_no_scan():
    traffic = Traffic()
    for number in range(300):
        traffic.icmp(number * MS, "192.0.2.80", host("198.51.100.0", number % 256), (3, 3), notes=f.NOTE_QUOTE)
    assert nothing(traffic).traffic["backscatter"] == 300


@pytest.mark.parametrize("answered", [False, True])
def test_a_syn_flood_with_forged_sources_is_a_flood(answered):
    traffic = Traffic()
    for number in range(500):
        forged = str(f"{traffic.rng.integers(1, 224)}.{traffic.rng.integers(256)}.7.{number % 256}")
        port = int(traffic.rng.integers(1024, 65536))
        traffic.tcp(number * MS, forged, US, (port, 80), f.SYN, ip_ttl=50, tcp_win=512)
        if answered:
            traffic.tcp(number * MS + 1, US, forged, (80, port), SYN_ACK, layout=LINUX, df=True)
    found = traffic.found()
    assert sizes(found) == ([], [500])
    assert found.traffic["flood"] == 500
    assert found.traffic["answer"] == (500 if answered else 0)


def test_one_source_that_opens_one_port_again_and_again_is_a_flood():
    traffic = Traffic()
    for number in range(1500):
        traffic.tcp(number * MS, SCANNER, US, (1024 + number, 80), f.SYN, tcp_win=512)
    assert sizes(traffic.found()) == ([], [1500])


def test_password_guessing_is_no_scan():
    """Many connections to one port, completed, with data: guessing, or a busy client."""
    traffic = Traffic()
    for number in range(400):
        traffic.connect(number * SECOND, SCANNER, US, (20000 + number, 22))
    nothing(traffic)


@pytest.mark.parametrize("port", [53, 123])
def test_a_reflection_attack_is_no_scan(port):
    """Answers to questions nobody here asked: from many servers' service port, large, to one or a few ports."""
    traffic = Traffic()
    for number in range(600):
        reflector = host("203.0.112.0", number % 250)
        traffic.udp(number * MS, reflector, US, (port, 4444 if number % 2 else 80), payload=1400)
    found = traffic.found()
    assert sizes(found)[0] == []


def test_one_reflector_that_hits_many_ports_is_no_scan():
    traffic = Traffic()
    for number in range(600):
        traffic.udp(number * MS, "203.0.113.9", US, (53, int(traffic.rng.integers(1024, 65536))), payload=1400)
    assert sizes(traffic.found())[0] == []


def test_retransmissions_into_a_black_hole_are_no_scan():
    traffic = Traffic()
    for connection in range(3):
        for again in range(7):
            at = connection * 100 * MS + (2**again) * SECOND
            traffic.tcp(at, US, "192.0.2.99", (30000 + connection, 443), f.SYN, layout=LINUX, df=True, seq=connection)
    nothing(traffic)


def test_stray_odd_segments_inside_connections_are_no_scan():
    traffic = Traffic()
    for number in range(12):
        traffic.connect(number * SECOND, US, "192.0.2.4", (30000 + number, 80))
        traffic.tcp(number * SECOND + 4 * MS, US, "192.0.2.4", (30000 + number, 80), 0xFF, seq=3, payload_len=3)
    nothing(traffic)


# How many scans.


def test_two_tools_from_one_source_are_two_scans():
    traffic = port_scan(Traffic(), ports=range(1, 101))
    port_scan(traffic, ports=range(200, 300), at=5 * SECOND, layout=(), sport=61000, tcp_win=1025, ip_ttl=240)
    found = traffic.found()
    assert sizes(found)[0] == [100, 100]
    forms = [set(found.scans[n].strands.tolist()) for n in (0, 1)]
    assert not forms[0] & forms[1]


def test_three_sources_with_the_same_marks_at_the_same_target_are_one_scan():
    traffic = Traffic()
    for place, source in enumerate(("192.160.13.4", "192.160.13.7", "192.160.13.6")):
        for port in range(1, 65):
            at = place * 5 * SECOND + port * MS
            traffic.tcp(at, source, US, (31337, port), FRP, seq=0xA1D95, ack=0x53, ip_id=242, ip_ttl=44, ip_tos=16)
    assert sizes(traffic.found()) == ([192], [])


def test_decoys_are_one_scan_with_the_source_that_hides_among_them():
    traffic = Traffic()
    decoys = [host("203.0.113.0", n * 37 % 250) for n in range(5)] + [SCANNER]
    for port in range(1, 101):
        for place, decoy in enumerate(decoys):
            traffic.syn_probe(port * MS + place * 1000, decoy, US, port, sport=41000, seq=1234567, ip_id=port * 7)
    assert sizes(traffic.found()) == ([600], [])


def test_scans_of_one_port_by_strangers_are_not_joined():
    """Three networks, three times, no chosen value shared but the port."""
    traffic = Traffic()
    for place, source in enumerate(("203.0.113.66", "192.0.2.7", "100.64.3.3")):
        for number in range(40):
            at = place * HOUR + number * (place + 1) * MS
            traffic.tcp(
                at, source, host("198.51.100.0", number), (int(traffic.rng.integers(1024, 65536)), 23), f.SYN,
                tcp_win=int(traffic.rng.integers(65536)),
            )  # fmt: skip
    assert sizes(traffic.found()) == ([40, 40, 40], [])


def test_made_up_sources_with_one_packet_each_are_one_scan():
    traffic = Traffic()
    for number in range(40):
        source = f"{traffic.rng.integers(1, 224)}.{traffic.rng.integers(256)}.9.{number}"
        traffic.tcp(number * MS, source, US, (40000, number + 1), FRP, tcp_win=777, ip_ttl=44)
    assert sizes(traffic.found()) == ([40], [])


# All packets, any order.


def mixture():
    traffic = port_scan(Traffic())
    for number in range(60):
        traffic.connect(number * 50 * MS, US, host("192.0.2.0", number % 30), (30000 + number, 443))
        traffic.udp(number * MS, US, "192.0.2.53", (20000 + number, 53))
        traffic.udp(number * MS + 1000, "192.0.2.53", US, (53, 20000 + number))
        traffic.tcp(number * MS, "192.0.2.80", host("198.51.100.0", number), (80, 2000 + number * 3), SYN_ACK)
        traffic.packet(number * MS, "0.0.0.0", "0.0.0.0", f.NOT_IP)
    for number in range(200):
        traffic.tcp(number * MS, f"100.{number}.7.9", "198.51.100.99", (999 + number, 80), f.SYN, tcp_win=512)
    return traffic


def test_the_roles_of_traffic_add_up_to_all_packets():
    traffic = mixture()
    found = traffic.found()
    assert sum(found.traffic.values()) == len(traffic.rows)
    assert found.traffic["undecoded"] == 60
    assert found.traffic["probe"] == 100
    assert found.traffic["flood"] == 200
    assert found.traffic["backscatter"] == 60


def told(found):
    return (
        [(scan.probes, scan.first_ns, scan.last_ns, [part.tolist() for part in scan.parts]) for scan in found.scans],
        [(flood.probes, flood.first_ns, flood.strands.tolist()) for flood in found.floods],
        found.traffic,
        [found.ear.hear(scan.strands) for scan in found.scans],
    )


@pytest.mark.parametrize("budget", [10**6, 500, 60])
def test_the_order_of_batches_changes_nothing(budget):
    traffic = mixture()
    once = told(traffic.found(budget=budget))
    for seed in range(3):
        assert told(traffic.found(pieces=7, seed=seed, budget=budget)) == once


@pytest.mark.parametrize("capacity", [64, 16])
def test_sampling_keeps_the_counts_of_what_is_found(capacity):
    """With few rows kept of each strand the scan of 100 ports is still one of 100 probes."""
    traffic = mixture()
    finished = finished_of(traffic.batch(), capacity=capacity)
    assert finished.evidence.capacity == capacity
    found = find(finished, SHAPES)
    assert sizes(found) == ([100], [200])
    assert sum(found.traffic.values()) == len(traffic.rows)


def test_an_empty_capture_has_nothing_to_find():
    found = Traffic().found()
    assert (sizes(found), sum(found.traffic.values())) == (([], []), 0)


def test_parts_of_a_scan_hold_one_kind_of_probe_each_the_largest_first():
    traffic = Traffic()
    for number in range(1, 41):
        target = host("198.51.100.0", number)
        traffic.icmp(number * MS, SCANNER, target, (8, 0), payload_len=0)
        traffic.syn_probe(number * MS + 1, SCANNER, target, 443)
        traffic.tcp(number * MS + 2, SCANNER, target, (40000, 80), f.ACK_BIT)
        if number % 2:
            traffic.icmp(number * MS + 3, SCANNER, target, (13, 0), payload_len=12)
    finished = finished_of(traffic.batch())
    found = traffic.found()
    assert len(found.scans) == 1
    counts = [int(finished.count[part].sum()) for part in found.scans[0].parts]
    assert sorted(counts, reverse=True) == counts
    assert sum(counts) == found.scans[0].probes == 140
    for part in found.scans[0].parts:
        assert len(np.unique(finished.protocol[part] * 1000 + finished.bits[part])) == 1
