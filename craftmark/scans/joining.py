"""Joining acts of different sources: the same marks at the same targets are one scan.

What is the same must be more than a habit: constants of many bits that the sender chose (IP ID, sequence number, ...),
or a run that starts, ends and is spread like the other's from a neighbouring address.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from craftmark.packets import fields as f
from craftmark.scans.acts import HANDFUL, SIGNED, VARIES, Acts
from craftmark.scans.conversations import scramble, split_by

if TYPE_CHECKING:
    from craftmark.evidence.finished import Finished

Ints = NDArray[np.int64]

#: Bits of a constant value that nobody sends by habit; zero is everybody's.
_BITS = {f.IP_ID: 16, f.SEQ: 32, f.ACK: 32, f.SPORT: 16}
#: Shared bits from which two acts are one code's, whenever they happened.
STRONG_BITS = 32
#: Share of a run's length by which starts and ends of two runs of one act may differ.
_ALIGNED = 0.2
_SECOND = 1_000_000_000
#: Runs told apart among alike acts of one network: a crowd of them must not cost its square.
RUNS = 256
#: A pause that does not end a run at one target.
_PAUSE = 10 * _SECOND


def join_across_sources(finished: Finished, acts: Acts, leader: Ints) -> Ints:
    """Return for every act the act it joins, across sources too; the largest act of a scan leads it."""
    heads = np.flatnonzero(leader == np.arange(len(acts)))
    joined = leader.copy()
    for members in _alike(acts, heads):
        for group in _one_scan_each(finished, acts, members):
            joined[group] = group[np.argmax(acts.probes[group])]
    return joined[leader]


def _alike(acts: Acts, heads: Ints) -> list[Ints]:
    """Return the sets of acts with one form, one signature and one kind of target, where there are several.

    Ports do not count: a run that is cut short, by the end of a capture too, asked fewer of them. A handful of packets
    at one target may be all that a forged source sent of a run over a block.
    """
    if not len(heads):
        return []
    code = scramble(acts.form[heads])
    for column in range(len(SIGNED)):
        if SIGNED[column] != f.IP_ID:  # a shared IP ID is looked at below: one packet an act has always one
            code = scramble(code ^ acts.signature[heads, column].astype(np.uint64))
    at_one = (acts.dst_low[heads] == acts.dst_high[heads]) & (acts.probes[heads] > HANDFUL)
    return split_by(scramble(code ^ _place(acts, heads, at_one)), heads, least=2)


def _place(acts: Acts, members: Ints, at_one: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Return one number per target of acts at one, per block of the others."""
    block = np.where(at_one, acts.dst_low[members], acts.dst_low[members] >> 16)
    return block.astype(np.uint64) ^ (at_one.astype(np.uint64) << np.uint64(40))


def _one_scan_each(finished: Finished, acts: Acts, members: Ints) -> list[Ints]:
    """Split acts that look alike into those that one scan holds."""
    if shared_bits(acts, members) >= STRONG_BITS:
        return [members]
    ports = acts.port_low[members] | (acts.port_high[members] << 20)
    place = _place(acts, members, acts.dst_low[members] == acts.dst_high[members])
    alike = scramble(place ^ scramble(ports.astype(np.uint64)))
    return [group for part in split_by(alike, members, least=2) for group in _one_run_each(finished, acts, part)]


def _one_run_each(finished: Finished, acts: Acts, members: Ints) -> list[Ints]:
    """Split acts with the same targets and ports, but no chosen constants to be told by, into what ran together."""
    left = members[np.argsort(acts.first_ns[members], kind="stable")]
    if acts.dst_low[left[0]] == acts.dst_high[left[0]]:
        return _overlapping(acts, left)
    parts = split_by(networks_of(finished, acts.strand[left]), left)
    return [group for part in parts for group in _run_together(acts, part)]


def _run_together(acts: Acts, left: Ints) -> list[Ints]:
    """Split acts of neighbouring sources, in order of their start, into those that ran together."""
    found = []
    for _ in range(RUNS):
        if len(left) < 2:
            break
        near = _aligned(acts, int(left[0]), left)
        if near.sum() > 1:
            found.append(left[near])
        left = left[~near]
    return found


def _overlapping(acts: Acts, members: Ints) -> list[Ints]:
    """Split acts at one target, in order of their start, into runs whose times overlap or follow soon."""
    reach = np.maximum.accumulate(acts.last_ns[members]) + _PAUSE
    cuts = np.flatnonzero(acts.first_ns[members][1:] > reach[:-1]) + 1
    return [part for part in np.split(members, cuts) if len(part) > 1]


def shared_bits(acts: Acts, members: Ints) -> int:
    """Return the bits of chosen constants that all members share; one packet an act proves no constant IP ID."""
    bits = 0
    for column, word in enumerate(SIGNED):
        values = acts.signature[members, column]
        if word in _BITS and values[0] not in (0, VARIES) and (values == values[0]).all():
            bits += _BITS[word]
    return bits


def _aligned(acts: Acts, act: int, others: Ints) -> NDArray[np.bool_]:
    """Tell which acts ran when this one did, with as many probes."""
    span = max(int(acts.last_ns[act] - acts.first_ns[act]), _SECOND)
    slack = _ALIGNED * span
    same_time = (np.abs(acts.first_ns[others] - acts.first_ns[act]) <= slack) & (
        np.abs(acts.last_ns[others] - acts.last_ns[act]) <= slack
    )
    alike = (acts.probes[others] <= 3 * acts.probes[act]) & (acts.probes[act] <= 3 * acts.probes[others])
    aligned: NDArray[np.bool_] = same_time & alike
    return aligned


def networks_of(finished: Finished, strands: Ints) -> NDArray[np.uint64]:
    """Return a hash of the network of each strand's source: the /24 (IPv4), or the upper 96 bits (IPv6)."""
    key = finished.keys[strands].astype(np.uint64)
    network = np.where(key[:, 1:4].any(axis=1), np.uint64(0), key[:, 0] >> np.uint64(8))
    for word in range(1, 4):
        network = scramble(network ^ (key[:, word] << np.uint64(8)))
    return network
