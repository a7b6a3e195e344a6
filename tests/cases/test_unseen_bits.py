"""Logs that show no control bits: what is not shown is not taken for none."""

from __future__ import annotations

import pytest

from craftmark.pipeline import examine

ALERT = (
    "07/11/2022-10:29:{0:02}.860293  [**] [1:2:3] X [**] [Priority: 3] {{TCP}} 192.0.2.7:28487 -> 198.51.100.9:{1}\n"
)


@pytest.fixture
def report(tmp_path):
    log = tmp_path / "fast.log"
    log.write_text("".join(ALERT.format(second, 80 + 7 * second) for second in range(40)))
    return examine(log)


def test_many_ports_without_visible_control_bits_are_a_scan_and_no_null_scan(report):
    (scan,) = report.scans
    assert (scan.protocol, scan.control_bits, scan.probes) == ("tcp", None, 40)


def test_unseen_control_bits_prove_no_crafting_and_eliminate_no_tool_by_them(report):
    (scan,) = report.scans
    assert (scan.maker.kind, scan.maker.tool) == ("undecided", None)
    assert not any("control bits" in line for tool in scan.maker.tools for line in tool.disagrees)
