"""Planted scans whose targets come in a recoverable order, by the published algorithms, written apart from the solvers.

Each maker takes a random generator and a number of probes and returns them with the truth: the generator (as its
logarithm's class under rescaling) or the seed.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network
from math import gcd

import numpy as np

from craftmark.kernels.residues import group
from craftmark.tools.load import load_rules
from tests.marks.dossiers import probes
from tests.naive.blackrock import shuffle
from tests.naive.cyclic import allowed_index, is_primitive, walk

FULL = 4294967311
#: A telescope of 65,536 addresses in ordinary space.
TELESCOPE = int(IPv4Address("44.12.0.0"))
TARGETS = 3_702_258_432
JITTER = 0.02


@lru_cache(maxsize=1)
def telescope():
    """Return logarithms to 3 of the elements that stand for the telescope's addresses."""
    first = allowed_index(TELESCOPE, 20)
    assert allowed_index(TELESCOPE + 65535, 20) == first + 65535
    return group(FULL, 3).logarithms(np.arange(65536) + first + 1)


@lru_cache(maxsize=1)
def table():
    """Return masscan's table of substitutes."""
    recipe = next(one for one in load_rules().recipes if one.kind == "blackrock")
    return bytes.fromhex(recipe.details["table"])


def syn(addresses, seconds, **columns):
    """Return SYN probes that look like ZMap's."""
    addresses = np.asarray(addresses)
    batch = probes(len(addresses), ip_dst=addresses, **{"tcp_flags": 2, "tcp_win": 65535, "tcp_dport": 443} | columns)
    batch.ts_ns[:] = batch.ts_ns[0] + (np.asarray(seconds) * 1e9).astype(np.int64)
    return batch


def seen_by_telescope(rng, count, *, below, rate=None, arcs=1, jitter=JITTER):
    """Return a scan of all of IPv4 as a telescope sees it: the rate is anything from 5,000 to 500,000 a second."""
    rate = 10 ** rng.uniform(3.7, 5.7) if rate is None else rate
    order = FULL - 1
    while True:
        generator = int(rng.integers(2, below))
        if is_primitive(generator, FULL):
            break
    step = int(group(FULL, 3).logarithms(np.array([generator]))[0])
    inverse = pow(step, -1, order)
    places = np.array([int(log) * inverse % order for log in telescope() - int(rng.integers(0, order))])
    seconds = places % (order // arcs) * arcs / (rate * order / TARGETS) + rng.normal(0, jitter, len(places))
    rows = np.argsort(seconds)
    first = int(rng.integers(0, len(rows) - count))
    rows = rows[first : first + count]
    return syn(TELESCOPE + rows, seconds[rows] - seconds[rows[0]]), ("step", step)


def zmap_v4(rng, count):
    """ZMap from 4.0 on: a generator below 2**22."""
    return seen_by_telescope(rng, count, below=1 << 22)


def zmap_v1(rng, count):
    """ZMap 1.1 to 3.0: any generator."""
    return seen_by_telescope(rng, count, below=FULL)


def zmap_threads(rng, count):
    """ZMap from 4.0 on with four threads, each in an arc of its own."""
    return seen_by_telescope(rng, count, below=1 << 22, arcs=4)


def zmap_prefix(rng, count):
    """A scan of one /20, all of it seen."""
    generator = next(g for g in range(int(rng.integers(3, 65000)), 65537) if is_primitive(g, 65537))
    network = IPv4Network((TELESCOPE, 20))
    targets = walk(network, 65537, generator, int(rng.integers(0, 65536)))
    addresses = [address for (address, _), _ in zip(targets, range(min(count, 4000)), strict=False)]
    seconds = np.cumsum(rng.exponential(1 / 2000, len(addresses)))
    return syn(addresses, seconds), ("generator", generator)


def masscan(rng, count):
    """A masscan of one /16 with a seed of up to four digits."""
    seed, start = int(rng.integers(0, 10_000)), int(rng.integers(0, 50_000))
    addresses = np.array([TELESCOPE + shuffle(start + n, 65536, 14, table(), seed) for n in range(count)])
    seq = rng.integers(0, 1 << 32, count)
    seconds = np.arange(count) / 1000
    return syn(addresses, seconds, tcp_win=1024, tcp_seq=seq, ip_id=(addresses ^ 443 ^ seq) & 0xFFFF), ("seed", seed)


def random_order(rng, count):
    """A shuffled order that nothing made."""
    addresses = TELESCOPE + rng.permutation(65536)[:count]
    return syn(addresses, np.sort(rng.uniform(0, count * 0.5, count))), ("none", 0)


def lossy(made, rng, count, kept):
    """Return so many probes of a longer scan, the others lost on the way."""
    batch, truth = made(rng, min(60_000, round(count / kept)))
    rows = np.sort(rng.choice(len(batch), min(count, len(batch)), replace=False))
    return batch.take(rows), truth


def jittered(made, rng, count, seconds):
    """Return probes that arrive late at random, in the order of arrival."""
    batch, truth = made(rng, count)
    batch.ts_ns[:] += (rng.exponential(seconds, len(batch)) * 1e9).astype(np.int64)
    batch = batch.take(np.argsort(batch.ts_ns, kind="stable"))
    return batch, truth


def mixed(made, rng, count, share):
    """Return probes among which another program's, at random targets of the same block, are a share."""
    batch, truth = made(rng, count)
    words = batch.words.copy()
    foreign, _ = random_order(rng, count)
    rows = rng.random(len(batch)) < share
    words[rows] = foreign.words[: len(batch)][rows]
    return type(batch)(words, batch.ts_ns, batch.packet_id), truth


def is_found(marks, truth):
    """Tell whether marks tell the truth: the walk or one that walks the same in other steps; the seed itself."""
    what, value = truth
    told = {one.name: one.value for mark in marks for one in mark.recovered}
    if what == "seed":
        return told.get("seed") == value
    if "generator" not in told:
        return False
    if what == "generator":
        return told["prime"] == 65537 and told["generator"] == value
    order = FULL - 1
    step = int(group(FULL, 3).logarithms(np.array([told["generator"]]))[0])
    if told["prime"] != FULL or gcd(step, order) > 1:
        return False
    ratio = step * pow(value, -1, order) % order
    return ratio <= 64 or pow(ratio, -1, order) <= 64
