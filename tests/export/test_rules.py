"""Rules over IPv6, ARP and for every kind of probe of a scan: taken by their programs, hitting what was counted."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache

import pytest

from craftmark import cli, pipeline
from craftmark.errors import ExitCode
from tests.cases.captures import KEPT
from tests.export.frames import TARGETS, ipv6_scan
from tests.export.told import counted, needs
from tests.naive.alerts import fires

SWEEP, ARP = KEPT / "nmap_ping_sweep.pcap.gz", KEPT / "nmap_arp_sweep.pcap.gz"
QUIET = sorted(KEPT.glob("neg_*.pcap.gz"))


@pytest.fixture(scope="module")
def ipv6(tmp_path_factory):
    octets, frames = ipv6_scan()
    file = tmp_path_factory.mktemp("ipv6") / "scan.pcap"
    file.write_bytes(octets)
    return file, frames


@cache
def report_of(case):
    return pipeline.examine([str(case)])


@pytest.fixture
def exported(capsys, ipv6, monkeypatch):
    """Return the text of an export; each capture is examined once for all tests here."""
    reports = {str(case): report_of(case) for case in (SWEEP, ARP, ipv6[0])}
    examine = pipeline.examine
    monkeypatch.setattr(
        pipeline, "examine", lambda paths, *words, **more: reports.get(paths[0]) or examine(paths, *words, **more)
    )

    def written(case, form, *words):
        assert cli.main(["export", str(case), "--as", form, *words]) == ExitCode.EXAMINED
        return capsys.readouterr().out

    return written


def lines_of(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.count("\n")


@pytest.mark.parametrize("form", ["nftables", "iptables", "suricata", "snort", "wireshark", "zeek"])
def test_every_kind_of_probe_has_a_rule_that_hits_all_of_its_kind(exported, ipv6, form):
    for case in (SWEEP, ipv6[0]):
        text = exported(case, form)
        probes, of_probes, others, _ = counted(text)
        assert (probes, others) == (of_probes, 0)
        for kind in report_of(case).scans[0].parts:
            label = kind.label.replace("/", ".")
            assert f"{label}: {kind.probes} probes hit, {kind.probes} are of this kind" in text


def test_values_that_the_run_drew_are_in_no_kind_of_probe(exported):
    """Nmap fixes the sequence number of its ACKs and draws that of its SYNs."""
    first, second = re.findall(r"tcp sequence (\d+)|tcp flags & \(\S+\) == \(syn\)", exported(SWEEP, "nftables"))
    assert (first, second) == ("", "0")


@needs("tcpdump")
def test_tcpdump_hits_every_kind_over_ipv6_and_its_relation(exported, ipv6):
    bpf = exported(ipv6[0], "bpf").strip()
    assert "ip6[44:4]" in bpf
    assert "ip6[36:4]" in bpf
    assert lines_of("tcpdump", "-nn", "-r", str(ipv6[0]), bpf) == 3 * len(TARGETS)
    assert lines_of("tcpdump", "-nn", "-r", str(ipv6[0]), f"not ({bpf})") == len(TARGETS)


@needs("tcpdump")
def test_tcpdump_hits_every_kind_over_ipv4_and_arp(exported, tmp_path):
    for case in (SWEEP, ARP):
        plain = tmp_path / "plain.pcap"
        plain.write_bytes(subprocess.run(["gunzip", "-c", str(case)], capture_output=True, check=True).stdout)
        scan = report_of(case).scans[0]
        assert lines_of("tcpdump", "-nn", "-r", str(plain), exported(case, "bpf").strip()) == scan.probes


@needs("tshark")
def test_tshark_hits_as_many_as_counted(exported, ipv6):
    for case in (SWEEP, ARP, ipv6[0]):
        text = exported(case, "wireshark")
        told = text.split("# display filter\n")[1].splitlines()[0]
        probes, _, others, _ = counted(text)
        assert lines_of("tshark", "-n", "-r", str(case), "-Y", told) == probes + others


@needs("nft")
def test_nft_takes_the_tables(exported, ipv6, tmp_path):
    for case in (SWEEP, ARP, ipv6[0]):
        exported(case, "nftables", "-o", str(tmp_path / "table.nft"))
        done = subprocess.run(
            ["nft", "-c", "-f", str(tmp_path / "table.nft")], capture_output=True, text=True, check=False
        )
        if "Operation not permitted" in done.stderr:
            pytest.skip("nft may not look at this kernel's tables")
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("program", ["ip6tables-restore", "ip6tables-nft-restore", "ip6tables-legacy-restore"])
def test_ip6tables_takes_the_rules(exported, ipv6, tmp_path, program):
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    assert "ip6tables-restore" in exported(ipv6[0], "iptables")
    exported(ipv6[0], "iptables", "-o", str(tmp_path / "rules"))
    done = subprocess.run(
        [program, "--test", "--noflush", str(tmp_path / "rules")], capture_output=True, text=True, check=False
    )
    if done.returncode and re.search(r"[Pp]ermi|not supported|modprobe|initialize|u32", done.stderr):
        pytest.skip(f"this kernel: {done.stderr.splitlines()[0]}")
    assert done.returncode == 0, done.stderr


def test_u32_tests_hold_for_the_probes_and_for_no_other_packet(exported, ipv6):
    """Read by the language of xt_u32.h: octets from an offset, big-endian, shifted and masked."""
    rules = re.findall(r'-p (\d+) -m u32 --u32 "(.*?)"', exported(ipv6[0], "iptables"))

    def hits(frame):
        return any(
            frame[20] == int(protocol) and all(map(_holds(frame[14:]), tests.split(" && ")))
            for protocol, tests in rules
        )

    assert [hits(frame) for frame in ipv6[1]] == [True, True, True, False] * len(TARGETS)


def _holds(packet):
    def told(test):
        offset, mask, value = re.fullmatch(r"(\d+)(?:&(0x[0-9A-F]+))?=(0x[0-9a-f]+)", test).groups()
        word = int.from_bytes(packet[int(offset) : int(offset) + 4], "big")
        return word & int(mask or "0xFFFFFFFF", 16) == int(value, 16)

    return told


@pytest.mark.parametrize("form", ["suricata", "snort"])
def test_alerts_fire_on_every_probe_and_on_nothing_else(exported, ipv6, form):
    rules = [line for line in exported(ipv6[0], form).splitlines() if line.startswith("alert")]
    assert len(rules) == 3
    assert [any(fires(rule, one) for rule in rules) for one in ipv6[1]] == [True, True, True, False] * len(TARGETS)
    assert len(set(re.findall(r"sid:(\d+)", " ".join(rules)))) == 3


@needs("suricata")
def test_suricata_loads_the_rules_and_they_fire(exported, ipv6, tmp_path):
    exported(ipv6[0], "suricata", "-o", str(tmp_path / "local.rules"))
    rules = ["-S", str(tmp_path / "local.rules"), "-l", str(tmp_path), "-k", "none"]
    subprocess.run(["suricata", "-T", *rules], check=True)
    subprocess.run(["suricata", "-r", str(ipv6[0]), *rules], check=True)
    assert len((tmp_path / "fast.log").read_text().splitlines()) >= 3 * len(TARGETS)


@needs("snort")
def test_snort_loads_the_rules_and_they_fire(exported, ipv6, tmp_path):
    exported(ipv6[0], "snort", "-o", str(tmp_path / "local.rules"))
    words = ["-c", str(tmp_path / "local.rules"), "-r", str(ipv6[0]), "-k", "none", "-A", "console", "-q"]
    assert lines_of("snort", *words) >= 3 * len(TARGETS)


@pytest.mark.parametrize("form", ["suricata", "zeek", "nftables"])
def test_rules_say_what_they_hit_of_other_traffic(exported, ipv6, form):
    against = [word for file in QUIET for word in ("--against", str(file))]
    said = re.findall(r"counted on (neg_\w+\.pcap\.gz): (\d+) of \d+ packets", exported(ipv6[0], form, *against))
    assert said == [(file.name, "0") for file in QUIET]


@pytest.mark.parametrize(("form", "code"), [("suricata", 2), ("iptables", 2), ("zeek", 2), ("ticket", 0), ("stix", 0)])
def test_what_a_format_cannot_tell_is_said(capsys, form, code):
    assert cli.main(["export", str(ARP), "--as", form]) == code
    assert ("is ARP, which this format cannot tell" in capsys.readouterr().err) == (code == ExitCode.USAGE)


def test_a_saved_report_gives_the_same_rules_uncounted(exported, ipv6, tmp_path):
    for case in (SWEEP, ipv6[0]):
        (tmp_path / "saved.json").write_text(report_of(case).to_json())
        assert exported(tmp_path / "saved.json", "bpf") == exported(case, "bpf")
