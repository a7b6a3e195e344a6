"""The one verb that causes packets: never without consent, few of them, and what came back is kept with the case."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from ipaddress import ip_address
from pathlib import Path

import pytest

import craftmark
from craftmark import cli
from craftmark.checks.base import Ran
from craftmark.checks.programs import Machine
from craftmark.checks.running import run_program
from craftmark.report.document import Report
from craftmark.store.cases import Store
from craftmark.verbs import verify
from lab.world import PREFIX, World

EXAMPLE = str(Path(__file__).resolve().parents[2] / "examples" / "odd-scan-2000.pcap")
MACHINE = Machine("Linux", is_root=True, programs=frozenset({"ping", "hping3", "traceroute", "nmap"}))


class Fake:
    """Sends nothing: notes what it was asked to run, and answers pings from four hops away."""

    def __init__(self):
        self.commands = []

    def __call__(self, command):
        self.commands.append(tuple(command))
        return Ran(0, f"64 bytes from {command[-1]}: icmp_seq=1 ttl=60 time=1 ms\n", 1_800_000_000_000_000_000)


@pytest.fixture
def runner(monkeypatch):
    fake = Fake()
    monkeypatch.setattr(verify, "run_program", fake)
    monkeypatch.setattr(verify, "this_machine", lambda: MACHINE)
    return fake


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "case.json"
    path.write_text(craftmark.examine([EXAMPLE]).to_json(), encoding="utf-8")
    return path


def test_without_consent_the_plan_is_printed_and_nothing_is_sent(runner, saved, capsys):
    before = saved.read_bytes()
    assert cli.main(["verify", str(saved)]) == 2
    out, err = capsys.readouterr()
    assert "at most 3 packets to each" in out
    assert "ping -n -c 2 -W 2 192.160.13.4" in out
    assert "nothing was sent; --consent" in err
    assert runner.commands == []
    assert saved.read_bytes() == before


def test_a_dry_run_is_the_plan_alone_even_with_consent(runner, saved, capsys):
    assert cli.main(["verify", str(saved), "--dry-run", "--consent"]) == 0
    assert "Plan: ask 3 addresses" in capsys.readouterr().out
    assert runner.commands == []


def test_exactly_the_plan_is_run_and_the_results_are_kept_in_the_saved_report(runner, saved, capsys):
    assert cli.main(["verify", str(saved), "--consent", "--quiet"]) == 0
    out = capsys.readouterr().out
    assert all(" ".join(command) in out for command in runner.commands)
    assert len(runner.commands) == 6
    kept = Report.from_json(saved.read_bytes())
    assert {one.address for one in kept.checks} == {"192.160.13.4", "192.160.13.6", "192.160.13.7"}
    assert sum("fits a genuine source" in claim.statement for claim in kept.claims) == 3
    assert cli.main(["report", str(saved), "-o", str(saved.with_suffix(".md")), "--quiet"]) == 0
    assert "fits a genuine source" in saved.with_suffix(".md").read_text(encoding="utf-8")


def test_a_captures_case_is_saved_beside_it_or_as_asked(runner, tmp_path):
    capture, other = tmp_path / "odd.pcap", tmp_path / "other.json"
    capture.write_bytes(Path(EXAMPLE).read_bytes())
    assert cli.main(["verify", str(capture), "--consent", "--quiet", "--most", "1"]) == 0
    assert len(Report.from_json((tmp_path / "odd.pcap.verified.json").read_bytes()).checks) == 2
    assert cli.main(["verify", f"{capture}:S1", "--consent", "--quiet", "--most", "1", "-o", str(other)]) == 0
    assert other.is_file()


def test_a_kept_case_is_named_by_its_id_and_keeps_the_results(runner, tmp_path, monkeypatch):
    monkeypatch.setenv("CRAFTMARK_DATA_DIR", str(tmp_path))
    store = Store(tmp_path)
    case = store.keep(craftmark.examine([EXAMPLE]), name="odd", now_ns=5)
    assert cli.main(["verify", case, "--consent", "--quiet"]) == 0
    assert len(store.load(case).checks) == 6
    assert [(one.name, one.kept_ns) for one in store.cases()] == [("odd", 5)]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--most", "0"], "not a number of addresses"), (["--most", "65"], "not a number of addresses"),
        (["--own", "192.160.13.0/24", "--consent"], "nothing to ask"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_usage_and_nothing_is_sent(runner, saved, capsys, words, said):
    assert cli.main(["verify", str(saved), *words]) == 2
    assert said in capsys.readouterr().err
    assert runner.commands == []


def test_a_scan_that_is_not_there_is_usage(runner, saved, capsys):
    assert cli.main(["verify", f"{saved}:S7", "--consent"]) == 2
    assert "no such scan" in capsys.readouterr().err
    assert runner.commands == []


def test_a_program_that_is_not_there_is_told_not_raised():
    ran = run_program(["craftmark-no-such-program"])
    assert (ran.code, ran.output) == (None, "No such file or directory")


def _can_isolate():
    programs = ("ip", "nft", "ping", "sysctl", "traceroute")
    if not hasattr(os, "geteuid") or os.geteuid() or not all(map(shutil.which, programs)):
        return False
    name = f"{PREFIX}{os.getpid()}-trial"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False)
    subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
    return made.returncode == 0


def capture_of(source, ttl):
    """Return a pcap of 40 crafted SYNs from a source to the lab's target."""
    records = []
    ends = ip_address(source).packed + ip_address("198.51.100.10").packed
    for port in range(1, 41):
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 40, port * 40503 % 65536, 0, ttl, 6, 0) + ends
        tcp = struct.pack("!HHIIBBHHH", 40000 + port, port, port * 2654435761 % 2**32, 0, 0x50, 0x29, 1024, 0, 0)
        records.append(struct.pack("<IIII", 1_800_000_000, port * 1000, 40, 40) + ip + tcp)
    return struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 101) + b"".join(records)


@pytest.mark.skipif(not _can_isolate(), reason="needs root, network namespaces and their programs")
def test_the_labs_hosts_answer_from_where_they_are(tmp_path, monkeypatch, capsys):
    """s4 is four routers away; the probes of one capture came from there, those of the other from fourteen."""
    with World(77) as world:
        at = world.receiver("target").namespace
        monkeypatch.setattr(verify, "run_program", lambda words: run_program(["ip", "netns", "exec", at, *words]))
        source = world.sender(4).address
        for ttl, says in ((60, "fits a genuine source"), (50, "speaks against a genuine source")):
            capture = tmp_path / f"{ttl}.pcap"
            capture.write_bytes(capture_of(source, ttl))
            words = ["verify", str(capture), "--consent", "--quiet", "--reserved", "--trace"]
            assert cli.main(words) == 0
            assert says in " ".join(capsys.readouterr().out.split())
        kept = Report.from_json((tmp_path / "60.pcap.verified.json").read_bytes())
        assert {check.hops for check in kept.checks} == {(4,)}
        nobody = tmp_path / "nobody.pcap"
        nobody.write_bytes(capture_of("192.0.2.78", 60))
        assert cli.main(["verify", str(nobody), "--consent", "--quiet", "--reserved"]) == 0
        assert "cannot be reached: a router said so" in " ".join(capsys.readouterr().out.split())
