from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from craftmark.marks.base import Recovered, Toolmark
from craftmark.marks.infer import infer
from craftmark.packets.fields import NOTE_CUT, NOTE_FIRST_FRAGMENT, NOTES
from craftmark.tools.crafted import crafted_reasons, stack_bits
from craftmark.tools.sight import Sight
from tests.marks.dossiers import dossier_from_batch, probes
from tests.tools import dossiers as d
from tests.tools import rows


def reasons(made) -> list[str]:
    return crafted_reasons(Sight(made, ()))


@pytest.mark.parametrize("bits", [2, 16, 17, 18, 20, 4, 24, 25, 0b11000010, 0b01010010])
def test_what_stacks_send_is_allowed(bits: int):
    assert stack_bits(bits)


@pytest.mark.parametrize("bits", [0, 1, 3, 5, 6, 8, 9, 13, 0b101001, 255, 32, 0b11000000])
def test_what_no_stack_sends_is_not(bits: int):
    assert not stack_bits(bits)


def test_a_connect_scan_by_linux_gives_no_reason():
    assert reasons(rows.linux()) == []


@pytest.mark.parametrize(("made", "what"), [
    (d.tcp(50, 13, ()), "no stack sends them"),
    (d.tcp(50, 2, ()), "SYN without any option"),
    (d.tcp(50, 2, ("MSS",), tcp_ack=7), "without ACK"),
    (d.tcp(50, 2, ("MSS",), tcp_urp=10), "urgent pointer"),
    (d.tcp(50, 2, ("MSS",), tcp_win=1024, tcp_mss=1460), "smaller than the sender's own MSS"),
    (d.tcp(50, 2, ("MSS",), tcp_seq=99), "one initial sequence number"),
    (d.tcp(50, 2, ("MSS",), tcp_reserved=8), "reserved bits"),
    (d.tcp(50, 16, (), ip_id=242), "one IP ID 242"),
    (d.tcp(50, 17, (), tcp_sport=np.arange(50), tcp_dport=80, ip_id=np.arange(50)), "one sequence number 0x0 in 50"),
    (d.icmp(50, ip_len=24, ip_ihl=5, ip_id=np.arange(50)), "echo requests of 4 octets"),
    (d.udp(50, udp_sum=0), "UDP checksum 0"),
    (d.udp(50, udp_sport=np.arange(50) * 40 + 500), "14 of 50 below 1024"),
    (d.icmp(50, icmp_id=np.arange(50) * 1301), "a new ICMP identifier"),
    (d.icmp(50, ip_id=np.arange(50) * 77), "echo requests without data"),
    (d.icmp(50, ip_flags=2, icmp_seq=np.arange(50) * 256), "wrong byte order"),
    (d.udp(50, ip_ttl=np.arange(50) % 23 * 7 % 23 + 33, ip_id=np.arange(50)), "TTLs from 33 to 55"),
])  # fmt: skip
def test_each_mark_of_a_crafter_is_a_reason(made, what: str):
    assert any(what in reason for reason in reasons(made))


def pinged(targets: int, step, gap_ns: int = 1_000_000_000, flags: int = 2):
    """Return two echo requests to each target, some time apart, with this step between their IP IDs."""
    first = np.arange(targets) * 9973 % 65536
    made = d.icmp(
        2 * targets, payload_len=56, ip_flags=flags, ip_dst=d.TARGET + np.tile(np.arange(targets), 2),
        ip_id=np.concatenate([first, (first + step) % 65536]),
    )  # fmt: skip
    ts_ns = np.repeat([0, gap_ns], targets) + np.tile(np.arange(targets), 2)
    made.sample.ts_ns[:] = ts_ns
    return made


def test_ip_ids_drawn_for_echo_requests_with_df_are_no_stacks():
    drawn = np.random.default_rng(4).integers(0, 1 << 16, 40)
    assert any("IP IDs that jump between two echo requests" in reason for reason in reasons(pinged(40, drawn)))


@pytest.mark.parametrize("made", [
    pinged(40, np.random.default_rng(4).integers(1, 1001, 40)),  # Linux: up to one a tick
    pinged(40, 0),
    pinged(40, np.random.default_rng(4).integers(0, 1 << 16, 40), flags=0),  # scrub random-id, macOS
    pinged(40, np.random.default_rng(4).integers(0, 1 << 16, 40), gap_ns=40_000_000_000),  # a counter may be anywhere
    pinged(4, np.random.default_rng(4).integers(0, 1 << 16, 4)),
    replace(pinged(40, np.random.default_rng(4).integers(0, 1 << 16, 40)), has_time=False),
])  # fmt: skip
def test_ip_ids_that_a_stack_may_count_are_no_reason(made):
    assert not any("jump" in reason for reason in reasons(made))


