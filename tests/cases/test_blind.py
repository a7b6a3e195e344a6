"""Relations of real tools are found again in their captures with no rule at hand; ordinary traffic holds none."""

from __future__ import annotations

import numpy as np
import pytest

from craftmark.evidence.gather import dossier_of
from craftmark.marks import relations, residues
from craftmark.packets.fields import TCP
from craftmark.run.local import fold
from craftmark.sources.base import SourceOptions
from craftmark.sources.inputs import open_inputs
from tests.cases.captures import LAB, PUBLIC, needs_captures

pytestmark = needs_captures

SYN = 2


def dossiers_of(path):
    """Every strand of two packets or more, and all strands of a kind together: (protocol, control bits, dossier)."""
    case = open_inputs([str(path)], options=SourceOptions())
    finished = fold(case.batches(), {}).finish()
    kinds = {}
    for strand in range(len(finished)):
        if finished.count[strand] >= 2:
            yield int(finished.protocol[strand]), int(finished.bits[strand]), dossier_of(finished, np.array([strand]))
        kinds.setdefault((int(finished.protocol[strand]), int(finished.bits[strand])), []).append(strand)
    for (protocol, bits), strands in kinds.items():
        if len(strands) > 1:
            yield protocol, bits, dossier_of(finished, np.array(strands))


@pytest.mark.parametrize(
    ("file", "statement"),
    [
        ("masscan_git_srcport_61000_ports5.pcap", "ip_id = low16(ip_dst ^ tcp_seq) ^ tcp_dport"),
        ("masscan_p80_default.pcap", "ip_id ^ low16(ip_dst ^ tcp_seq) = 0x50"),
        ("masscan_git_one_host_1_1000.pcap", "ip_id ^ low16(tcp_seq) ^ tcp_dport = 0x640A"),
        ("unicornscan_tcp.pcap", "tcp_seq ^ (tcp_dport << 16) + tcp_sport = 0xE4C2AD07"),
        ("unicornscan_tcp_sweep.pcap", "tcp_seq ^ (swap16(low16(ip_dst)) << 16) + tcp_sport = 0xA80F8AEE"),
        ("t50_syn.pcap", "payload_head = ip_src"),
    ],
)  # fmt: skip
def test_a_tools_relation_is_found_without_its_rule(file, statement):
    """What never changes in a capture, as the one target or port, is part of the constant."""
    found = [relations.infer(one) for protocol, bits, one in dossiers_of(LAB / file) if (protocol, bits) == (TCP, SYN)]
    whole = max(found, key=lambda marks: max((mark.seen for mark in marks), default=0))
    assert [mark.statement for mark in whole] == [statement]
    assert whole[0].held == whole[0].seen


def test_both_halves_of_old_nmaps_sequence_numbers_are_tied():
    """Nine different values in 1,994 probes: the rule knows the formula, and blind they prove too little."""
    for _, _, one in dossiers_of(PUBLIC / "nmap-syn-old.pcap"):
        assert all(mark.name != "bits" for mark in relations.infer(one))


def test_four_sources_of_one_zmap_share_the_targets_out():
    marks = [mark for _, _, one in dossiers_of(LAB / "zmap_git_four_sources.pcap") for mark in residues.infer(one)]
    assert [mark.statement for mark in marks] == ["ip_dst % 4 is one value per source, another for each"]


@pytest.mark.parametrize("file", ["normal-chat-sll.pcap", "normal-http-49-connections.pcap"])
def test_linux_itself_makes_an_ip_id_of_sequence_number_and_clock(file):
    """inet_id = write_seq ^ jiffies, net/ipv4/tcp_ipv4.c tcp_v4_connect until 2021: a relation of a real stack."""
    found = [(bits, mark.statement) for _, bits, one in dossiers_of(PUBLIC / file) for mark in relations.infer(one)]
    assert found == [(SYN, "ip_id = low16(tcp_seq ^ tcp_tsval)")]


QUIET = sorted(LAB.glob("neg_*.pcap"))


@pytest.mark.parametrize("path", QUIET, ids=lambda path: path.stem)
def test_ordinary_traffic_holds_no_relation(path):
    for _, _, one in dossiers_of(path):
        assert relations.infer(one) == []
        assert residues.infer(one) == []
