"""Which packets probe: the direction of what nobody asked for and nobody answered, told by ports and data."""

from __future__ import annotations

import pytest

from craftmark.packets import fields as f
from tests.scans.traffic import MS, RST_ACK, SCANNER, SECOND, SYN_ACK, US, Traffic, host

DECOYS = ("192.160.13.4", "192.160.13.7", "192.160.13.9")
GATEWAY = 0x0A0B0C0D


def sizes(found):
    return [scan.probes for scan in found.scans], [flood.probes for flood in found.floods]


def sweep(ports, payload, addresses=60):
    traffic = Traffic()
    for number in range(addresses):
        traffic.udp(number * MS, SCANNER, host("198.51.100.0", number), ports, payload=payload)
    return traffic.found()


def test_an_empty_datagram_to_one_high_port_of_many_hosts_probes():
    assert sizes(sweep((53222, 40125), 0)) == ([60], [])


def test_an_empty_datagram_from_a_services_port_to_another_services_port_answers_nothing():
    """scapy's source port is 53 unless told."""
    assert sizes(sweep((53, 161), 0)) == ([60], [])
    assert sizes(sweep((53, 161), 60)) == ([], [])


def test_data_between_two_high_ports_shows_no_direction():
    assert sizes(sweep((53222, 40125), 60)) == ([], [])


@pytest.mark.parametrize("service", [1900, 5060, 11211])
def test_data_from_an_ephemeral_port_to_a_service_above_1024_asks_and_the_other_way_answers(service):
    """SSDP, SIP, memcached: who answers that many does so from the service's port."""
    assert sizes(sweep((46528, service), 60)) == ([60], [])
    assert sizes(sweep((service, 46528), 60)) == ([], [])


def test_a_service_asked_from_its_own_port_at_many_hosts_is_probed():
    """IKE from port 500 to port 500."""
    assert sizes(sweep((500, 500), 300)) == ([60], [])


@pytest.mark.parametrize(
    ("port", "question", "answer"),
    [(53, 0x1234_0100, 0x1234_8180), (123, 0x2300_0000, 0x2400_0000), (5060, 0x4F50_5449, 0x5349_502F)],
    ids=["DNS", "NTP", "SIP"],
)
def test_where_both_ends_have_the_services_port_its_data_tells_questions_from_answers(port, question, answer):
    for head, probes in ((question, [60]), (answer, [])):
        traffic = Traffic()
        for number in range(60):
            words = {"sport": port, "dport": port, "payload_len": 48, "payload_head": head}
            traffic.packet(number * MS, SCANNER, host("198.51.100.0", number), f.UDP, **words)
        assert sizes(traffic.found()) == (probes, [])


def test_a_long_scan_by_bare_acknowledgments_is_one_scan_however_few_rows_are_kept():
    """Ports 1 to 6,000 from one high port; its refusals alone would come from few ports to many."""
    traffic = Traffic()
    for port in range(1, 6001):
        traffic.tcp(port * MS, SCANNER, US, (61789, port), f.ACK_BIT)
        traffic.tcp(port * MS + 1, US, SCANNER, (port, 61789), f.RST, df=True)
    assert sizes(traffic.found(capacity=64, budget=256)) == ([6000], [])


def test_empty_datagrams_from_ever_new_ports_to_one_port_probe():
    traffic = Traffic()
    for number in range(100):
        traffic.udp(number * MS, SCANNER, US, (1500 + number, 53), payload=0)
    assert sizes(traffic.found()) == ([100], [])


def test_datagrams_with_data_from_ever_new_ports_to_one_port_are_ordinary():
    traffic = Traffic()
    for number in range(100):
        traffic.udp(number * MS, SCANNER, US, (1500 + number, 53), payload=30)
    assert sizes(traffic.found()) == ([], [])


def test_repeated_answers_to_a_scan_from_decoys_are_no_scan():
    """The scan came before the capture; the answers that were never acknowledged are sent again, three each."""
    traffic = Traffic()
    for number, port in enumerate((21, 22, 25, 80, 110, 143)):
        for decoy in DECOYS:
            for again in range(3):
                traffic.tcp(
                    number * MS + again * 1000 * MS, US, decoy, (port, 64303), SYN_ACK, layout=("MSS",), df=True
                )
    assert sizes(traffic.found()) == ([], [])


def test_answers_of_services_to_two_scanners_ports_are_no_scan():
    traffic = Traffic()
    for number, port in enumerate((21, 22, 25, 80, 110, 143)):
        for target in (53680, 64303):
            traffic.tcp(number * MS, US, DECOYS[0], (port, target), SYN_ACK, layout=("MSS",), df=True)
    assert sizes(traffic.found()) == ([], [])


