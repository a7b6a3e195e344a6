"""Which packets and fields are looked at: what varies and is seen, each different packet once, at most a thousand."""

from __future__ import annotations

import numpy as np

from craftmark.marks import relations
from craftmark.marks.relations.headers import ROWS, conversations, headers_of
from craftmark.packets.fields import ICMP, PRESENT, SEQ, UDP, visibility_bit
from tests.marks import planting
from tests.marks.dossiers import dossier_from_batch, probes

RNG = np.random.default_rng(15)


def found(batch) -> list[str]:
    return [mark.statement for mark in relations.infer(dossier_from_batch(batch))]


def test_fields_that_never_vary_are_left_out() -> None:
    headers = headers_of(dossier_from_batch(planting.masscan(RNG, 40)))
    assert headers is not None
    assert headers.given == ("ip_dst", "tcp_dport")
    assert headers.chosen == ("ip_id", "tcp_seq")


def test_where_the_sender_varies_nothing_there_is_nothing_to_relate() -> None:
    batch = probes(40, ip_dst=planting.draw(RNG, 32, 40), tcp_dport=np.arange(40), ip_id=7)
    assert headers_of(dossier_from_batch(batch)) is None
    assert found(batch) == []


def test_a_packet_sent_again_is_one_packet() -> None:
    again = planting.masscan(RNG, 2).take(np.arange(60) % 2)
    headers = headers_of(dossier_from_batch(again))
    assert headers is not None
    assert len(headers.packets) == 2
    assert found(again) == []


def test_many_packets_are_thinned_out_evenly() -> None:
    headers = headers_of(dossier_from_batch(planting.masscan(RNG, 5000)))
    assert headers is not None
    assert len(headers.packets) == ROWS
    assert headers.packets.packet_id[0] == 1
    assert headers.packets.packet_id[-1] == 5000


def test_packets_that_do_not_show_a_field_are_left_out_of_its_count() -> None:
    batch = planting.masscan(RNG, 100)
    batch.words[:6, PRESENT] &= np.uint32(~visibility_bit(SEQ) & 0xFFFFFFFF)
    (mark,) = relations.infer(dossier_from_batch(batch))
    assert (mark.statement, mark.held, mark.seen) == (planting.STATED[planting.masscan], 94, 94)


def test_a_field_that_the_input_hides_is_no_part_of_a_relation() -> None:
    batch = planting.masscan(RNG, 100)
    batch.words[:, PRESENT] &= np.uint32(~visibility_bit(SEQ) & 0xFFFFFFFF)
    assert found(batch) == []


def test_payloads_and_other_protocols_have_relations_too() -> None:
    dst, head = planting.draw(RNG, 32, 50), planting.draw(RNG, 32, 50)
    udp = probes(50, protocol=UDP, ip_dst=dst, udp_dport=53, payload_head=head, ip_id=(dst ^ 53 ^ head >> 16) & 0xFFFF)
    assert found(udp) == ["ip_id ^ low16(ip_dst) ^ high16(payload_head) = 0x35"]
    icmp = probes(50, protocol=ICMP, ip_dst=dst, icmp_id=dst >> 16, icmp_seq=dst & 0xFFFF)
    assert found(icmp) == ["icmp_id = high16(ip_dst)", "icmp_seq = low16(ip_dst)"]


def test_a_conversation_is_its_first_packet() -> None:
    batch = probes(60, ip_dst=np.arange(60) % 4, tcp_sport=5, tcp_dport=80, tcp_seq=planting.draw(RNG, 32, 60))
    assert conversations(batch) is not None
    assert conversations(batch).tolist() == [0, 1, 2, 3]
    assert conversations(batch.take(slice(0, 4))) is None
    assert conversations(batch.take(np.arange(0, 60, 4))) is None
