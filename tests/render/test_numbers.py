from __future__ import annotations

import pytest

from craftmark.render.numbers import counted, duration, listed, moment, packet_refs, percent, power
from craftmark.report.document import PacketRef


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0 s"),
        (850, "0.85 us"),
        (4_430_000, "4.43 ms"),
        (13_600_000_000, "13.6 s"),
        (119_000_000_000, "119 s"),
        (600_000_000_000, "10 min"),
        (36_000_000_000_000, "10 h"),
        (21 * 86_400_000_000_000, "21 days"),
    ],
)
def test_a_duration_is_told_in_the_unit_a_reader_would_choose(ns, text):
    assert duration(ns) == text


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (958_842_405_061_034_000, "20 May 2000 17:06:45.061034 UTC"),
        (0, "1 Jan 1970 00:00:00.000000 UTC"),
        (-1_000, "31 Dec 1969 23:59:59.999999 UTC"),
        (2**63 - 1, "11 Apr 2262 23:47:16.854775 UTC"),
        (-(2**63), "21 Sep 1677 00:12:43.145224 UTC"),
    ],
)
def test_every_time_that_a_report_can_hold_is_told(ns, text):
    assert moment(ns) == text


@pytest.mark.parametrize(
    ("log10", "text"), [(0.0, "1"), (-0.301, "0.5"), (-1.0, "10^-1.0"), (-6.14, "10^-6.1"), (-4927.3, "10^-4927")]
)
def test_a_chance_is_a_power_of_ten(log10, text):
    assert power(log10) == text


@pytest.mark.parametrize(
    ("weight", "text"),
    [
        (0, "0 %"),
        (0.00003, "< 0.01 %"),
        (0.0042, "0.4 %"),
        (0.5, "50 %"),
        (0.994, "99 %"),
        (0.9999, "> 99 %"),
        (1, "100 %"),
    ],
)
def test_percent_never_rounds_to_certainty(weight, text):
    assert percent(weight) == text


def test_lists_read_as_english():
    assert listed([]) == ""
    assert listed(["a"]) == "a"
    assert listed(["a", "b"], last="or") == "a or b"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert listed(list("abcdefg"), most=3) == "a, b, c and 4 more"
    assert listed(list("abcd"), most=3) == "a, b, c and d"


def test_counts_agree_with_their_noun():
    assert counted(1, "probe") == "1 probe"
    assert counted(3072, "probe") == "3,072 probes"
    assert counted(2, "address", "addresses") == "2 addresses"


def test_packets_name_their_input_only_where_there_are_several():
    refs = (PacketRef(1, 5), PacketRef(2, 7))
    assert packet_refs(refs, inputs=1) == "#5 #7"
    assert packet_refs(refs, inputs=2) == "1#5 2#7"
