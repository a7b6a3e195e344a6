"""What the holders of source addresses did, looked up among all packets."""

from __future__ import annotations

from ipaddress import ip_address

from craftmark.packets import fields as f
from craftmark.scans.reactions import Reaction
from tests.scans.traffic import MS, SCANNER, SECOND, US, Traffic


def reactions(traffic):
    found = traffic.found()
    assert len(found.scans) == 1
    return found.ear.hear(found.scans[0].strands).reactions


def scan(traffic, *, resets=True):
    for port in range(1, 61):
        open_ = port % 6 == 0
        traffic.syn_probe(port * MS * 5, SCANNER, US, port, answer="open" if open_ and resets else "none")
        if open_ and not resets:
            for again in (1, 1000):
                traffic.tcp(port * MS * 5 + again * MS, US, SCANNER, (port, 40000), f.SYN | f.ACK_BIT, ack=78, seq=9)
    return traffic


def test_resets_of_offers_are_counted_by_source():
    found = reactions(scan(Traffic()))
    assert (found.offered, found.reset) == (10, 10)
    assert found.by_source[SCANNER] == Reaction(offered=10, reset=10, spared=50)


def test_silence_leaves_offers_that_are_sent_again():
    found = reactions(scan(Traffic(), resets=False))
    assert (found.offered, found.reset, found.offers_sent) == (10, 0, 20)


def test_routers_errors_about_the_source_are_counted():
    traffic = scan(Traffic(), resets=False)
    for number in range(3):
        quote = {"quote_protocol": f.TCP, "quote_dst": int(ip_address(SCANNER)), "notes": f.NOTE_QUOTE}
        traffic.icmp(SECOND + number, "198.51.100.1", US, (3, 1), **quote)
        traffic.icmp(SECOND + number, "198.51.100.1", US, (3, 3), **quote)
    assert reactions(traffic).by_source[SCANNER].unreachable == 3


def test_other_packets_of_the_address_tell_their_ttl():
    traffic = scan(Traffic())
    traffic.connect(SECOND, SCANNER, "198.51.100.77", (50000, 443))
    assert reactions(traffic).by_source[SCANNER].other_ttls == (57,)


def test_the_cards_behind_probes_and_arp_are_told():
    traffic = scan(Traffic())
    for _, row in traffic.rows:
        if row[f.IP_SRC] == int(ip_address(SCANNER)):
            row[f.LINK_SRC] = 0xAABBCCDD
    traffic.arp(SECOND, SCANNER, US, 2)
    traffic.rows[-1][1][f.LINK_SRC] = 0x11223344
    found = reactions(traffic).by_source[SCANNER]
    assert (found.probe_links, found.arp_links) == ((0xAABBCCDD,), (0x11223344,))
