from __future__ import annotations

import argparse
import gzip
import io
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from craftmark.errors import ExitCode, SourceError
from craftmark.pipeline import Settings, examine
from craftmark.verbs import case
from craftmark.verbs.arguments import add_reading_arguments
from craftmark.verbs.base import OptionError
from craftmark.verbs.case import load, load_finding, settings_of
from craftmark.verbs.screen import Screen
from tests.report.fixture_2000 import report

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
CAPTURE = str(EXAMPLES / "odd-scan-2000.pcap")


@pytest.fixture
def saved(tmp_path):
    """Save a report and return its path."""

    def written(made, name="case.txt"):
        path = tmp_path / name
        path.write_text(made.to_json())
        return str(path)

    return written


def test_a_capture_is_examined():
    assert load(CAPTURE) == examine([CAPTURE])


def test_a_saved_report_is_read_back_whatever_its_name_and_spelling(saved, tmp_path):
    path = saved(report())
    assert load(path) == report()
    tree = json.loads(Path(path).read_text())
    spellings = {
        "sorted": json.dumps(tree, sort_keys=True).encode(),
        "marked": b"\xef\xbb\xbf" + json.dumps(tree).encode(),
        "packed": gzip.compress(json.dumps(tree, indent=1).encode()),
    }
    for name, octets in spellings.items():
        (tmp_path / name).write_bytes(octets)
        assert load(str(tmp_path / name)) == report(), name


def test_standard_input_may_be_a_saved_report_or_a_capture(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(report().to_json().encode()))))
    assert load("-") == report()
    octets = Path(CAPTURE).read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(octets))))
    assert load("-").scans == examine([CAPTURE]).scans


@pytest.mark.parametrize("first", ["timestamp", "ts", "event_type"])
def test_a_log_of_json_lines_is_no_saved_report(tmp_path, first):
    log = tmp_path / "eve.json"
    log.write_text(json.dumps({first: 1, "schema": "craftmark.report/1"}) + "\n")
    with pytest.raises(SourceError) as told:
        load(str(log))
    assert told.value.code == ExitCode.UNKNOWN_FORMAT


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"schema": "craftmark.report/2"}', "is not 'craftmark.report/1'"),
        ('{"schema": "craftmark.report/1"', "line 1"),
        ('{"schema": "craftmark.report/1", "finding": "scan"}', "unknown key 'finding'"),
        ('{"scans": ' + "[" * 100_000, "nested too deep"),
    ],
)
def test_a_report_that_cannot_be_read_is_unreadable_and_says_where(tmp_path, text, said):
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(SourceError, match=r"bad\.json: no report that can be read: .*--json") as told:
        load(str(path))
    assert told.value.code == ExitCode.UNREADABLE
    assert said in str(told.value)


def test_a_file_larger_than_any_report_is_not_read_whole(saved, monkeypatch):
    monkeypatch.setattr(case, "LARGEST_REPORT", 1000)
    with pytest.raises(SourceError, match="larger than any report") as told:
        load(saved(report()))
    assert told.value.code == ExitCode.UNREADABLE


@pytest.mark.parametrize(("name", "code"), [("no-such", 10), (".", 11), ("with\0nul", 11), ("", 10)])
def test_what_cannot_be_opened_has_the_code_of_the_main_job(name, code):
    with pytest.raises(SourceError) as told:
        load(name)
    assert told.value.code == code


def test_a_format_that_was_named_is_believed(saved):
    with pytest.raises(SourceError):
        load(saved(report()), Settings(format_name="pcap"))


def test_damage_is_told_unless_quiet(tmp_path, capsys):
    cut = tmp_path / "cut.pcap"
    cut.write_bytes(Path(CAPTURE).read_bytes()[:-7])
    load(str(cut), screen=Screen())
    assert "damaged at packet 3,072" in capsys.readouterr().err
    load(str(cut))
    assert capsys.readouterr().err == ""


def test_the_only_scan_needs_no_choice(saved):
    assert load_finding(saved(report())).scan == report().scans[0]


def test_one_of_several_is_chosen_by_its_id(saved):
    other = replace(report().scans[0], id="S2")
    flood = replace(report().scans[0], id="F1")
    path = saved(replace(report(), scans=(report().scans[0], other), floods=(flood,)))
    assert load_finding(f"{path}:S2").scan == other
    assert load_finding(f"{path}:F1").scan == flood
    with pytest.raises(OptionError, match=r"say which scan, as .*:S1 .there are S1, S2, F1"):
        load_finding(path)
    with pytest.raises(OptionError, match="no scan or flood is called that; there is S1, S2, F1"):
        load_finding(f"{path}:S3")


def test_a_file_whose_name_ends_like_a_choice_is_a_file(saved):
    assert load_finding(saved(report(), "odd:S7")).scan.id == "S1"
    assert load_finding(saved(report(), "odd:S7") + ":S1").scan.id == "S1"


def test_a_case_without_a_scan_is_told(saved):
    with pytest.raises(OptionError, match="no scan was found"):
        load_finding(saved(replace(report(), scans=(), floods=())))


def test_reading_options_become_settings():
    parser = argparse.ArgumentParser()
    add_reading_arguments(parser)
    words = ["--year", "2000", "--trust-clock", "--own", "10.0.0.1/8", "--where", "tcp_dport < 9", "--format", "pcap"]
    made = settings_of(parser.parse_args(words))
    assert made == Settings(2000, trust_clock=True, own=("10.0.0.0/8",), where="tcp_dport < 9", format_name="pcap")
