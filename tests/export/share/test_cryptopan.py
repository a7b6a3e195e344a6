"""Crypto-PAn is what others call by that name, and keeps prefixes."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from craftmark.export.share.cryptopan import CryptoPan

#: The key of the test vectors that came with the authors' implementation, and some of the addresses there.
KEY = bytes((21, 34, 23, 141, 51, 164, 207, 128, 19, 10, 91, 22, 73, 144, 125, 16)) + bytes(
    (216, 152, 143, 131, 121, 121, 101, 39, 98, 87, 76, 45, 42, 132, 34, 2)
)
SAMPLE = {"128.11.68.132": "135.242.180.132", "129.118.74.4": "134.136.186.123", "24.5.0.80": "100.9.15.210"}


def common(one, other):
    return 32 - (int(one) ^ int(other)).bit_length()


def test_the_authors_vectors_come_out():
    addresses = np.array([int(IPv4Address(one)) for one in SAMPLE], np.uint32)
    assert [str(IPv4Address(int(one))) for one in CryptoPan(KEY).v4(addresses)] == list(SAMPLE.values())


def test_another_implementation_gives_the_same_for_both_versions():
    from yacryptopan import CryptoPAn

    other, ours, rng = CryptoPAn(KEY), CryptoPan(KEY), np.random.default_rng(5)
    four = rng.integers(0, 1 << 32, 60, dtype=np.uint32)
    assert [str(IPv4Address(int(one))) for one in ours.v4(four)] == [
        other.anonymize(str(IPv4Address(int(one)))) for one in four
    ]
    six = rng.integers(0, 1 << 32, (8, 4), dtype=np.uint32)
    texts = [[str(IPv6Address(row.astype(">u4").tobytes())) for row in rows] for rows in (six, ours.v6(six))]
    assert texts[1] == [other.anonymize(one) for one in texts[0]]


@given(st.lists(st.integers(0, 0xFFFFFFFF), min_size=2, max_size=8))
def test_two_addresses_share_as_many_bits_after_as_before(addresses):
    moved = CryptoPan(KEY).v4(np.array(addresses, np.uint32))
    for place in range(1, len(addresses)):
        assert common(moved[0], moved[place]) == common(addresses[0], addresses[place])
