"""Floods: what a crowd, one source, or forged link addresses send too much of; and what looks alike but is none."""

from __future__ import annotations

import pytest

from craftmark.packets import fields as f
from craftmark.scans.floods import CROWD, OPENINGS
from tests.scans.traffic import MS, SCANNER, SECOND, US, Traffic, host


def sizes(found):
    return [scan.probes for scan in found.scans], [flood.probes for flood in found.floods]


def acknowledgments(crowd, **words):
    traffic = Traffic()
    for number in range(crowd):
        traffic.tcp(number * MS, host("203.0.113.0", number * 777), US, (2000 + number, 80), f.ACK_BIT, **words)
    return traffic.found()


def test_bare_acknowledgments_without_df_from_a_crowd_are_a_flood():
    assert sizes(acknowledgments(CROWD * 2)) == ([], [CROWD * 2])


def test_bare_acknowledgments_of_a_crowd_of_stacks_are_none():
    """One direction of a busy server, cut to a moment: all stacks set DF."""
    assert sizes(acknowledgments(CROWD * 2, df=True)) == ([], [])


def test_a_few_bare_acknowledgments_are_no_flood():
    assert sizes(acknowledgments(CROWD // 2)) == ([], [])


def datagrams(number, gap):
    traffic = Traffic()
    for count in range(number):
        traffic.udp(count * gap, SCANNER, US, (1024 + count, 53), payload=0)
    return traffic.found()


def test_empty_datagrams_of_one_source_at_one_port_flood():
    assert sizes(datagrams(OPENINGS, MS)) == ([], [OPENINGS])


@pytest.mark.parametrize(("number", "gap"), [(OPENINGS // 2, MS), (OPENINGS, SECOND)], ids=["fewer", "slowly"])
def test_fewer_or_slower_ones_are_a_scan(number, gap):
    assert sizes(datagrams(number, gap)) == ([number], [])


def test_crafted_pings_of_one_source_flood():
    traffic = Traffic()
    for count in range(OPENINGS):
        traffic.icmp(count * MS, SCANNER, US, (8, 0), payload_len=0, icmp_id=9, icmp_seq=count)
    assert sizes(traffic.found()) == ([], [OPENINGS])


def frames(number, links):
    """SYNs without options among made-up addresses, from ``links`` link addresses in turn."""
    traffic = Traffic()
    for count in range(number):
        words = {"link_src": 0x10000 + count % links, "tcp_win": 512}
        traffic.tcp(
            count * MS, host("11.0.0.0", count * 4099), host("44.0.0.0", count * 7001), (count, count), f.SYN, **words
        )
    return traffic.found()


def test_a_new_link_address_in_every_frame_floods_the_switch():
    assert sizes(frames(300, 300)) == ([], [300])


def test_many_sources_behind_one_router_flood_no_switch():
    assert sizes(frames(300, 1))[1] == []
