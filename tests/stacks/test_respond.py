"""What stacks answer: the standard's procedure, and every measured row."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from craftmark.packets.fields import ACK_BIT, ARP, FIN, ICMP, ICMP6, PSH, RST, SCTP, SYN, TCP, UDP, URG
from craftmark.stacks.respond import BY_STANDARD, predict, segment_arrives
from craftmark.stacks.stack import stacks

FACTS = Path(__file__).parents[3] / "shared" / "facts" / "responses.csv"
IDS = {
    "Linux": "linux", "gVisor netstack": "gvisor", "lwIP": "lwip", "uIP": "uip", "picoTCP": "picotcp",
    "libslirp (slirp4netns)": "libslirp",
}  # fmt: skip
RULES = {
    "filtered_drop": "DROP",
    "reject_icmp_port": "REJECT with icmp-port-unreachable",
    "reject_icmp_admin": "REJECT with icmp-admin-prohibited",
    "reject_tcp_reset": "REJECT with tcp-reset",
    "closed_ct_invalid_drop": "DROP of what conntrack calls INVALID",
}
FRP = FIN | RST | PSH


def by_standard(protocol, bits=None, **more):
    return {row.state: row.answer for row in predict(protocol, bits, **more) if row.stack == BY_STANDARD}


def deviations_from_the_standard(bits):
    standard = by_standard(TCP, bits)
    return {(row.stack, row.state, row.answer) for row in predict(TCP, bits) if row.answer != standard[row.state]}


@pytest.mark.skipif(not FACTS.exists(), reason="../shared/facts is absent")
def test_every_measured_row_is_reproduced():
    measured = {(stack.id, state.rule, state.state): state for stack in stacks() for state in stack.states}
    compared = 0
    with FACTS.open() as rows:
        for row in csv.DictReader(rows):
            rule = RULES.get(row["port_state"], "")
            state = next(
                found for (stack, behind, name), found in measured.items()
                if stack == IDS[row["stack"]] and behind == rule and (rule or name == row["port_state"])
            )  # fmt: skip
            assert state.answer(int(row["flags_byte"])) == row["reply"].lower(), row
            compared += 1
    assert compared == 17 * 256


@pytest.mark.parametrize("bits", range(256))
def test_a_segment_with_rst_is_never_answered_by_the_standard(bits):
    answers = {segment_arrives(state, bits).answer for state in ("closed", "listen", "established")}
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
        ("established", SYN, "ack"), ("established", FIN, "ack"),
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
    assert all(row.basis == "standard" for row in predict(TCP, SYN, has_payload=True))
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
