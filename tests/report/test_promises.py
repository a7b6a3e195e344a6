"""What the report promises, held on real reports: the example in both forms, and any captures at hand."""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path

import jsonschema
import pytest

import craftmark
from craftmark.errors import SourceError
from craftmark.render.text import render_text
from craftmark.report.schema import report_schema

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = [str(ROOT / "examples" / name) for name in ("odd-scan-2000.pcap", "odd-scan-2000.snort.txt")]
SHARED = ROOT.parent / "shared" / "captures"
CAPTURES = sorted(str(path) for path in SHARED.rglob("*.pcap*"))[::8] if SHARED.is_dir() else []
WITHOUT_CAPTURES = pytest.param("", marks=pytest.mark.skip(reason="needs the captures of ../shared/captures"))
ALL = [*EXAMPLES, *(CAPTURES or [WITHOUT_CAPTURES])]


@cache
def _report(path):
    try:
        return craftmark.examine([path])
    except SourceError as refused:
        return refused


def _examined(path):
    made = _report(path)
    if isinstance(made, SourceError):
        pytest.skip(f"not examined: {made.what}")
    return made


@pytest.mark.parametrize("path", ALL)
def test_the_document_validates_and_round_trips(path):
    made = _examined(path)
    text = made.to_json()
    jsonschema.Draft202012Validator(report_schema()).validate(json.loads(text))
    assert craftmark.Report.from_json(text) == made


@pytest.mark.parametrize("path", ALL)
def test_the_roles_of_traffic_add_up_to_all_packets(path):
    made = _examined(path)
    traffic = made.traffic
    roles = (traffic.probe, traffic.answer, traffic.backscatter, traffic.flood, traffic.ordinary, traffic.undecoded)
    assert sum(roles) == sum(one.packets for one in made.inputs)
    assert traffic.probe >= sum(scan.probes for scan in made.scans)


@pytest.mark.parametrize("path", ALL)
def test_weights_add_up_to_one_and_unexplained_is_always_there(path):
    for scan in (*_examined(path).scans, *_examined(path).floods):
        assert math.isclose(sum(purpose.weight for purpose in scan.purposes), 1)
        assert "unexplained" in {purpose.id for purpose in scan.purposes}
        assert not scan.sender.hops or math.isclose(sum(hop.weight for hop in scan.sender.hops), 1)
        assert scan.sender.hops or scan.sender.hops_reason


@pytest.mark.parametrize("path", ALL)
def test_every_mark_has_its_denominator_and_its_packets(path):
    made = _examined(path)
    for scan in (*made.scans, *made.floods):
        for mark in scan.toolmarks:
            assert 0 <= mark.held <= mark.seen <= scan.probes + 1
            assert mark.log10_chance <= 0
            for ref in mark.packets:
                assert 1 <= ref.input <= len(made.inputs)
                assert 1 <= ref.packet <= made.inputs[ref.input - 1].packets


@pytest.mark.parametrize("path", ALL)
def test_no_tool_is_named_without_an_identification(path):
    made = _examined(path)
    for scan in (*made.scans, *made.floods):
        assert (scan.maker.tool is not None) == (scan.maker.conclusion == "identification")
        named = {verdict.tool for verdict in scan.maker.tools if verdict.conclusion == "identification"}
        assert named == ({scan.maker.tool} if scan.maker.tool else set())
        for verdict in scan.maker.tools:
            assert verdict.conclusion != "elimination" or verdict.reason


@pytest.mark.parametrize("path", ALL)
def test_the_page_of_any_report_is_printable_and_says_the_same_with_evidence(path):
    made = _examined(path)
    page, evidence = render_text(made), render_text(made, verbosity=2)
    assert all(char == "\n" or char.isprintable() for char in evidence)
    assert page.splitlines()[0] == evidence.splitlines()[0]
