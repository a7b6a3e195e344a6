from __future__ import annotations

import json
from pathlib import Path

import pytest

from craftmark import cli, compare, examine
from craftmark.errors import ExitCode
from tests.report.fixture_2000 import report

ROOT = Path(__file__).resolve().parents[2]
PCAP, SNORT = (str(ROOT / "examples" / name) for name in ("odd-scan-2000.pcap", "odd-scan-2000.snort.txt"))


def test_a_scan_and_its_log_are_made_alike(capsys):
    assert cli.main(["compare", PCAP, SNORT]) == 0
    page = capsys.readouterr().out
    assert page.startswith("Made alike, by the same code or with the same values given to two programs. Rules name")
    assert "inherited       ip_id, tcp_seq, tcp_ack, tcp_win" in page


def test_json_says_the_same_as_the_python_call(capsys):
    assert cli.main(["compare", "--json", f"{PCAP}:S1", SNORT]) == 0
    document = json.loads(capsys.readouterr().out)
    one, other = (examine(path).scans[0].markprint for path in (PCAP, SNORT))
    found = compare(one, other)
    assert document["schema"] == "craftmark.likeness/1"
    assert (document["one"]["markprint"]["structure"], document["other"]["case"]) == (one.structure, SNORT)
    assert (document["likeness"]["bits"], document["likeness"]["meaning"]) == (found.bits, "alike")
    assert len(document["likeness"]["fields"]) == len(found.fields)


def test_a_saved_report_will_do_unless_its_markprint_is_of_another_version(capsys, tmp_path):
    saved = tmp_path / "saved.json"
    saved.write_text(examine(PCAP).to_json())
    assert cli.main(["compare", str(saved), PCAP]) == 0
    capsys.readouterr()
    saved.write_text(report().to_json())
    assert cli.main(["compare", str(saved), PCAP]) == ExitCode.USAGE
    assert "examine the capture again" in capsys.readouterr().err


@pytest.mark.parametrize("words", [(PCAP,), (PCAP, PCAP, PCAP), ("-", "-"), (PCAP, f"{PCAP}:S9")])
def test_what_cannot_be_compared_is_told_in_one_sentence(capsys, words):
    assert cli.main(["compare", *words]) == ExitCode.USAGE
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
