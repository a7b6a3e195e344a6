from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from craftmark import cli, examine
from craftmark.errors import ExitCode
from craftmark.pipeline import Settings
from craftmark.tools.lint import lint
from craftmark.tools.load import load_rules
from tests.cases.captures import LAB, needs_captures

ROOT = Path(__file__).resolve().parents[2]
PCAP, SNORT = (str(ROOT / "examples" / name) for name in ("odd-scan-2000.pcap", "odd-scan-2000.snort.txt"))


def test_a_drafted_rule_loads_and_names_the_scan_it_was_drafted_from(capsys, tmp_path):
    target = tmp_path / "mytool.toml"
    assert cli.main(["sign", PCAP, "--name", "mytool", "-o", str(target)]) == 0
    page = capsys.readouterr().out
    assert page.startswith("mytool: 12 expectations; named in 1 of its 1 scans.")
    assert "a second run" in page
    assert "libnet-1.0-samples in derives_from or confusable_with" in " ".join(page.split())
    rules = load_rules(tmp_path)
    assert [one for one in lint(rules) if one.path == str(target)] == []
    assert examine(PCAP, Settings(rules=(str(tmp_path),))).scans[0].maker.tool == "mytool"


def test_without_a_file_the_rule_is_the_result_and_the_page_goes_to_stderr(capsys, tmp_path):
    assert cli.main(["sign", PCAP, f"{SNORT}:S1", "--name", "mytool"]) == 0
    out, err = capsys.readouterr()
    assert "named in 2 of its 2 scans" in err
    (tmp_path / "mytool.toml").write_text(out)
    assert "mytool" in load_rules(tmp_path).by_id
    assert cli.main(["sign", PCAP, "--name", "mytool", "--quiet"]) == 0
    assert capsys.readouterr().err == ""


def test_other_captures_that_the_rule_would_name_are_told(capsys, tmp_path):
    shutil.copy(PCAP, tmp_path / "same.pcap")
    (tmp_path / "notes.txt").write_text("no capture")
    assert (
        cli.main(
            ["sign", PCAP, "--name", "mytool", "--against", str(tmp_path), "--quiet", "-o", str(tmp_path / "x.toml")]
        )
        == 0
    )
    words = " ".join(capsys.readouterr().out.split())
    assert "1 scan of other captures, 1 of them named otherwise with this rule" in words
    assert f"{tmp_path / 'same.pcap'} S1: mytool" in words


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((PCAP, "--name", "nmap"), "a rule is called that already"), ((PCAP, "--name", "My Tool"), "lower-case"),
        ((PCAP, "--name", "x", "-o", "x.txt"), ".toml"), ((f"{PCAP}:S7", "--name", "x"), "say which scan"),
        ((PCAP,), "--name"),
    ],
)  # fmt: skip
def test_what_cannot_be_signed_is_usage(capsys, words, said):
    assert cli.main(["sign", *words]) == ExitCode.USAGE
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert said in err


@needs_captures
@pytest.mark.parametrize("name", ["masscan_p80_default", "nmap_sn_ping_sweep", "nmap_sY_sctp_init"])
def test_drafts_of_real_tools_load_and_pass_the_lints(name, capsys, tmp_path):
    target = tmp_path / "mytool.toml"
    assert cli.main(["sign", str(LAB / f"{name}.pcap"), "--name", "mytool", "-o", str(target)]) == 0
    assert "nothing to complain of" in capsys.readouterr().out
    assert load_rules(tmp_path).by_id["mytool"].modes
