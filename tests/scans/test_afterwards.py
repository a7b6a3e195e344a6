"""What targets sent out after a scan: only what they began, only to whom they had not spoken."""

from __future__ import annotations

from tests.scans.traffic import MS, SCANNER, SECOND, US, Traffic

HOME = "203.0.113.99"


def after(traffic):
    found = traffic.found()
    return found.ear.hear(found.scans[0].strands).afterwards


def scan(at=0):
    traffic = Traffic()
    for port in range(1, 61):
        traffic.syn_probe(at + port * MS, SCANNER, US, port)
    return traffic


def test_a_new_peer_of_the_target_is_named_with_its_port():
    traffic = scan(at=100 * SECOND)
    traffic.connect(130 * SECOND, US, HOME, (50000, 6667))
    found = after(traffic)
    assert (found.seen, found.new_peers, found.before) == (True, 1, 0)
    assert [(one.target, one.peer, one.port) for one in found.opened] == [(US, HOME, 6667)]
    assert found.opened[0].after_ns == 30 * SECOND - MS


def test_a_peer_it_spoke_to_before_is_not_new():
    traffic = scan(at=100 * SECOND)
    for at in (10, 130):
        traffic.connect(at * SECOND, US, HOME, (50000 + at, 6667))
    assert (after(traffic).new_peers, after(traffic).before) == (0, 1)


def test_what_others_open_and_what_comes_much_later_is_left_out():
    traffic = scan(at=100 * SECOND)
    traffic.connect(130 * SECOND, HOME, US, (50000, 80))
    traffic.connect(2000 * SECOND, US, HOME, (50001, 6667))
    assert after(traffic).new_peers == 0


def test_nothing_is_seen_where_the_target_sends_nothing():
    assert not after(scan()).seen
