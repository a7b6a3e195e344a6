from __future__ import annotations

from dataclasses import replace

from craftmark.checks.plan import Wanted, plan
from craftmark.checks.programs import Machine
from craftmark.report.document import Hop, Source
from tests.report.fixture_2000 import report

SCAN = report().scans[0]
LINUX = Machine("Linux", is_root=True, programs=frozenset({"ping", "hping3", "traceroute"}))


def of(*addresses, **wanted):
    sources = tuple(Source(address, 100 - place, "undecided") for place, address in enumerate(addresses))
    scan = replace(SCAN, sources=sources, sources_total=wanted.pop("total", len(sources)))
    return plan([scan], Wanted(**wanted), LINUX)


def test_the_sources_with_most_probes_are_asked_each_with_few_packets():
    made = of("8.8.8.8", "9.9.9.9", "1.1.1.1", most=2)
    assert made.addresses == ("8.8.8.8", "9.9.9.9")
    assert [check.program for check in made.checks] == ["ping", "hping3"] * 2
    assert made.packets_each == 3
    assert made.more == 1


def test_left_out_is_said_with_its_reason():
    made = of("10.0.0.1", "224.0.0.1", "8.8.8.8", own=("8.8.8.0/24",))
    assert not made.checks
    assert [one.address for one in made.left_out] == ["10.0.0.1", "224.0.0.1", "8.8.8.8"]
    asked = of("10.0.0.1", "224.0.0.1", "8.8.8.8", own=("8.8.8.0/24",), reserved_too=True)
    assert asked.addresses == ("10.0.0.1", "8.8.8.8")
    assert [one.address for one in asked.special] == ["10.0.0.1", "8.8.8.8"]


def test_hostile_texts_of_a_saved_report_never_reach_a_command():
    made = of("-oG/etc/passwd", "8.8.8.8 -p 1-65535", "\x1b[2J", reserved_too=True)
    assert not made.checks
    assert len(made.left_out) == 3


def test_a_source_of_several_scans_is_asked_once():
    scan = replace(SCAN, sources=(Source("8.8.8.8", 9, "undecided"),))
    made = plan([scan, replace(scan, id="S2")], Wanted(), LINUX)
    assert made.addresses == ("8.8.8.8",)
    assert len(made.checks) == 2


def test_a_traced_way_goes_little_further_than_the_probes_came():
    near = replace(SCAN, sources=(Source("8.8.8.8", 9, "undecided"),))
    hops = tuple(Hop(64, hops, weight, "") for hops, weight in ((4, 0.9), (20, 0.06), (84, 0.04)))
    near = replace(near, sender=replace(near.sender, hops=hops[:1]))
    far = replace(near, sender=replace(near.sender, hops=hops))
    packets = [plan([scan], Wanted(("trace",)), LINUX).checks[0].packets for scan in (near, far)]
    assert packets == [8, 24]


def test_what_no_program_here_can_do_is_said():
    assert of("8.8.8.8", kinds=("ping", "system")).lacking == ("system",)


def test_sources_that_the_report_does_not_name_are_counted():
    assert of("8.8.8.8", total=1000).more == 999
