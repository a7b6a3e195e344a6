"""Planted probes: the published formulas of tools, written here independently of any solver; and what happens to them.

Every maker takes a random generator and a number of probes; what follows them does to probes what networks and other
programs do.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from craftmark.packets.batch import PacketBatch, join
from craftmark.packets.fields import FIELDS, SPORT
from tests.marks.dossiers import probes

M32 = 0xFFFFFFFF
#: Words that hold what a generator may fill: sequence and acknowledgment number, IP ID, source port.
RANDOM_WORDS = [FIELDS[name].word for name in ("tcp_seq", "tcp_ack", "ip_id", "tcp_sport")]


def draw(rng: np.random.Generator, bits: int, count: int) -> Any:
    return rng.integers(0, 1 << bits, count)


def swap32(values: Any) -> Any:
    return sum((values >> 8 * place & 0xFF) << 8 * (3 - place) for place in range(4))


def random_headers(rng: np.random.Generator, count: int) -> PacketBatch:
    """Everything a program could draw, drawn."""
    bits = {
        "ip_dst": 32, "tcp_dport": 16, "tcp_sport": 16, "tcp_seq": 32, "tcp_ack": 32, "tcp_win": 16, "ip_id": 16,
        "ip_ttl": 8, "ip_tos": 8, "tcp_urp": 16, "tcp_tsval": 32,
    }  # fmt: skip
    return probes(count, ip_src=5, **{name: draw(rng, width, count) for name, width in bits.items()})


def masscan(rng: np.random.Generator, count: int) -> PacketBatch:
    """The IP ID is the low half of target xor port xor sequence number."""
    dst, seq = draw(rng, 32, count), draw(rng, 32, count)
    port = rng.choice([22, 80, 443, 8080], count)
    return probes(
        count, ip_dst=dst, tcp_seq=seq, tcp_dport=port, ip_id=(dst ^ seq ^ port) & 0xFFFF, tcp_sport=40123, tcp_win=1024
    )


def mirai(rng: np.random.Generator, count: int) -> PacketBatch:
    """The sequence number is the target."""
    dst = draw(rng, 32, count)
    port = rng.choice([23, 2323], count, p=[0.9, 0.1])
    return probes(count, ip_dst=dst, tcp_seq=dst, tcp_dport=port, ip_id=draw(rng, 16, count), tcp_win=5000)


def unicornscan(rng: np.random.Generator, count: int) -> PacketBatch:
    """One key xor the target in the other byte order xor both ports."""
    dst, dport, sport = draw(rng, 32, count), draw(rng, 16, count), draw(rng, 16, count)
    seq = int(rng.integers(1 << 32)) ^ swap32(dst) ^ ((dport << 16) + sport)
    return probes(count, ip_dst=dst, tcp_dport=dport, tcp_sport=sport, tcp_seq=seq, ip_id=draw(rng, 16, count))


def nmap(rng: np.random.Generator, count: int) -> PacketBatch:
    """A 16-bit value in both halves, under one mask; the TTL of each probe is drawn."""
    low = draw(rng, 16, count)
    seq = (low << 16 | low) ^ int(rng.integers(1 << 32))
    return probes(
        count, ip_dst=draw(rng, 32, count), tcp_dport=draw(rng, 16, count), tcp_seq=seq, ip_id=draw(rng, 16, count),
        ip_ttl=rng.integers(37, 60, count), tcp_win=1024,
    )  # fmt: skip


def shifted(rng: np.random.Generator, count: int) -> PacketBatch:
    """The IP ID is a shifted target xor a shifted port: no word of either stands in it."""
    dst, port = draw(rng, 32, count), draw(rng, 16, count)
    return probes(
        count, ip_dst=dst, tcp_dport=port, tcp_seq=draw(rng, 32, count), ip_id=(dst >> 5 ^ port << 3) & 0xFFFF
    )


def summed(rng: np.random.Generator, count: int) -> PacketBatch:
    """The acknowledgment number is the sum of sequence number and target."""
    dst, seq = draw(rng, 32, count), draw(rng, 32, count)
    return probes(count, ip_dst=dst, tcp_seq=seq, tcp_ack=dst + seq & M32, ip_id=draw(rng, 16, count), tcp_dport=80)


def multiplied(rng: np.random.Generator, count: int) -> PacketBatch:
    """The sequence number is one step of a linear congruence from the target."""
    dst = draw(rng, 32, count)
    seq = [(int(one) * 0x41C64E6D + 12345) & M32 for one in dst]
    return probes(count, ip_dst=dst, tcp_seq=seq, ip_id=draw(rng, 16, count), tcp_dport=80)


def xorshift(rng: np.random.Generator, count: int) -> PacketBatch:
    """Sequence numbers are Marsaglia's xorshift32, one per probe (13, 17, 5)."""
    state, stream = int(rng.integers(1, 1 << 32)), []
    for _ in range(count):
        state ^= state << 13 & M32
        state ^= state >> 17
        state ^= state << 5 & M32
        stream.append(state)
    return probes(count, ip_dst=draw(rng, 32, count), tcp_seq=stream, ip_id=draw(rng, 16, count), tcp_dport=80)


