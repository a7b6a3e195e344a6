"""Exports say what the marks allow, are taken by the programs they are for, and hit what was counted."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from craftmark import cli, examine
from craftmark.errors import ExitCode
from craftmark.export.match import matches_of
from craftmark.verbs.export import FORMATS
from tests.cases.captures import LAB, needs_captures
from tests.export.told import counted, needs

ROOT = Path(__file__).resolve().parents[2]
PCAP, SNORT = (str(ROOT / "examples" / name) for name in ("odd-scan-2000.pcap", "odd-scan-2000.snort.txt"))
RULES = ("bpf", "iptables", "nftables", "snort", "suricata", "wireshark", "zeek")


@pytest.fixture
def exported(capsys):
    def written(case, form, *words):
        assert cli.main(["export", str(case), "--as", form, *words]) in (0, 3)
        return capsys.readouterr().out

    return written


def lines_of(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.count("\n"), done.stderr


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_is_written_the_same_each_time_and_has_no_control_characters(exported, form, tmp_path):
    text = exported(PCAP, form)
    assert text == exported(f"{PCAP}:S1", form)
    assert text.isascii()
    assert text.replace("\n", "").isprintable()
    exported(PCAP, form, "--only", "S1", "-o", str(tmp_path / "out"))
    assert (tmp_path / "out").read_text() == text


@pytest.mark.parametrize("form", [form for form in RULES if form != "bpf"])
def test_rules_say_what_they_hit_and_what_they_would_miss(exported, form):
    text = exported(PCAP, form)
    assert counted(text) == [3072, 3072, 0, 0]
    assert "misses the same code with other options or values" in text
    assert "this format cannot tell" in text


def test_what_the_run_chose_is_left_out_unless_asked_for(exported):
    """The sample's sequence number is its own; port 31337 and the control bits were given."""
    text = exported(PCAP, "wireshark")
    assert "tcp.seq_raw == 662933" in text
    assert "srcport" not in text
    assert "tcp.srcport == 31337" in exported(PCAP, "wireshark", "--with-run")
    assert not re.search(r"192\.160|172\.16|ip\.ttl|dstport", text)


def test_values_of_unknown_code_that_a_run_may_draw_are_left_out():
    scan = examine(PCAP).scans[0]
    nobody = replace(scan, maker=replace(scan.maker, tool=None))
    assert set(matches_of(nobody)[0].values) == {
        "ip_len", "ip_flags", "ip_frag", "tcp_flags", "tcp_off", "tcp_win", "tcp_urp", "payload_len",
    }  # fmt: skip


def test_a_saved_report_gives_the_same_rule_uncounted(exported, tmp_path):
    saved = tmp_path / "saved.json"
    saved.write_text(examine(PCAP).to_json())
    assert exported(saved, "bpf") == exported(PCAP, "bpf")
    assert "not counted: a saved report holds no packets" in exported(saved, "suricata")


@needs("tcpdump")
@needs_captures
@pytest.mark.parametrize(
    "name", ["masscan_p80_default", "mix_nmap_sS_and_masscan_one_source", "nmap_sF", "zmap_icmp_time", "hping3_udp"]
)
def test_tcpdump_hits_as_many_packets_as_counted(exported, name):
    case = f"{LAB / name}.pcap:S1"
    probes, of_probes, others, _ = counted(exported(case, "zeek"))
    bpf = exported(case, "bpf").strip()
    code, hits, _ = lines_of("tcpdump", "-nn", "-r", f"{LAB / name}.pcap", bpf)
    assert code == 0
    assert probes == of_probes
    if "ip[16:4] ^" in bpf:  # with its relation the filter is narrower than what was counted without
        assert of_probes <= hits <= probes + others
    else:
        assert hits == probes + others


@needs("tcpdump")
@needs_captures
def test_a_relation_in_a_filter_tells_two_tools_of_one_source_apart(exported):
    mix = LAB / "mix_nmap_sS_and_masscan_one_source.pcap"
    masscan = next(scan for scan in examine(mix).scans if scan.maker.tool == "masscan")
    bpf = exported(f"{mix}:{masscan.id}", "bpf").strip()
    assert "ip[4:2] = (" in bpf
    assert lines_of("tcpdump", "-nn", "-r", str(mix), bpf)[1] == masscan.probes


