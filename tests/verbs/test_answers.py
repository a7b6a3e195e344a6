from __future__ import annotations

import json

import pytest

from craftmark import cli
from craftmark.errors import ExitCode
from craftmark.packets.fields import TCP
from craftmark.stacks.respond import predict
from craftmark.verbs.answers import flags


@pytest.mark.parametrize(
    ("text", "bits"),
    [
        ("FRP", 13), ("prf", 13), ("SYN", 2), ("S", 2), ("SYN+ACK", 18), ("syn,ack", 18), ("SA", 18), ("none", 0),
        ("null", 0), ("0x29", 41), ("255", 255), ("FSRPAUEC", 255), ("WE", 192), ("URG", 32), ("ECE", 64),
    ],
)  # fmt: skip
def test_control_bits_are_read_in_every_usual_spelling(text, bits):
    assert flags(text) == bits


def test_the_document_holds_every_answer_of_the_oracle(capsys):
    for bits in (0, 2, 13, 18, 255):
        assert cli.main(["answers", "--flags", str(bits), "--json"]) == 0
        document = json.loads(capsys.readouterr().out)
        told = [(row["stack"], row["state"], row["answer"]) for row in document["predicted"]]
        assert told == [(row.stack, row.state, row.answer) for row in predict(TCP, bits)]
        assert document["remembered"]
        assert document["schema"] == "craftmark.answers/1"


def test_the_matrix_has_a_line_per_stack_and_a_column_per_state(capsys):
    assert cli.main(["answers", "--flags", "SYN"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("TCP SYN: syn+ack from open ports, rst+ack from closed ports, by the standard")
    head = next(line for line in lines if line.startswith("stack "))
    row = next(line for line in lines if line.startswith("Linux "))
    for state, answer in (("open", "syn+ack"), ("closed", "rst+ack")):
        assert row[head.index(state) :].startswith(answer)
    assert any(line.startswith("filter rules") for line in lines)
    assert any(line.startswith("firewalls") for line in lines)
    assert any("RFC 9293 section 3.10.7" in line for line in lines)


def test_a_stack_and_a_state_can_be_chosen(capsys):
    assert cli.main(["answers", "--flags", "FRP", "--stack", "slirp", "--port", "closed", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [(row["state"], row["answer"]) for row in document["predicted"]] == [("closed", "rst+ack")]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--icmp", "8/0"), "ICMP type 8 code 0: echo reply"), (("--icmp", "128", "--ipv6"), "over IPv6: echo reply"),
        (("--protocol", "udp"), "icmp 3/3 from closed ports"), (("--protocol", "47"), "IP protocol 47"),
        (("--protocol", "arp"), "arp reply"), (("--protocol", "sctp"), "init-ack from open ports"),
        (("--flags", "A", "--payload"), "TCP ACK with data"),
    ],
)  # fmt: skip
def test_other_protocols_are_answered_too(capsys, words, said):
    assert cli.main(["answers", *words]) == 0
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "--flags"), (("--flags", "XYZ"), "no control bits"), (("--flags", "256"), "no control bits"),
        (("--flags", "S", "--stack", "nonesuch\x1b"), "known are"), (("--icmp", "8/x"), "8/0"),
        (("--protocol", "icmp"), "--icmp 8/0"), (("--protocol", "udp", "--flags", "S"), "--flags is for TCP"),
        (("--protocol", "xyz"), "no number up to 255"),
    ],
)  # fmt: skip
def test_a_question_that_cannot_be_answered_is_usage(capsys, words, said):
    assert cli.main(["answers", *words]) == ExitCode.USAGE
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert said in err
    assert "\x1b" not in err