def test_a_ping_of_each_host_has_an_identifier_of_its_own():
    made = d.icmp(30, icmp_id=np.arange(30) * 1301, icmp_seq=1, payload_len=56, ip_flags=2, ip_id=np.arange(30) * 77)
    assert reasons(made) == []


@pytest.mark.parametrize(("bits", "ports"), [(20, np.arange(50)), (16, 4000)], ids=["refusals", "one connection"])
def test_one_sequence_number_of_refusals_or_of_one_connection_is_no_reason(bits: int, ports):
    made = d.tcp(50, bits, (), tcp_sport=ports, tcp_dport=80, ip_id=np.arange(50))
    assert not any("sequence number" in reason for reason in reasons(made))


@pytest.mark.parametrize(("bits", "seq", "is_told"), [
    (2, np.arange(1, 61) << 16 | 7, True),
    (2, np.random.default_rng(1).integers(0, 1 << 16, 60) * 0x10001 ^ 0x1355, True),
    (2, np.random.default_rng(2).integers(0, 1 << 32, 60), False),
    (18, np.arange(1, 61) << 16 | 7, False),
], ids=["the port", "mirrored halves", "drawn", "an answer's"])  # fmt: skip
def test_a_sequence_number_that_the_header_tells_is_no_stacks(bits: int, seq, *, is_told):
    batch = probes(60, layout=("MSS",), tcp_flags=bits, tcp_seq=seq, tcp_dport=np.arange(1, 61), tcp_mss=1460)
    made = dossier_from_batch(batch)
    found = crafted_reasons(Sight(made, infer(made)))
    assert any("cannot be told" in reason for reason in found) == is_told


def test_first_fragments_shorter_than_the_header_are_no_networks():
    made = d.unseen(d.tcp(50, 2, (), ip_flags=1, ip_id=np.arange(50)), "tcp_flags", "tcp_options")
    assert not any("fragments" in reason for reason in reasons(made))
    made.sample.words[:, NOTES] |= NOTE_FIRST_FRAGMENT
    assert any("68 octets" in reason for reason in reasons(made))
    made.sample.words[0, NOTES] |= NOTE_CUT
    assert not any("68 octets" in reason for reason in reasons(made))


def test_one_ip_id_with_df_set_is_no_reason():
    assert not any("IP ID" in reason for reason in reasons(d.tcp(50, 16, (), ip_id=0, ip_flags=2)))


def test_different_ttls_of_different_sources_are_no_reason():
    made = d.udp(50, ip_src=np.arange(50) + 1, ip_ttl=np.arange(50) + 10, ip_id=np.arange(50))
    assert not any("TTLs" in reason for reason in reasons(made))


def test_a_route_tracer_is_not_called_crafted_for_its_ttls():
    made = d.udp(60, ip_ttl=np.arange(60) // 3 + 4, ip_id=np.arange(60))
    assert not any("TTLs" in reason for reason in reasons(made))


def test_what_cannot_be_seen_gives_no_reason():
    made = d.unseen(d.tcp(50, 2, ()), "tcp_options", "tcp_ack", "tcp_seq", "ip_id", "tcp_flags")
    assert reasons(made) == []


@pytest.mark.parametrize(
    "ports", [1023 - np.arange(50), 1024 + np.arange(50) * 977, 123, np.arange(50) % 2 * 4000 + 53]
)
def test_ports_of_one_class_are_no_reason(ports):
    """NFS and rsh count down from 1023; NTP and DNS keep the service's own."""
    assert not any("source ports" in reason for reason in reasons(d.udp(50, udp_sport=ports)))


def test_a_field_of_the_stack_drawn_by_a_programs_generator_is_a_reason():
    made = d.udp(50, udp_sport=40000 + np.arange(50) * 37 % 91, ip_id=np.arange(50) * 7919 % 65536)
    seed = (Recovered("seed", 7, 0.9, 12),)
    drawn = {
        name: Toolmark("generator", f"{name}: rand()", (name,), 50, 50, -99.0, "individual", recovered=seed)
        for name in ("ip_id", "udp_sport")
    }
    assert any("drawn by a program" in reason for reason in crafted_reasons(Sight(made, (drawn["ip_id"],))))
    assert crafted_reasons(Sight(made, (drawn["udp_sport"],))) == []
