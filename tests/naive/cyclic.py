"""The walk over targets as the scanner's authors describe it, one element after the other, in plain Python.

Written from the published algorithm, independently of the solver: Durumeric, Wustrow, Halderman, USENIX Security 2013,
and for shards, threads and ports the descriptions in zmap/zmap's src/shard.c.
"""

from __future__ import annotations

from ipaddress import IPv4Network

import numpy as np

#: The block list that ships with the scanner.
BLOCKED = (
    "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 "
    "192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4"
).split()


def is_primitive(candidate, prime):
    """Tell by trying all proper divisors of the order."""
    order = prime - 1
    factors, rest = set(), order
    divisor = 2
    while divisor * divisor <= rest:
        while rest % divisor == 0:
            factors.add(divisor)
            rest //= divisor
        divisor += 1
    factors.add(rest)
    return candidate % prime != 0 and all(pow(candidate, order // f, prime) != 1 for f in factors if f > 1)


def walk(network, prime, generator, offset, *, ports=(80,), threads=1, shards=1, shard=0, interleaved=False):
    """Yield (address, port) in the order sent; threads take turns."""
    net = IPv4Network(network)
    first, size = int(net.network_address), net.num_addresses
    bits = (len(ports) - 1).bit_length()
    order, parts = prime - 1, threads * shards
    lines = []
    for thread in range(threads):
        part = shard * threads + thread
        if interleaved:
            line = elements(generator, prime, offset + part, parts, order // parts)
        else:
            line = elements(generator, prime, offset + order // parts * part, 1, order // parts)
        lines.append(valid(line, first, size, bits, ports))
    while lines:
        for line in list(lines):
            found = next(line, None)
            if found is None:
                lines.remove(line)
            else:
                yield found


def elements(generator, prime, begin, stride, count):
    """Yield powers of the generator."""
    for n in range(count):
        yield pow(generator, begin + stride * n, prime)


def valid(line, first, size, bits, ports):
    """Yield targets and ports that elements stand for."""
    for element in line:
        index, place = (element - 1) >> bits, (element - 1) & ((1 << bits) - 1)
        if index < size and place < len(ports):
            yield first + index, ports[place]


def allowed_index(address, radix):
    """Return the index of an address in IPv4 without the default block list, by counting allowed blocks of 256."""
    allowed = np.ones(1 << 24, np.bool_)
    for net in map(IPv4Network, BLOCKED):
        allowed[int(net[0]) >> 8 : (int(net[-1]) >> 8) + 1] = False
    mine = address >> 8
    assert allowed[mine]
    per_block = 1 << (24 - radix)
    whole = np.repeat(allowed.reshape(-1, per_block).all(axis=1), per_block)
    before = whole[:mine].sum() if whole[mine] else whole.sum() + (allowed & ~whole)[:mine].sum()
    return int(before) * 256 + address % 256
