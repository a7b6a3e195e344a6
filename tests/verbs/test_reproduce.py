"""A reproduced scan has the same markprint, documentation addresses alone, and exported rules fire on it."""

from __future__ import annotations

import shutil
import subprocess
from ipaddress import ip_address, ip_network

import numpy as np
import pytest

from craftmark import cli, compare, examine
from craftmark.errors import ExitCode
from craftmark.export.readdress import SOURCES, SOURCES6, TARGETS, TARGETS6
from craftmark.packets import fields as f
from craftmark.packets.batch import join, source_text, target_text
from craftmark.sources.inputs import open_inputs
from tests.cases.captures import KEPT, LAB, ROOT, needs_captures
from tests.scans.traffic import SCANNER, Traffic, host

EXAMPLE = ROOT / "examples" / "odd-scan-2000.pcap"


def reproduced(path, tmp_path, *words):
    target = tmp_path / "test.pcap"
    assert cli.main(["reproduce", str(path), "-o", str(target), *words]) == ExitCode.EXAMINED
    return target


def rows_of(path):
    return join([batch.take(np.arange(len(batch))) for batch in open_inputs([str(path)]).batches()]).words


def outside(words):
    """Return the addresses that are not for documentation."""
    sources, targets = map(ip_network, (SOURCES, SOURCES6)), map(ip_network, (TARGETS, TARGETS6))
    sides = ((source_text, tuple(sources)), (target_text, tuple(targets)))
    each = {(ip_address(text(row)), networks) for text, networks in sides for row in words}
    return [one for one, networks in each if not any(one.version == n.version and one in n for n in networks)]


def test_the_example_comes_back_with_its_markprint(tmp_path, capsys):
    target = reproduced(EXAMPLE, tmp_path)
    assert "3072 packets" in (said := capsys.readouterr().err)
    assert "the same markprint" in said
    words = rows_of(target)
    assert len(words) == 3072
    assert not outside(words)
    one, other = examine(EXAMPLE).scans[0], examine(target).scans[0]
    assert other.markprint == one.markprint
    assert other.sources_total == 3


@needs_captures
@pytest.mark.parametrize("name", ["masscan_git_one_host_1_1000", "hping3_XY_ecn", "hping3_rand_dest", "zmap_git_dns"])
def test_real_scans_come_back_with_their_markprint_and_their_filter_fires(name, tmp_path, capsys):
    path = LAB / f"{name}.pcap"
    scan = examine(path).scans[0]
    target = reproduced(f"{path}:{scan.id}" if len(examine(path).scans) > 1 else path, tmp_path, "--quiet")
    words = rows_of(target)
    assert not outside(words)
    again = examine(target).scans[0]
    assert compare(scan.markprint, again.markprint).same_structure
    assert again.probes == len(words)
    assert again.maker.tool in (None, scan.maker.tool)  # ZMap's walk is one over the old targets
    assert cli.main(["export", f"{path}:{scan.id}", "--as", "bpf"]) == ExitCode.EXAMINED
    rule = next(line for line in capsys.readouterr().out.splitlines() if line and not line.startswith("#"))
    if shutil.which("tcpdump"):
        fired = subprocess.run(["tcpdump", "-nr", str(target), rule], capture_output=True, check=True).stdout
        assert fired.count(b"\n") == len(words)


@needs_captures
def test_relations_hold_again_with_the_new_addresses(tmp_path):
    words = rows_of(reproduced(LAB / "masscan_git_one_host_1_1000.pcap", tmp_path, "--quiet"))
    wanted = (words[:, f.IP_DST] ^ words[:, f.SEQ]) & 0xFFFF ^ words[:, f.DPORT]
    assert (words[:, f.IP_ID] == wanted).all()


def test_what_is_left_out_is_told(tmp_path, capsys):
    traffic = Traffic()
    for number in range(600):
        traffic.syn_probe(number * 1_000_000, SCANNER, host("10.1.0.0", 7 * number), 80, ip_len=44, tcp_off=6)
    target = reproduced(traffic.write(tmp_path / "wide.pcap"), tmp_path)
    assert "346 of the scan's 600 probes are left out" in capsys.readouterr().err
    words = rows_of(target)
    assert words[:, f.IP_DST].tolist() == [0xC6336401 + n for n in range(254)]


@pytest.mark.parametrize("case", ["-", "report.json"])
def test_without_packets_nothing_can_be_reproduced(case, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "report.json").write_text(examine(EXAMPLE).to_json())
    assert cli.main(["reproduce", case, "-o", "out.pcap"]) == ExitCode.USAGE
    assert "reproduce needs the capture" in capsys.readouterr().err


def test_a_log_that_hides_headers_is_refused(tmp_path, capsys):
    line = (
        "May  2 10:00:{:02} gw kernel: DROP IN=eth0 OUT= SRC=203.0.113.9 DST=198.51.100.7 LEN=40 TOS=0x00 PREC=0x00"
        " TTL=44 ID=242 PROTO=TCP SPT=31337 DPT={} WINDOW=1024 RES=0x00 FIN PSH RST URGP=0\n"
    )
    (tmp_path / "log").write_text("".join(line.format(port % 60, port) for port in range(1, 41)))
    code = cli.main(["reproduce", str(tmp_path / "log"), "-o", str(tmp_path / "out.pcap"), "--year", "2020"])
    assert code == ExitCode.USAGE
    assert "headers were cut" in capsys.readouterr().err
    assert not (tmp_path / "out.pcap").exists()


@pytest.mark.parametrize("name", ["masscan_seed12_ping", "nmap_arp_sweep", "nmap_udp", "mausezahn_syn"])
def test_kept_lab_captures_are_reproduced(name, tmp_path):
    path = KEPT / f"{name}.pcap.gz"
    scan = examine(path).scans[0]
    again = examine(reproduced(f"{path}:{scan.id}", tmp_path, "--quiet"))
    assert compare(scan.markprint, again.scans[0].markprint).same_structure
