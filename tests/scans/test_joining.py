"""Acts of several sources that are one scan, and acts that are not."""

from __future__ import annotations

import pytest

from craftmark.packets import fields as f
from tests.scans.traffic import MS, SECOND, US, Traffic, host

FRP = f.FIN | f.RST | f.PSH
TEMPLATE = {"ip_id": 242, "seq": 0xA1D95, "ack": 0x53}
SOURCES = ("192.0.2.4", "192.0.2.6", "192.0.2.7")


def sizes(traffic):
    return [scan.probes for scan in traffic.found().scans]


@pytest.mark.parametrize("packets", [71, 70, 10])
def test_a_scan_cut_off_between_its_sources_is_one_scan(packets):
    traffic = Traffic()
    for number in range(packets):
        source, port = SOURCES[number % 3], 1 + number // 3
        traffic.tcp(number * MS, source, US, (31337, port), FRP, **TEMPLATE)
    assert sizes(traffic) == [packets]


def test_single_packets_with_the_same_chosen_values_are_one_scan_of_a_block():
    traffic = Traffic()
    for number in range(200):
        source, target = host("203.0.0.0", 7919 * number), host("198.51.100.0", number % 40)
        traffic.tcp(number * MS, source, target, (1234, 23), f.SYN, **TEMPLATE)
    assert sizes(traffic) == [200]


def test_runs_with_other_ports_and_no_chosen_values_stay_apart():
    traffic = Traffic()
    for number in range(40):
        traffic.tcp(number * SECOND, SOURCES[0], US, (40000, 1 + number), f.SYN)
        traffic.tcp(number * SECOND, SOURCES[1], US, (41000, 5000 + number), f.SYN)
    assert sizes(traffic) == [40, 40]
