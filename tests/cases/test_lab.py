"""Captures of real tools with their truth: found, counted, and never called another tool's."""

from __future__ import annotations

import json
from functools import cache

import pytest

from craftmark.pipeline import examine
from tests.cases.captures import lab_truths

#: What the truth calls a tool, and the ids that name it rightly.
IDS = {
    "hping3": {"hping"}, "zmap-git": {"zmap"}, "masscan-git": {"masscan"}, "scapy-2.8": {"scapy"},
    "libnet sample": {"libnet-1.1-samples"}, "nmap+masscan": {"nmap", "masscan"},
    "zmap+masscan": {"zmap", "masscan"},
}  # fmt: skip
BITS = {"F": "FIN", "S": "SYN", "R": "RST", "P": "PSH", "A": "ACK", "U": "URG", "E": "ECE", "C": "CWR"}
TRUTHS = lab_truths()


def truths(*kinds):
    rows = [row for row in TRUTHS if row["kind"] in kinds]
    return pytest.mark.parametrize("row", rows, ids=[f"{row['file'].parent.name}-{row['name']}" for row in rows])


@cache
def report_of(file):
    return examine([file])


def rightly_named(row):
    ids = IDS.get(row["tool"], {row["tool"]})
    template = {"seq": {"const": 0xA1D95}, "ack": {"const": 0x53}, "ipid": {"const": 242}}
    if any(template.items() <= seen.items() for seen in row.get("observed", {}).values()):
        ids = ids | {"libnet-1.0-samples"}  # every value set by hand to the sample's: nobody can tell
    return ids


@truths("scan", "mix")
def test_the_scan_is_found_with_its_probes(row):
    report = report_of(row["file"])
    assert report.scans
    if "*" in row["flags"] or row["proto"] == "mixed" or row["kind"] == "mix":
        return
    assert len(report.scans) == 1
    assert report.scans[0].probes == pytest.approx(row["scan_packets"], rel=0.02)
    if row["proto"] == "tcp":
        assert set(report.scans[0].control_bits) == {BITS[letter] for letter in row["flags"] if letter in BITS}


@truths("flood")
def test_a_flood_is_a_flood_and_no_scan(row):
    report = report_of(row["file"])
    assert report.floods
    assert not report.scans


@truths("negative")
def test_ordinary_traffic_is_quiet(row):
    assert (report_of(row["file"]).scans, report_of(row["file"]).floods) == ((), ())


@truths("scan", "mix", "trace", "flood")
def test_no_other_tool_is_named_and_the_right_one_not_eliminated(row):
    ids = rightly_named(row)
    for scan in report_of(row["file"]).scans:
        assert scan.maker.tool is None or scan.maker.tool in ids
        if row["kind"] == "scan":
            eliminated = {verdict.tool for verdict in scan.maker.tools if verdict.conclusion == "elimination"}
            assert not eliminated & ids - {"libnet-1.0-samples"}


@truths("scan", "mix", "trace", "flood", "negative")
def test_all_packets_have_a_role_and_the_report_is_json(row):
    report = report_of(row["file"])
    roles = report.traffic
    every = (roles.probe, roles.answer, roles.backscatter, roles.flood, roles.ordinary, roles.undecoded)
    assert sum(every) == report.inputs[0].packets == row["packets"]
    assert json.loads(report.to_json())["schema"] == report.schema
