"""What stacks answer: the standard's procedure, and every measured row."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from craftmark.packets.fields import ACK_BIT, ARP, FIN, ICMP, ICMP6, PSH, RST, SCTP, SYN, TCP, UDP, URG
from craftmark.stacks.respond import BY_STANDARD, predict, segment_arrives
from craftmark.stacks.stack import stacks

MEASURED = tomllib.loads((Path(__file__).parent / "measured_answers.toml").read_text())["measured"]
PROBE_SEQ = 1000
FRP = FIN | RST | PSH


def by_standard(protocol, bits=None, **more):
    return {row.state: row.answer for row in predict(protocol, bits, **more) if row.stack == BY_STANDARD}


def deviations_from_the_standard(bits):
    standard = by_standard(TCP, bits)
    return {(row.stack, row.state, row.answer) for row in predict(TCP, bits) if row.answer != standard[row.state]}


def known_state(group):
    stack = next(stack for stack in stacks() if stack.id == group["stack"])
    return stack, next(one for one in stack.states if (one.state, one.rule) == (group["state"], group["rule"]))


@pytest.mark.parametrize("group", MEASURED, ids=lambda group: f"{group['stack']}-{group['state']}-{group['rule']}")
def test_every_measured_answer_is_known_with_its_header(group):
    stack, state = known_state(group)
    assert len(group["answers"]) == 256
    for bits, letter in enumerate(group["answers"]):
        line = state.rule_for(bits)
        if letter == ".":
            assert line.answer == "none", bits
            continue
        answer, seq, ack, ttl, window, ip_id, df, tos, options = group["legend"][letter]
        form = stack.form(line)
        assert line.answer == answer, bits
        assert form.ttl - group["routers"] == ttl
        assert (form.ip_id, form.tos, form.options, form.df) == (ip_id, tos, options, df == "1")
        assert form.window == (int(window) if window else None)
        assert {"": "", "0": "0", "SEG.ACK": "probe.ack", "ISS": "own"}[form.seq] == seq
        acknowledged = form.acknowledges(PROBE_SEQ, syn=bool(bits & SYN), fin=bool(bits & FIN))
        numbers = {"": None, "0": 0, "probe.seq": 1000, "probe.seq+1": 1001, "probe.seq+2": 1002}
        assert acknowledged == numbers[ack], (bits, form.ack)


def test_the_measured_table_has_six_stacks_in_seventeen_states():
    assert len(MEASURED) == 17
    assert {group["stack"] for group in MEASURED} == {"linux", "gvisor", "lwip", "uip", "picotcp", "libslirp"}


def test_no_measured_state_is_known_that_nobody_measured():
    measured = {(group["stack"], group["state"], group["rule"]) for group in MEASURED}
    known = {(s.id, one.state, one.rule) for s in stacks() if s.basis == "measured" for one in s.states}
    assert known - measured == {("linux", state, "") for state in ("syn-sent", "established", "time-wait")}


@pytest.mark.parametrize("bits", range(256))
def test_a_segment_with_rst_is_never_answered_by_the_standard(bits):
    states = ("closed", "listen", "syn-sent", "established", "time-wait")
    answers = {segment_arrives(state, bits).answer for state in states}
    assert (answers == {"none"}) == bool(bits & RST)


@pytest.mark.parametrize("bits", range(256))
def test_closed_ports_answer_as_the_standard_says_on_linux(bits):
    linux = next(stack for stack in stacks() if stack.id == "linux")
    closed = next(state for state in linux.states if state.state == "closed" and not state.rule)
    assert closed.answer(bits) == segment_arrives("closed", bits).answer


@pytest.mark.parametrize(
    ("state", "bits", "answer"),
    [
        ("closed", SYN, "rst+ack"), ("closed", 0, "rst+ack"), ("closed", ACK_BIT, "rst"),
        ("closed", FIN | PSH | URG, "rst+ack"), ("listen", SYN, "syn+ack"), ("listen", SYN | FIN, "syn+ack"),
        ("listen", SYN | ACK_BIT, "rst"), ("listen", 0, "none"), ("listen", FIN, "none"),
        ("established", SYN, "ack"), ("established", FIN, "ack"), ("time-wait", 0, "ack"),
        ("syn-sent", SYN, "syn+ack"), ("syn-sent", ACK_BIT, "rst"), ("syn-sent", SYN | ACK_BIT, "rst"),
        ("syn-sent", FIN, "none"),
    ],
)  # fmt: skip
def test_segment_arrives_follows_rfc_9293(state, bits, answer):
    said = segment_arrives(state, bits)
    assert said.answer == answer
    assert said.section.startswith("RFC 9293 section 3.10.7.")


def test_fin_rst_psh_is_answered_only_by_the_known_exceptions():
    assert deviations_from_the_standard(FRP) == {
        ("Linux 6.18.44 (REJECT with icmp-port-unreachable)", "filtered", "icmp 3/3"),
        ("Linux 6.18.44 (REJECT with icmp-admin-prohibited)", "filtered", "icmp 3/13"),
        ("picoTCP 1.7.0-15-g46120abe", "closed", "icmp 3/3"),
        ("libslirp 4.7.0", "open", "rst+ack"),
        ("libslirp 4.7.0", "closed", "rst+ack"),
    }


def test_measured_rows_stay_away_where_nobody_measured():
    assert all(row.basis == "standard" for row in predict(TCP, SYN, ip_version=6))
    with_payload = {row.stack for row in predict(TCP, SYN, has_payload=True) if row.basis == "measured"}
    assert with_payload == {"Linux 6.18.44"}


def test_documented_rows_say_only_what_their_source_says():
    rows = [row for row in predict(TCP, FIN) if row.basis == "documented"]
    assert {(row.stack, row.state, row.answer) for row in rows} >= {("Microsoft Windows", "open", "reset")}
    assert not [row for row in predict(TCP, FRP) if row.basis == "documented"]
    assert all(row.source for row in rows)


def test_a_measured_answer_tells_its_header():
    row = next(row for row in predict(TCP, SYN) if row.stack == "Linux 6.18.44" and row.state == "closed")
    assert (row.header.ttl, row.header.window, row.header.ack) == (64, 0, "SEG.SEQ+SEG.LEN")
    assert any(row.basis == "measured" for row in predict(TCP, SYN))


def test_every_prediction_names_its_source():
    rows = [row for protocol in (TCP, UDP, ICMP, ARP, SCTP, 47) for row in predict(protocol, SYN, icmp=(8, 0))]
    assert all(row.source for row in rows)


def test_udp_to_a_closed_port_gets_port_unreachable():
    assert by_standard(UDP)["closed"] == "icmp 3/3"
    assert by_standard(UDP, ip_version=6)["closed"] == "icmp6 1/4"


@pytest.mark.parametrize(
    ("protocol", "icmp", "answer"),
    [
        (ICMP, (8, 0), "echo reply"), (ICMP, (13, 0), "timestamp reply or none"), (ICMP, (17, 0), "none"),
        (ICMP, (0, 0), "none"), (ICMP, (3, 3), "none"), (ICMP, (99, 0), "none"), (ICMP6, (128, 0), "echo reply"),
        (ICMP6, (1, 4), "none"),
    ],
)  # fmt: skip
def test_icmp_requests_are_answered_and_nothing_else(protocol, icmp, answer):
    assert by_standard(protocol, icmp=icmp) == {"open": answer, "filtered": "none"}


def test_an_unknown_protocol_gets_protocol_unreachable():
    assert by_standard(47)["closed"] == "icmp 3/2"


def test_nothing_is_predicted_without_control_bits_or_type():
    assert predict(TCP, None) == []
    assert predict(ICMP, None) == []
