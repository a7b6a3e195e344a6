"""Words of statements."""

from __future__ import annotations

import pytest

from craftmark.marks.wording import counted, duration_text, listed, value_text


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("ip_id", 242, "242"),
        ("tcp_seq", 0xA1D95, "0xA1D95"),
        ("tcp_seq", 0, "0"),
        ("ip_tos", 16, "0x10"),
        ("tcp_flags", 0x0D, "FIN+RST+PSH"),
        ("tcp_flags", 0, "none"),
        ("ip_flags", 2, "DF"),
        ("ip_dst", 0xAC100165, "172.16.1.101"),
    ],
)
def test_values(name: str, value: int, text: str) -> None:
    assert value_text(name, value) == text


@pytest.mark.parametrize(
    ("ns", "text"),
    [(13_600_000_000, "13.6 s"), (250_000_000_000, "4.2 min"), (999, "999 ns"), (599_000_000, "599 ms"), (0, "0 ns")],
)
def test_durations(ns: int, text: str) -> None:
    assert duration_text(ns) == text


def test_lists_and_counts() -> None:
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert (counted(1, "source"), counted(3072, "probe")) == ("1 source", "3,072 probes")