@needs("tshark")
@needs_captures
@pytest.mark.parametrize("name", ["nmap_sF", "masscan_git_p80_default", "zmap_ntp", "masscan_ping"])
def test_tshark_hits_as_many_packets_as_counted(exported, name):
    text = exported(LAB / f"{name}.pcap", "wireshark")
    told = text.split("# display filter\n")[1].splitlines()[0]
    code, hits, err = lines_of("tshark", "-n", "-r", f"{LAB / name}.pcap", "-Y", told)
    assert code == 0, err
    probes, _, others, _ = counted(text)
    assert hits == probes + others


@needs("nft")
@needs_captures
@pytest.mark.parametrize("name", ["masscan_git_p80_default", "nmap_sF", "zmap_icmp_time", "hping3_udp", "packit_icmp"])
def test_nft_takes_the_table(exported, name, tmp_path):
    exported(LAB / f"{name}.pcap", "nftables", "-o", str(tmp_path / "table.nft"))
    code, _, err = lines_of("nft", "-c", "-f", str(tmp_path / "table.nft"))
    if "Operation not permitted" in err:
        pytest.skip("nft may not look at this kernel's tables")
    assert code == 0, err


@needs("iptables-restore")
@pytest.mark.parametrize("program", ["iptables-restore", "iptables-nft-restore", "iptables-legacy-restore"])
def test_iptables_takes_the_rules(exported, program, tmp_path):
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    exported(PCAP, "iptables", "-o", str(tmp_path / "rules"))
    code, _, err = lines_of(program, "--test", "--noflush", str(tmp_path / "rules"))
    if code and re.search(r"[Pp]ermi|not supported|modprobe|initialize|u32", err):
        pytest.skip(f"this kernel: {err.splitlines()[0]}")
    assert code == 0, err


def test_documents_are_what_their_readers_expect(exported):
    bundle = json.loads(exported(PCAP, "stix"))
    indicator = next(one for one in bundle["objects"] if one["type"] == "indicator")
    assert indicator["pattern"] == (
        "[network-traffic:protocols[*] = 'tcp' AND network-traffic:extensions.'tcp-ext'.src_flags_hex = '0d']"
    )
    assert all(
        re.fullmatch(r"[a-z-]+--[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", one["id"]) for one in bundle["objects"]
    )
    event = json.loads(exported(PCAP, "misp"))["Event"]
    assert {one["value"] for one in event["Attribute"] if one["type"] == "ip-src"} == {
        "192.160.13.4", "192.160.13.6", "192.160.13.7",
    }  # fmt: skip
    assert not any(one["to_ids"] for one in event["Attribute"])
    rows = list(csv.DictReader(io.StringIO(exported(PCAP, "csv"))))
    assert [row["mark"] for row in rows] == [mark.id for mark in examine(PCAP).scans[0].toolmarks]
    assert exported(PCAP, "ticket").startswith("## craftmark S1 libnet")


@pytest.mark.parametrize("form", FORMATS)
def test_hostile_names_in_a_saved_report_never_get_out_as_they_are(exported, form, tmp_path):
    report = examine(PCAP)
    scan = report.scans[0]
    mark = replace(scan.toolmarks[0], statement='=cmd|"x"!A1\n\x1b[2J; sid:1; `rm` </script>', log10_chance=-99.0)
    hostile = 'x"; drop\n}\x1b[2J` |'
    scan = replace(scan, maker=replace(scan.maker, tool=hostile), toolmarks=(mark, *scan.toolmarks))
    (tmp_path / "saved.json").write_text(replace(report, scans=(scan,)).to_json())
    text = exported(tmp_path / "saved.json", form)
    assert "\x1b" not in text
    assert hostile not in text
    assert not any(line.startswith(("=", "}\x1b")) for line in text.splitlines())
    if form in RULES:
        assert "sid:1;" not in text
        assert "drop\n" not in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((PCAP,), "--as"), ((PCAP, "--as", "perl"), "invalid choice"), ((PCAP, "--as", "bpf", "--only", "S9"), "S9"),
        (("no-such.pcap", "--as", "bpf"), "no such file"),
    ],
)  # fmt: skip
def test_what_cannot_be_exported_is_told_in_one_sentence(capsys, words, said):
    assert cli.main(["export", *words]) in (ExitCode.USAGE, ExitCode.NO_SUCH_INPUT)
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert said in err


@needs_captures
def test_a_scan_of_protocols_has_no_rule_but_a_ticket(exported, capsys):
    case = str(LAB / "nmap_sO_ipproto.pcap")
    assert cli.main(["export", case, "--as", "bpf"]) == ExitCode.USAGE
    assert "one protocol after the other" in capsys.readouterr().err
    assert exported(case, "ticket").startswith("## craftmark S1")
