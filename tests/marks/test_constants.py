"""Constant fields: each stated with its count; what is constant anyway proves nothing."""

from __future__ import annotations

from math import log10
from typing import TYPE_CHECKING

import numpy as np
import pytest

from craftmark.marks import constants
from craftmark.packets.fields import IP_ID, IP_VERSION, PRESENT, TCP_FLAGS, UNSEEN, visibility_bit
from tests.marks.dossiers import dossier_from_batch, probes

if TYPE_CHECKING:
    from craftmark.marks.base import Toolmark


def marks_by_field(*, count: int = 50, **columns: object) -> dict[str, Toolmark]:
    return {mark.fields[0]: mark for mark in constants.infer(dossier_from_batch(probes(count, **columns)))}


def test_the_constants_of_the_2000_scan_are_stated_with_their_counts() -> None:
    marks = marks_by_field(
        count=3072,
        ip_src=np.tile([0xC0A00D04, 0xC0A00D07, 0xC0A00D06], 1024),
        tcp_dport=np.repeat(np.arange(1, 1025), 3),
        ip_dst=0xAC100165,
        ip_tos=0x10,
        ip_ttl=44,
        ip_id=242,
        tcp_sport=31337,
        tcp_flags=0x0D,
        tcp_seq=0xA1D95,
        tcp_ack=0x53,
        tcp_win=0x400,
    )
    stated = {name: mark.statement for name, mark in marks.items()}
    assert (
        stated.items()
        >= {
            "ip_dst": "ip_dst = 172.16.1.101",
            "ip_proto": "ip_proto = 6",
            "ip_tos": "ip_tos = 0x10",
            "ip_id": "ip_id = 242",
            "tcp_sport": "tcp_sport = 31337",
            "tcp_flags": "tcp_flags = FIN+RST+PSH",
            "tcp_seq": "tcp_seq = 0xA1D95",
            "tcp_ack": "tcp_ack = 0x53",
            "tcp_win": "tcp_win = 1024",
        }.items()
    )
    assert {(mark.held, mark.seen) for mark in marks.values()} == {(3072, 3072)}
    assert "tcp_dport" not in marks


def test_the_chance_of_a_free_field_grows_with_packets_and_width() -> None:
    marks = marks_by_field(ip_id=7, tcp_seq=7)
    assert marks["ip_id"].log10_chance == pytest.approx(-49 * 16 * log10(2))
    assert marks["tcp_seq"].log10_chance == pytest.approx(-49 * 32 * log10(2))


@pytest.mark.parametrize("name", ["ip_proto", "tcp_flags", "ip_tos", "ip_flags", "ip_dst", "tcp_dport", "ip_len"])
def test_what_is_constant_anyway_has_no_chance_of_its_own(name: str) -> None:
    marks = marks_by_field(ip_dst=9, tcp_dport=80, tcp_flags=2, ip_len=40)
    assert marks[name].log10_chance == 0.0


def test_an_acknowledgement_of_0_without_the_ack_bit_proves_nothing() -> None:
    assert marks_by_field(tcp_flags=2)["tcp_ack"].log10_chance == 0.0
    assert marks_by_field(tcp_flags=0x12)["tcp_ack"].log10_chance < -400


def test_a_field_that_varies_once_is_no_constant() -> None:
    values = np.full(50, 242)
    values[20] = 243
    assert "ip_id" not in marks_by_field(ip_id=values)


def test_unseen_values_are_not_counted() -> None:
    batch = probes(50, ip_id=242)
    bit = np.uint32(visibility_bit(IP_ID))
    batch.words[10:, PRESENT] &= ~bit
    batch.words[10:, UNSEEN] |= bit
    batch.words[10:, IP_ID] = 0
    (mark,) = [mark for mark in constants.infer(dossier_from_batch(batch)) if mark.fields == ("ip_id",)]
    assert (mark.held, mark.seen) == (10, 10)
    assert mark.packets == (1, 2, 3, 4, 5)


def test_a_constant_payload_is_one_mark() -> None:
    marks = marks_by_field(payload_len=20, payload_hash=0xABCD)
    assert marks["payload_len"].kind == "payload"
    assert marks["payload_len"].statement == "payload = the same 20 octets (hash of the first 64: 0x0000ABCD)"


def test_no_payload_is_no_mark() -> None:
    assert "payload_len" not in marks_by_field(payload_len=0)


def test_an_ipv6_target_is_written_whole() -> None:
    batch = probes(5, ip_dst=1)
    batch.words[:, IP_VERSION] = 6
    marks = {mark.fields[0]: mark.statement for mark in constants.infer(dossier_from_batch(batch))}
    assert marks["ip_dst"] == "ip_dst = ::1"


def test_no_control_bits_are_said_in_words() -> None:
    batch = probes(5)
    batch.words[:, TCP_FLAGS] = 0
    assert "tcp_flags = none" in [mark.statement for mark in constants.infer(dossier_from_batch(batch))]