def shared_out(rng: np.random.Generator, count: int) -> PacketBatch:
    """Five sources of one process, each target's by its remainder."""
    dst = draw(rng, 32, count)
    return probes(count, ip_src=0x0A000001 + dst % 5, ip_dst=dst, tcp_seq=draw(rng, 32, count), tcp_dport=80)


def in_bursts(rng: np.random.Generator, count: int) -> PacketBatch:
    """IP ID and source port are drawn anew after every ten probes."""
    burst = np.arange(count) // 10
    ids, ports = draw(rng, 16, count), draw(rng, 16, count)
    return probes(
        count, ip_dst=draw(rng, 32, count), ip_id=ids[burst], tcp_sport=ports[burst], tcp_seq=draw(rng, 32, count),
        tcp_dport=80,
    )  # fmt: skip


#: What each maker's relation is, as the marks say it: a part of the statement.
STATED = {
    masscan: "ip_id = low16(ip_dst ^ tcp_seq) ^ tcp_dport",
    mirai: "tcp_seq = ip_dst",
    unicornscan: "tcp_seq ^ swap32(ip_dst) ^ (tcp_dport << 16) + tcp_sport = 0x",
    nmap: "high16(tcp_seq) ^ low16(tcp_seq) = 0x",
    shifted: "ip_id >> 3 = (ip_dst >> 8 ^ tcp_dport) & 8191",
    summed: "tcp_ack = tcp_seq + ip_dst",
    multiplied: "tcp_seq - ip_dst * 0x41C64E6D = 0x3039",
    xorshift: "32 bits of tcp_seq are xor of bits of tcp_seq in the probe before",
    shared_out: "ip_dst % 5 is one value per source",
    in_bursts: "ip_id and tcp_sport keep their values for a stretch of probes",
}


def lossy(make: Any, rng: np.random.Generator, count: int, kept: float) -> PacketBatch:
    """Return so many probes that are left of a longer scan."""
    whole = make(rng, round(count / kept))
    rows = np.sort(rng.choice(len(whole), count, replace=False))
    return whole.take(rows)


def reordered(make: Any, rng: np.random.Generator, count: int) -> PacketBatch:
    """Return probes that overtook each other, by up to twenty places."""
    whole = make(rng, count)
    order = np.argsort(np.arange(count) + rng.uniform(0, 20, count))
    return PacketBatch(whole.words[order], whole.ts_ns, whole.packet_id)


def mixed(make: Any, rng: np.random.Generator, count: int, share: float) -> PacketBatch:
    """Return probes of which a share is another program's, drawn at random."""
    whole, other = make(rng, count), random_headers(rng, count)
    foreign = rng.random(count) < share
    whole.words[foreign] = other.words[foreign]
    return whole


def rewritten(make: Any, rng: np.random.Generator, count: int) -> PacketBatch:
    """Return probes whose source ports an address translator drew anew."""
    whole = make(rng, count)
    whole.words[:, SPORT] = draw(rng, 16, count)
    return whole


def two_tools(one: Any, other: Any, rng: np.random.Generator, count: int) -> PacketBatch:
    """Return probes of two tools, half and half, in turn."""
    both = join([one(rng, count), other(rng, count)])
    order = np.arange(2 * count).reshape(2, count).T.reshape(-1)[:count]
    whole = both.take(order)
    return PacketBatch(whole.words, np.sort(whole.ts_ns), np.arange(1, count + 1))
