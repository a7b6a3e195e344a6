from __future__ import annotations

import json
from pathlib import Path

import pytest

from craftmark import cli
from craftmark.errors import ExitCode

EXAMPLES = Path(__file__).parents[2] / "examples"
PCAP, SNORT = EXAMPLES / "odd-scan-2000.pcap", EXAMPLES / "odd-scan-2000.snort.txt"
SIX = (
    "17:06:21.0001 IP6 2001:db8::7.4000 > 2001:db8::9.80: Flags [S], seq 1, win 64, options [mss 1440], length 0\n"
    "17:06:22.0001 ARP, Request who-has 192.0.2.1 tell 192.0.2.7, length 28\n"
    "17:06:23.0001 IP 192.0.2.9 > 192.0.2.7: ICMP 192.0.2.9 udp port 53 unreachable, length 36\n"
)


def report_of(path, capsys):
    assert cli.main(["--json", str(path)]) == 0
    report = json.loads(capsys.readouterr().out)
    shown = [
        {key: one[key] for key in ("packets", "first_ns", "last_ns", "clock", "unseen")} for one in report["inputs"]
    ]
    return report | {"inputs": shown}


@pytest.mark.parametrize("form", ["csv", "parquet", "arrow", "pcap"])
def test_what_is_converted_leads_to_the_same_report(form, tmp_path, capsys):
    if form in ("parquet", "arrow"):
        pytest.importorskip("pyarrow")
    target = tmp_path / f"packets.{form}"
    assert cli.main(["convert", "--quiet", str(PCAP), "-o", str(target)]) == 0
    assert report_of(target, capsys) == report_of(PCAP, capsys)


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_logs_keep_their_clock_and_what_is_unseen(form, tmp_path, capsys):
    if form == "parquet":
        pytest.importorskip("pyarrow")
    lines = tmp_path / "lines"
    lines.write_text(SIX)
    for source in (SNORT, lines):
        target = tmp_path / f"packets.{form}"
        assert cli.main(["convert", "--quiet", str(source), "-o", str(target)]) == 0
        assert report_of(target, capsys) == report_of(source, capsys)


def test_only_chosen_packets_are_written(tmp_path):
    target = tmp_path / "few.csv"
    assert cli.main(["convert", "--quiet", str(PCAP), "-o", str(target), "--where", "tcp_dport < 11"]) == 0
    assert len(target.read_text().splitlines()) == 1 + 3 * 10


def test_a_log_cannot_become_a_capture_and_nothing_is_left(tmp_path, capsys):
    target = tmp_path / "out.pcap"
    assert cli.main(["convert", str(SNORT), "-o", str(target)]) == ExitCode.USAGE
    assert "no frames" in capsys.readouterr().err
    assert not target.exists()


def test_an_input_is_never_written_over(capsys):
    before = PCAP.read_bytes()
    assert cli.main(["convert", str(PCAP), "-o", str(PCAP)]) == ExitCode.USAGE
    assert PCAP.read_bytes() == before


def test_a_table_without_visibility_is_not_taken_for_packets(tmp_path, capsys):
    table = tmp_path / "packets.csv"
    table.write_text("ts_ns,ip_src,ip_dst,tcp_dport\n1,192.0.2.7,198.51.100.9,80\n")
    assert cli.main([str(table)]) == ExitCode.UNKNOWN_FORMAT


def test_a_damaged_row_costs_that_row_alone(tmp_path, capsys):
    table = tmp_path / "packets.csv"
    assert cli.main(["convert", "--quiet", str(PCAP), "-o", str(table)]) == 0
    lines = table.read_text().splitlines()
    lines[5] = lines[5].replace(",6,4,5,", ",6,x,5,")
    lines[7] = "=cmd|'/c calc'!A1"
    table.write_text("\n".join(lines) + "\n")
    assert cli.main(["--json", str(table)]) == ExitCode.DAMAGED
    (told,) = json.loads(capsys.readouterr().out)["inputs"]
    assert (told["packets"], told["damage_total"]) == (3070, 2)
