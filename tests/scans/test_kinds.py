"""What a packet is for, by protocol and control bits alone."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest

from craftmark.packets import fields as f
from craftmark.scans.kinds import Kind, by_rows, kinds_of
from tests.scans.traffic import SCANNER, US, Traffic, finished_of

TCP_KINDS = {
    Kind.SYN: ["S", "SEC", "SE"],
    Kind.SYN_ACK: ["SA", "SAE"],
    Kind.RST: ["R", "RA"],
    Kind.MIDDLE: ["A", "PA", "FA", "FPA", "UA", "UPA", "AC"],
    Kind.ODD: ["", "F", "P", "U", "FPU", "SF", "SR", "SFRPAU", "FRP", "SP", "FR", "RP", "FUA", "SU"],
}
BITS = {"F": f.FIN, "S": f.SYN, "R": f.RST, "P": f.PSH, "A": f.ACK_BIT, "U": f.URG, "E": f.ECE, "C": f.CWR}


@pytest.mark.parametrize(("kind", "letters"), [(kind, flags) for kind, every in TCP_KINDS.items() for flags in every])
def test_control_bits_tell_a_segments_place_in_a_connection(kind, letters):
    traffic = Traffic()
    traffic.tcp(0, SCANNER, US, (1, 2), sum(BITS[letter] for letter in letters))
    assert kinds_of(finished_of(traffic.batch())).tolist() == [kind]


@pytest.mark.parametrize(
    ("protocol", "kind", "words"),
    [
        (f.UDP, Kind.UDP, {}),
        (f.ICMP, Kind.ECHO, {"icmp_type": 8}),
        (f.ICMP, Kind.ASK, {"icmp_type": 13}),
        (f.ICMP, Kind.ASK, {"icmp_type": 17}),
        (f.ICMP, Kind.REPLY, {"icmp_type": 0}),
        (f.ICMP, Kind.REPLY, {"icmp_type": 3, "icmp_code": 3}),
        (f.ARP, Kind.ARP_ASK, {"arp_op": 1}),
        (f.ARP, Kind.ARP_REPLY, {"arp_op": 2}),
        (f.SCTP, Kind.SCTP_OPEN, {"sctp_chunk": 1}),
        (f.SCTP, Kind.SCTP_OTHER, {"sctp_chunk": 3}),
        (f.NOT_IP, Kind.UNDECODED, {}),
        (47, Kind.OTHER, {}),
        (89, Kind.ROUTING, {}),
    ],
)
def test_protocols_have_their_kinds(protocol, kind, words):
    traffic = Traffic()
    traffic.packet(0, SCANNER, US, protocol, **words)
    finished = finished_of(traffic.batch())
    assert by_rows(kinds_of(finished), finished).tolist() == [kind]


def test_icmp6_echo_replies_and_neighbours_are_told_apart():
    traffic = Traffic()
    for kind in (128, 129, 1, 135, 136, 143):
        traffic.packet(0, "2001:db8::1", "2001:db8::2", f.ICMP6, icmp_type=kind)
    finished = finished_of(traffic.batch())
    found = defaultdict(set)
    for kind, bits in zip(kinds_of(finished).tolist(), finished.bits.tolist(), strict=True):
        found[Kind(kind)].add(bits >> 8)
    assert found == {Kind.ECHO: {128}, Kind.REPLY: {129, 1, 143}, Kind.NEIGHBOUR: {135, 136}}


def test_later_fragments_have_no_control_bits_to_judge():
    traffic = Traffic()
    traffic.tcp(0, SCANNER, US, (1, 2), 0)
    batch = traffic.batch()
    batch.words[:, f.PRESENT] &= ~np.uint32(f.visibility_mask(*f.TCP_WORDS))
    assert kinds_of(finished_of(batch)).tolist() == [Kind.FRAGMENT]


@pytest.mark.parametrize(("notes", "kind"), [(0, Kind.UNTOLD), (f.NOTE_FIRST_FRAGMENT, Kind.ODD),
                                             (f.NOTE_FIRST_FRAGMENT | f.NOTE_CUT, Kind.UNTOLD)])  # fmt: skip
def test_first_fragments_that_end_within_the_header_are_odd_and_packets_cut_by_a_snaplen_are_not(notes, kind):
    traffic = Traffic()
    for port in range(5):
        traffic.tcp(port, SCANNER, US, (1, port), f.SYN)
    batch = traffic.batch()
    batch.words[:, f.PRESENT] &= ~np.uint32(f.visibility_bit(f.TCP_FLAGS))
    batch.words[:, f.UNSEEN] |= np.uint32(f.visibility_bit(f.TCP_FLAGS))
    batch.words[:, f.NOTES] |= notes
    finished = finished_of(batch)
    assert by_rows(kinds_of(finished), finished).tolist() == [kind]
