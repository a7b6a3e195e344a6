"""What firewalls remember of a first packet, against the measured table."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from craftmark.errors import RuleError
from craftmark.packets.fields import FIN, ICMP, PSH, RST, SYN, TCP, UDP
from craftmark.stacks.firewall import firewalls, read_firewall, remember
from craftmark.stacks.stack import first_fit

FACTS = Path(__file__).parents[3] / "shared" / "facts" / "conntrack.csv"
SETTINGS = {"1": "tcp_loose=1 (default)", "0": "tcp_loose=0"}


@pytest.mark.skipif(not FACTS.exists(), reason="../shared/facts is absent")
def test_every_measured_verdict_of_conntrack_is_reproduced():
    settings = {setting.name: setting for setting in firewalls()[0].settings}
    compared = 0
    with FACTS.open() as rows:
        for row in csv.DictReader(rows):
            verdict = first_fit(settings[SETTINGS[row["tcp_loose"]]].tcp, int(row["flags_byte"]))
            assert verdict == row["ct_state"], row
            compared += 1
    assert compared == 12 * 256


def test_a_segment_with_fin_rst_psh_leaves_no_state():
    rows = remember(TCP, FIN | RST | PSH)
    assert [(row.creates_state, row.verdict) for row in rows] == [(False, "INVALID"), (False, "INVALID")]


def test_a_syn_leaves_state():
    assert all(row.creates_state and row.source for row in remember(TCP, SYN))


def test_udp_and_an_echo_request_leave_state_and_a_reply_does_not():
    assert [row.creates_state for row in remember(UDP, None)] == [True]
    assert [row.creates_state for row in remember(ICMP, None, icmp=(8, 0))] == [True]
    assert [row.creates_state for row in remember(ICMP, None, icmp=(0, 0))] == [False]


def test_nothing_is_said_of_what_is_not_known():
    assert remember(47, None) == []
    assert remember(ICMP, None) == []
    assert remember(TCP, SYN, ip_version=6) == []


def test_a_broken_file_is_refused_by_name(tmp_path):
    path = tmp_path / "odd.toml"
    path.write_text('id = "x"\nname = "x"\nsource = "x"\nsettings = []\n[[protocols]]\nprotocol = "udp"\n')
    with pytest.raises(RuleError, match=r"odd\.toml"):
        read_firewall(path)
