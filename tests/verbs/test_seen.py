"""Have I seen this before: kept cases are known again by markprint, others are not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from craftmark.cli import main
from craftmark.errors import ExitCode
from tests.cases.captures import KEPT, ROOT

if TYPE_CHECKING:
    from pathlib import Path

PCAP = str(ROOT / "examples" / "odd-scan-2000.pcap")
SNORT = str(ROOT / "examples" / "odd-scan-2000.snort.txt")
OTHER = str(KEPT / "nmap_null.pcap.gz")


@pytest.fixture(autouse=True)
def _store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRAFTMARK_DATA_DIR", str(tmp_path / "data"))


def seen(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    capsys.readouterr()
    assert main(["seen", *words]) == ExitCode.EXAMINED
    return capsys.readouterr().out


def test_nothing_was_seen_where_nothing_was_kept(capsys: pytest.CaptureFixture[str]) -> None:
    assert "No other case was kept" in seen(capsys, PCAP)


def test_a_kept_scan_is_known_again_from_another_form_and_no_other_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--keep", SNORT]) == ExitCode.EXAMINED
    assert "kept as case " in capsys.readouterr().err
    page = " ".join(seen(capsys, PCAP).split())
    assert "seen once before" in page
    assert "odd-scan-2000.snort.txt" in page
    assert "same source 192.160.13.4" in page
    assert "never seen before" in seen(capsys, OTHER)


def test_the_case_itself_is_no_earlier_sighting(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--keep", PCAP]) == ExitCode.EXAMINED
    assert main(["--keep", PCAP]) == ExitCode.EXAMINED
    assert "No other case was kept" in seen(capsys, PCAP)


def test_programs_get_a_line_for_each_sighting(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--keep", SNORT]) == ExitCode.EXAMINED
    (line,) = seen(capsys, PCAP, "--json").splitlines()
    told = json.loads(line)
    assert (told["scan"], told["earlier"], told["probes"], told["meaning"]) == ("S1", "S1", 3072, "alike")


def test_a_store_that_cannot_be_used_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("CRAFTMARK_DATA_DIR", str(tmp_path / "file"))
    assert main(["--keep", PCAP]) == ExitCode.UNREADABLE
