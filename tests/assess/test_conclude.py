"""All conclusions together: the scan of 2000 as the analysts would want it, and claims only where there are grounds."""

from __future__ import annotations

import numpy as np

from craftmark.assess.conclude import conclude


def test_the_scan_of_2000_in_claims(odd_scan):
    statements = [claim.statement for claim in conclude(odd_scan).claims]
    assert statements == [
        "the sender is 4 hops away (initial TTL 48)",
        "the same code sent for all 3 sources",
        "one sender sent for all 3 sources",
        "No stack that follows RFC 9293 answers FIN+RST+PSH, open or closed: the scan can learn nothing of ports",
    ]


def test_the_scan_of_2000_leaves_no_state_in_a_firewall(odd_scan):
    assert [row.creates_state for row in conclude(odd_scan).remembered] == [False, False]


def test_every_claim_has_reasons_and_says_what_would_settle_it(odd_scan):
    assert all(claim.for_ and claim.settled_by and claim.about == "S1" for claim in conclude(odd_scan).claims)


def test_a_plain_scan_without_ttl_makes_no_claims(plant):
    assert conclude(plant({"tcp_dport": np.arange(50)})).claims == ()


def test_conclusions_are_pure(odd_scan):
    assert conclude(odd_scan) == conclude(odd_scan)


def test_every_claim_names_a_few_packets(odd_scan):
    assert all(claim.packets == (1, 2, 3, 4, 5) for claim in conclude(odd_scan).claims)
