from __future__ import annotations

import json
from pathlib import Path

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


#: Written for this test in the form of an nmap-os-db: no line of it is nmap's.
SYSTEMS = """# a comment
MatchPoints
T2(R=80%F=30)
Fingerprint Quiet stack 1.0
Class Nobody | Quiet | 1 | special purpose
T1(R=Y%DF=Y%T=3B-45%S=O%A=S+%F=AS%RD=0%Q=)
T2(R=N)
T5(R=Y%F=AR%RD=0)
T7(R=N)
Fingerprint Loud stack \x1b[31m 2.0
T1(R=Y%F=AS|A)
T2(R=Y%F=AR)
ECN(R=Y%DF=Y%CC=Y)
T7(R=Y%F=R)
T6(R=Y|N%F=R)
T3(F=\xff)
garbage(((
"""


@pytest.fixture
def systems(tmp_path):
    path = tmp_path / "nmap-os-db"
    path.write_text(SYSTEMS)
    return str(path)


@pytest.mark.parametrize(
    ("bits", "said"),
    [
        ("none", [("open", "T2", "none", 1, 2), ("open", "T2", "rst+ack", 1, 2)]),
        ("S", [("open", "T1", "syn+ack", 2, 2), ("open", "T1", "ack", 1, 2), ("closed", "T5", "rst+ack", 1, 1)]),
        ("FPU", [("closed", "T7", "none", 1, 2), ("closed", "T7", "rst", 1, 2)]),
        ("A", [("closed", "T6", "none", 1, 1), ("closed", "T6", "rst", 1, 1)]),
        ("SEC", [("open", "ECN", "syn+ack+ece", 1, 1)]), ("FRP", []),
    ],
)  # fmt: skip
def test_the_users_nmap_os_db_counts_systems_by_their_answers(capsys, systems, bits, said):
    assert cli.main(["answers", "--flags", bits, "--nmap-os-db", systems, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["nmap_os_db"]
    assert [(row["state"], row["test"], row["answer"], row["systems"], row["tested"]) for row in rows] == said


def test_systems_are_named_on_the_page_and_chosen_by_name(capsys, systems):
    assert cli.main(["answers", "--flags", "none", "--nmap-os-db", systems, "--stack", "loud"]) == 0
    out = capsys.readouterr().out
    assert "1 of 1 systems (T2, open port): Loud stack" in out
    assert "\x1b" not in out
    assert "Quiet stack" not in out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--flags", "S", "--nmap-os-db", "/nonesuch"), ExitCode.NO_SUCH_INPUT, "cannot be read"),
        (("--flags", "S", "--nmap-os-db", __file__ + "/x"), ExitCode.UNREADABLE, "cannot be read"),
        (("--protocol", "udp", "--nmap-os-db", "x"), ExitCode.USAGE, "TCP over IPv4"),
    ],
)
def test_a_nmap_os_db_that_tells_nothing_is_an_error(capsys, words, code, said):
    assert cli.main(["answers", *words]) == code
    assert said in capsys.readouterr().err


def test_a_file_without_fingerprints_is_named(capsys, tmp_path):
    path = tmp_path / "other"
    path.write_text("T1(R=N)\n")
    assert cli.main(["answers", "--flags", "S", "--nmap-os-db", str(path)]) != 0
    assert "no fingerprint in it" in capsys.readouterr().err


INSTALLED = Path("/usr/share/nmap/nmap-os-db")


@pytest.mark.skipif(not INSTALLED.is_file(), reason="no nmap is installed here")
def test_the_nmap_os_db_of_an_installed_nmap_is_read(capsys):
    assert cli.main(["answers", "--flags", "none", "--nmap-os-db", str(INSTALLED), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["nmap_os_db"]
    assert rows[0]["answer"] == "none"  # as the standard has it
    assert rows[0]["tested"] > 1000
    assert sum(row["systems"] for row in rows) >= rows[0]["tested"]