def asked_by_arp(*, forwarded, own):
    """A host that asks for 60 neighbours, and what else its link address carries: others' packets, and its own."""
    traffic = Traffic()
    for number in range(60):
        traffic.packet(number * MS, "198.51.100.1", host("198.51.100.0", number + 2), f.ARP, arp_op=1, link_src=GATEWAY)
    for number in range(forwarded):
        words = {"sport": 40000 + number, "dport": 443, "payload_len": 40, "link_src": GATEWAY}
        traffic.packet(number * MS, "192.0.2.7", US, f.UDP, **words)
    for number in range(own):
        words = {"sport": 40000 + number, "dport": 443, "payload_len": 40, "link_src": GATEWAY}
        traffic.packet(number * MS, "198.51.100.1", US, f.UDP, **words)
    return traffic.found()


def test_a_host_that_asks_for_its_whole_network_by_arp_scans_it():
    assert sizes(asked_by_arp(forwarded=0, own=8)) == ([60], [])


def test_a_router_asks_by_arp_for_whom_others_seek():
    assert sizes(asked_by_arp(forwarded=8, own=0)) == ([], [])


def test_a_scanner_that_also_sends_for_another_address_scans():
    assert sizes(asked_by_arp(forwarded=4, own=8)) == ([60], [])


def test_option_layouts_of_one_scan_are_kinds_of_probe():
    """A port scan, then the SYNs of an OS detection: five layouts, a packet each."""
    traffic = Traffic()
    for port in range(1, 101):
        traffic.syn_probe(port * MS, SCANNER, US, port, answer="closed")
    layouts = (("SACKOK", "TS", "WS", "EOL"), ("MSS", "SACKOK", "TS"), ("TS", "NOP", "NOP", "WS", "NOP", "MSS"))
    for number, layout in enumerate(layouts):
        traffic.syn_probe(101 * MS, SCANNER, US, 22, sport=50000 + number, layout=layout)
    found = traffic.found()
    assert sizes(found) == ([103], [])
    assert [len(part) for part in found.scans[0].parts] == [1, 1, 1, 1]


def half_lost(*, flags=f.SYN, sport=20):
    """A scan from a low port of which the capture has each probe, or only its refusal."""
    traffic = Traffic()
    for port in range(1, 201):
        if port % 2:
            traffic.tcp(port * MS, SCANNER, US, (sport, port), flags, seq=0)
        else:
            traffic.tcp(port * MS, US, SCANNER, (port, sport), RST_ACK, ack=1, df=True)
    return traffic.found()


@pytest.mark.parametrize("flags", [f.SYN, f.FIN, f.FIN | f.PSH | f.URG])
def test_refusals_whose_probes_the_capture_lost_are_no_scan(flags):
    found = half_lost(flags=flags)
    assert sizes(found) == ([100], [])
    assert found.traffic["answer"] == 100


def test_resets_to_a_host_that_asks_less_than_it_is_answered_are_a_scan():
    """One connection to us does not hide whom we reset."""
    traffic = Traffic()
    for port in range(1, 201):
        traffic.tcp(port * MS, SCANNER, US, (20, port), f.RST)
    traffic.connect(0, US, SCANNER, (40000, 443))
    assert sizes(traffic.found()) == ([200], [])


def test_one_crafted_opening_sent_many_times_probes_though_no_answer_is_seen():
    traffic = Traffic()
    for number in range(30):
        traffic.tcp(number * 20 * MS, SCANNER, US, (23456, 80), f.SYN, seq=7)
    assert sizes(traffic.found()) == ([30], [])


def test_an_opening_that_a_stack_sends_again_is_ordinary():
    traffic = Traffic()
    for number in range(6):
        traffic.connect((1 << number) * 1000 * MS, SCANNER, US, (40000, 80), answer="none")
    assert sizes(traffic.found()) == ([], [])


@pytest.mark.parametrize(("layout", "probes"), [(("MSS", "NOP", "WS", "NOP", "NOP", "TS"), []), (("MSS",), [3])])
def test_calls_with_all_options_of_a_connection_to_one_dead_service_do_not_probe(layout, probes):
    """A switch that looks for its controller, by a stack that nobody described; three bare SYNs are a probe's."""
    traffic = Traffic()
    for number in range(3):
        traffic.tcp(number * SECOND, SCANNER, US, (62216 + number, 6633), f.SYN, layout=layout, df=True)
    assert sizes(traffic.found()) == (probes, [])


@pytest.mark.parametrize("calls", [10, 40])
def test_many_calls_of_an_unknown_form_to_one_port_probe_all_the_same(calls):
    traffic = Traffic()
    for number in range(calls):
        ports = (40000 + number, 6633)
        traffic.tcp(number * SECOND, SCANNER, US, ports, f.SYN, layout=("WS", "TS"), df=True)
    assert sizes(traffic.found()) == ([calls], [])


@pytest.mark.parametrize(("target", "probes"), [("239.255.0.16", []), ("198.51.100.10", [14])])
def test_packets_of_one_ip_protocol_to_a_group_of_hosts_do_not_probe(target, probes):
    """PGM and its like are spoken to groups; to one host that never answers, they ask."""
    traffic = Traffic()
    for number in range(14):
        traffic.packet(number * MS, SCANNER, target, 113, payload_len=40)
    assert sizes(traffic.found()) == (probes, [])
