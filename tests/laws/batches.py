"""Random packets for laws: strands of every size, values of every width, times that collide."""

from __future__ import annotations

import numpy as np

from craftmark.packets import fields as f
from craftmark.packets.batch import PacketBatch, empty_batch

#: Packets of the strands of a batch: some on each side of every capacity.
SIZES = (1300, 1025, 1024, 300, 257, 70, 64, 20, 17, 16, 5, 4, 3, 2, 1, 1, 1, 1)
PROTOCOLS = (f.TCP, f.TCP, f.UDP, f.ICMP, f.ICMP6, f.ARP, f.SCTP, 47, f.NOT_IP)


def random_batch(seed: int, sizes: tuple[int, ...] = SIZES) -> PacketBatch:
    """Return shuffled packets of ``len(sizes)`` strands; what varies within a strand varies at random."""
    rng = np.random.default_rng(seed)
    heads = _heads(rng, len(sizes))
    batch = empty_batch(sum(sizes))
    batch.words[:] = rng.integers(0, 1 << 32, batch.words.shape, dtype=np.uint32)
    coarse = rng.random(f.WORDS) < 0.5
    batch.words[:, coarse] &= np.uint32(0x30)
    owner = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    for word in _KEYED:
        batch.words[:, word] = heads.words[owner, word]
    ported = np.isin(heads.words[owner, f.PROTOCOL], (f.ICMP, f.ICMP6, f.ARP))
    for word in (f.SPORT, f.DPORT):
        batch.words[:, word] = np.where(ported, heads.words[owner, word], batch.words[:, word] & 0xFFFF)
    is_tcp = heads.words[owner, f.PROTOCOL] == f.TCP
    for word in (f.TCP_FLAGS, f.TCP_OPTIONS, f.TCP_OPTIONS_LOW):
        batch.words[is_tcp, word] = heads.words[owner[is_tcp], word]
    batch.words[:, f.IP_DST_HIGH] &= np.uint32(1)  # IPv4 and IPv6 targets beside each other
    batch.ts_ns[:] = rng.integers(-5, 60, len(batch)) * 1_000_000_000 + rng.integers(0, 3, len(batch))
    batch.packet_id[:] = rng.permutation(np.arange(1, len(batch) + 1)) | (rng.integers(0, 3, len(batch)) << 40)
    return batch


_KEYED = (
    f.IP_SRC, f.IP_SRC_HIGH, f.IP_SRC_HIGH + 1, f.IP_SRC_HIGH + 2, f.PROTOCOL, f.IP_VERSION, f.IP_IHL, f.IP_FLAGS,
    f.NOTES, f.PRESENT, f.UNSEEN,
)  # fmt: skip


def _heads(rng: np.random.Generator, strands: int) -> PacketBatch:
    """Return one packet per strand with the words of its key."""
    heads = empty_batch(strands)
    words = heads.words
    words[:, f.IP_SRC] = rng.integers(1, 5, strands)
    words[:, f.IP_SRC_HIGH + 2] = rng.integers(0, 2, strands)
    words[:, f.PROTOCOL] = rng.choice(PROTOCOLS, strands)
    words[:, f.IP_VERSION] = np.where(words[:, f.IP_SRC_HIGH + 2] != 0, 6, 4)
    words[:, f.IP_IHL] = rng.integers(5, 7, strands)
    words[:, f.IP_FLAGS] = rng.integers(0, 4, strands)
    words[:, f.NOTES] = rng.choice([0, f.NOTE_FRAGMENT, f.NOTE_QUOTE, f.NOTE_SUM_BAD], strands)
    words[:, f.SPORT] = rng.integers(0, 3, strands)
    words[:, f.DPORT] = rng.integers(0, 3, strands)
    words[:, f.TCP_FLAGS] = rng.integers(0, 256, strands)
    words[:, f.TCP_OPTIONS] = rng.choice([0, 0x20000000, 0xFFFFFFFF], strands)
    words[:, f.TCP_OPTIONS_LOW] = rng.choice([0, 1 << 28], strands)
    words[:, f.PRESENT] = (1 << 30) - 1
    words[:, f.UNSEEN] = 0
    hidden = rng.random(strands) < 0.3
    words[hidden, f.PRESENT] &= ~np.uint32(f.visibility_mask(f.SEQ, f.IP_ID))
    words[hidden, f.UNSEEN] = f.visibility_mask(f.SEQ)
    return heads


def cut(batch: PacketBatch, rng: np.random.Generator, pieces: int) -> list[PacketBatch]:
    """Return the packets in random order, in batches cut at random places (some may be empty)."""
    order = rng.permutation(len(batch))
    places = np.sort(rng.integers(0, len(batch) + 1, pieces - 1))
    return [batch.take(rows) for rows in np.split(order, places)]
