"""Twins of the grouping kernels: strand keys as tuples, strands as a dictionary, the store as lists."""

from __future__ import annotations

from collections import defaultdict

from craftmark.packets import fields as f
from tests.naive.sketches import mix

Key = tuple[int, ...]


def key_of(row: list[int]) -> Key:
    """Return what makes packets one strand: source, protocol, control bits, packet shape, visibility."""
    protocol = row[f.PROTOCOL]
    if protocol == f.TCP:
        bits = row[f.TCP_FLAGS]
    elif protocol in (f.ICMP, f.ICMP6):
        bits = row[f.ICMP_TYPE] * 256 + row[f.ICMP_CODE]
    else:
        bits = row[f.ARP_OP] if protocol == f.ARP else 0
    options = (row[f.TCP_OPTIONS], row[f.TCP_OPTIONS_LOW]) if protocol == f.TCP else (0, 0)
    special = bool(row[f.NOTES] & f.NOTE_FRAGMENT or row[f.NOTES] & f.NOTE_QUOTE)
    identity = protocol + row[f.IP_VERSION] * 2**16 + row[f.IP_IHL] * 2**20 + row[f.IP_FLAGS] * 2**24 + special * 2**28
    source = (row[f.IP_SRC], *row[f.IP_SRC_HIGH : f.IP_SRC_HIGH + 3])
    return (*source, identity, bits, *options, row[f.PRESENT], row[f.UNSEEN])


def strands_of(words: list[list[int]]) -> dict[Key, list[int]]:
    """Return the rows of every strand, strands in order of their first row."""
    strands: dict[Key, list[int]] = defaultdict(list)
    for number, row in enumerate(words):
        strands[key_of(row)].append(number)
    return dict(strands)


def canonical_rank(key: Key) -> tuple[int, Key, int, Key]:
    """Return what strands are sorted by: hash of the source, the source, hash of the key, the key."""
    hashed = 0x51ED270B
    for word in key[:4]:
        hashed = mix(hashed, word)
    whole = hashed
    for word in key[4:]:
        whole = mix(whole, word)
    return hashed, key[:4], whole >> 1, key


def rows_needed(counts: list[int], capacity: int) -> int:
    """Return the rows held: small strands whole, large ones in two samples (4,096 and more: as they were)."""
    charged = capacity if capacity > 2048 else 2 * capacity
    return sum(count if count <= capacity else charged for count in counts)
