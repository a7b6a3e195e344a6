"""Lists of targets: indices and addresses are each other's inverse, and are those of the definition."""

from __future__ import annotations

import numpy as np
import pytest

from craftmark.marks.target_lists import Numbering, open_list, prefix_list
from tests.naive.cyclic import BLOCKED, allowed_index


@pytest.mark.parametrize("radix", [18, 20])
def test_indices_and_addresses_are_inverse(radix):
    targets = open_list(tuple(BLOCKED), radix)
    assert targets.size == 3_702_258_432
    addresses = np.random.default_rng(1).integers(0, 1 << 32, 20_000)
    indices = targets.indices(addresses)
    known = indices >= 0
    assert 0.8 < known.mean() < 0.9
    assert (targets.addresses(indices[known]) == addresses[known]).all()
    assert targets.addresses(np.array([-1, targets.size])).tolist() == [-1, -1]


@pytest.mark.parametrize("address", ["8.8.8.8", "100.63.255.255", "192.0.1.1", "192.0.3.255", "223.255.255.255"])
def test_indices_are_those_of_counting(address):
    number = int.from_bytes(bytes(int(part) for part in address.split(".")), "big")
    for radix in (18, 20):
        expected = allowed_index(number, radix)
        assert open_list(tuple(BLOCKED), radix).indices(np.array([number])).tolist() == [expected]


def test_a_list_without_blocks_is_all_of_ipv4():
    numbers = np.array([0, 5, (1 << 32) - 1])
    assert open_list((), 32).indices(numbers).tolist() == numbers.tolist()


def test_ports_are_numbered_below_the_target():
    numbering = Numbering(prefix_list(0xC6120000, 30), (53, 80, 443), 257, 3)
    addresses = np.array([0xC6120000, 0xC6120001, 0xC6120003, 0xC6120004, 0xC6120000])
    ports = np.array([53, 443, 80, 80, 81])
    elements = numbering.elements(addresses, ports)
    assert elements.tolist() == [1, 7, 14, 0, 0]
    assert numbering.addresses(elements[:3]).tolist() == addresses[:3].tolist()
    assert numbering.addresses(np.array([4])).tolist() == [-1]
    assert numbering.size == 12
