"""What firewalls remember of a first packet, against the measured table."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from craftmark.errors import RuleError
from craftmark.packets.fields import ACK_BIT, FIN, ICMP, PSH, RST, SYN, TCP, UDP, URG
from craftmark.stacks.firewall import firewalls, read_firewall, remember

MEASURED = tomllib.loads((Path(__file__).parent / "measured_conntrack.toml").read_text())["measured"]
SETTINGS = {1: "tcp_loose=1 (default)", 0: "tcp_loose=0"}
STATES = {"-": "", "s": "SYN_SENT", "r": "SYN_RECV", "e": "ESTABLISHED"}
CONNTRACK = next(one for one in firewalls() if one.id == "netfilter-conntrack")
#: The entries were read within so many seconds.
READ_AFTER = 2


@pytest.mark.parametrize(
    "group", MEASURED, ids=lambda one: f"{one['tcp_loose']}-{one['tcp_be_liberal']}-{one['target']}"
)
def test_every_measured_verdict_and_entry_of_conntrack_is_known(group):
    setting = next(one for one in CONNTRACK.settings if one.name == SETTINGS[group["tcp_loose"]])
    for bits, (verdict, left) in enumerate(zip(group["verdicts"], group["entries"], strict=True)):
        assert setting.verdict(bits)[0] == verdict, bits
        entry = CONNTRACK.entries_of(bits)[group["target"]] if verdict == "N" else None
        assert (entry.state if entry else "") == STATES[left], bits
        if left != "-":
            assert all(entry.seconds - READ_AFTER <= seconds <= entry.seconds for seconds in group["timeouts"][left])


def test_the_measured_table_has_twelve_settings_of_256():
    assert len(MEASURED) == 12
    assert all(len(group["verdicts"]) == len(group["entries"]) == 256 for group in MEASURED)


def test_a_segment_with_fin_rst_psh_leaves_no_state():
    rows = remember(TCP, FIN | RST | PSH)
    assert not any(row.creates_state for row in rows)
    assert {(row.firewall.partition(",")[0], row.verdict) for row in rows} == {
        ("netfilter conntrack", "INVALID"), ("pf", "dropped as illegal"), ("ipfw", "matches, no entry"),
        ("Cisco ASA", "dropped, logged as 106015"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("bits", "own", "made_up"),
    [
        (RST, "CLOSE for 10 s", "kept, INVALID"), (ACK_BIT, "refreshed", "kept, INVALID"),
        (FIN | ACK_BIT, "FIN_WAIT for 120 s", "kept, INVALID"), (SYN, "kept", "kept"),
        (FIN | RST | PSH, "kept, INVALID", "kept, INVALID"), (RST | URG, "kept, INVALID", "kept, INVALID"),
    ],
)  # fmt: skip
def test_what_a_segment_does_to_a_connection_it_meets_is_known(bits, own, made_up):
    """Only numbers of the connection refresh or end an entry; lab/firewalls.py measures all 256 combinations."""
    row = next(row for row in remember(TCP, bits) if row.firewall.startswith("netfilter"))
    assert row.meets == f"{own}, if its numbers are the connection's own; {made_up}, if its numbers are made up"


def test_every_firewall_says_what_it_logs_and_where_that_is_known_from():
    assert all(row.logged.endswith("]") for row in remember(TCP, SYN))
    assert {one.id for one in firewalls() if one.logged} >= {"netfilter-conntrack", "pf", "ipfw", "cisco-asa", "fw-1"}


def test_the_firewall_of_the_time_sends_the_header_of_a_lone_ack_on():
    row = next(row for row in remember(TCP, ACK_BIT) if row.firewall.startswith("FireWall-1"))
    assert (row.creates_state, row.verdict) == (False, "rejected, its header sent on with other data")
    assert not any(row.firewall.startswith("FireWall-1") for row in remember(TCP, FIN | RST | PSH))


def test_an_entry_is_told_by_what_the_target_does():
    row = next(row for row in remember(TCP, SYN) if row.firewall.startswith("netfilter"))
    assert (
        row.entry == "SYN_SENT for 120 s at a silent target; SYN_RECV for 60 s at an open target; gone after "
        "the answer of a closed one"
    )


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
