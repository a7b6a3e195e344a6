"""All conclusions together: the scan of 2000 as the analysts would want it, and claims only where there are grounds."""

from __future__ import annotations

from dataclasses import replace
from math import fsum

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from craftmark.assess.conclude import conclude
from craftmark.packets.batch import empty_batch
from craftmark.packets.fields import ARP, ICMP6, SCTP, UDP
from tests.assess.planting import plant_subject


def test_the_scan_of_2000_in_claims(odd_scan):
    statements = [claim.statement for claim in conclude(odd_scan).claims]
    assert statements == [
        "the sender is 4 hops away (initial TTL 48)",
        "the same code sent for all 3 sources",
        "one sender sent for all 3 sources",
        "No stack that follows RFC 9293 answers FIN+RST+PSH, open or closed: the scan can learn nothing of ports",
        (
            "no modulation was found in the first 2,048 of 3,072 probes (no more are tested); all 3,072 carry at most "
            "0 bits beside the sweep itself (0 in headers and order, 0 in which source sends next, 0 in gaps): not "
            "excluded"
        ),
    ]


def test_the_scan_of_2000_leaves_no_state_in_a_firewall(odd_scan):
    remembered = conclude(odd_scan).remembered
    assert len(remembered) >= 5
    assert not any(row.creates_state for row in remembered)


def test_every_claim_has_reasons_and_says_what_would_settle_it(odd_scan):
    assert all(claim.for_ and claim.settled_by and claim.about == "S1" for claim in conclude(odd_scan).claims)


def test_a_plain_scan_without_ttl_makes_no_claims(plant):
    assert conclude(plant({"tcp_dport": np.arange(50)})).claims == ()


def test_conclusions_are_pure(odd_scan):
    assert conclude(odd_scan) == conclude(odd_scan)


def test_every_claim_names_a_few_packets(odd_scan):
    assert all(claim.packets == (1, 2, 3, 4, 5) for claim in conclude(odd_scan).claims)


@pytest.mark.parametrize(
    ("protocol", "shape", "columns"),
    [
        (ARP, "address", {"arp_op": 1}),
        (SCTP, "port", {"ip_ttl": 60, "sctp_dport": np.arange(20)}),
        (47, "protocol", {"ip_ttl": 60}),
        (ICMP6, "host", {"ip_ttl": 60, "icmp6_id": 1}),
        (UDP, "port", {"ip_ttl": 60, "udp_dport": np.arange(20), "payload_len": 12}),
    ],
)
def test_every_protocol_gets_its_conclusions(plant, protocol, shape, columns):
    found = conclude(plant(columns, protocol=protocol, shape=shape, icmp=(128, 0) if protocol == ICMP6 else None))
    assert found.predicted
    assert found.purposes
    assert bool(found.distance.hypotheses) == (protocol != ARP)


def test_a_scan_without_runs_of_consecutive_probes_is_concluded(odd_scan):
    part = replace(odd_scan.main, consecutive=empty_batch(), sampled=True)
    assert conclude(replace(odd_scan, parts=(part,))).one_sender.verdict == "undecided"


@given(seed=st.integers(0, 2**32 - 1), rows=st.integers(1, 60), narrow=st.booleans())
@settings(max_examples=60, deadline=None)
def test_any_packets_are_concluded_with_weights_that_add_up_to_one(seed, rows, narrow):
    rng = np.random.default_rng(seed)
    widths = {"ip_src": 32, "ip_dst": 32, "ip_ttl": 8, "ip_id": 16, "tcp_sport": 16, "tcp_dport": 16, "tcp_seq": 32}
    columns = {name: rng.integers(0, 3 if narrow else 1 << bits, rows) for name, bits in widths.items()}
    found = conclude(plant_subject(columns, control_bits=int(rng.integers(256))))
    assert fsum(one.weight for one in found.purposes) == pytest.approx(1.0, abs=1e-9)
    assert found.distance.reason or fsum(one.weight for one in found.distance.hypotheses) == pytest.approx(
        1.0, abs=1e-9
    )
    assert found.spoofing.verdict != "genuine"
