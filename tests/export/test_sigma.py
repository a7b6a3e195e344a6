"""Sigma's own library takes the rules, and its correlation fits the scan it came from."""

from __future__ import annotations

import pytest

from craftmark import cli
from craftmark.errors import ExitCode
from tests.cases.captures import KEPT, ROOT

sigma = pytest.importorskip("sigma.collection")

CASES = {
    ROOT / "examples" / "odd-scan-2000.pcap": ("dst_port", ["src_ip", "dst_ip"], 25, 60),
    KEPT / "zmap_seed42_n1500.pcap.gz": ("dst_ip", ["src_ip", "dst_port"], 25, 60),
    KEPT / "nmap_ping_sweep.pcap.gz": ("dst_ip", ["src_ip"], 25, 60),
    KEPT / "traceroute_tcp.pcap.gz": (None, ["src_ip", "dst_ip"], None, None),
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_pysigma_reads_both_rules_and_resolves_the_correlation(case, capsys):
    assert cli.main(["export", str(case), "--as", "sigma"]) == ExitCode.EXAMINED
    probe, correlation = sigma.SigmaCollection.from_yaml(capsys.readouterr().out).rules
    assert not probe.errors
    assert not correlation.errors
    assert correlation.rules[0].rule is probe
    counted, group, enough, span_s = CASES[case]
    condition = correlation.condition
    field = condition.fieldref
    assert (field[0] if isinstance(field, list) else field) == counted
    assert correlation.group_by == group
    if counted:
        assert (condition.count, correlation.timespan.seconds) == (enough, span_s)
    assert "counted on the capture" in probe.description


def test_a_slow_scan_gets_a_longer_time(capsys, tmp_path):
    from craftmark import examine

    report = examine(next(iter(CASES)))
    text = report.to_json().replace(f'"duration_ns": {report.scans[0].duration_ns}', '"duration_ns": 900000000000000')
    (tmp_path / "slow.json").write_text(text)
    assert cli.main(["export", str(tmp_path / "slow.json"), "--as", "sigma"]) == ExitCode.EXAMINED
    rules = sigma.SigmaCollection.from_yaml(capsys.readouterr().out).rules
    assert rules[1].timespan.seconds == 86_400
