"""Rows to strands: a hash table of strand keys, and the store of rows that small strands keep whole.

The table is open addressing with linear probing over int64 entries ``tag << 32 | strand + 1`` (0: empty); the tag saves
touching the key of another strand. The secret ``factors`` only move entries about, so that nobody can prepare
colliding packets; no result depends on them.
"""

from __future__ import annotations

from craftmark.kernels._jit import device, kernel
from craftmark.packets.fields import (
    ARP,
    DPORT,
    ICMP,
    ICMP6,
    IP_FLAGS,
    IP_IHL,
    IP_SRC,
    IP_SRC_HIGH,
    IP_VERSION,
    NOTES,
    PRESENT,
    PROTOCOL,
    SPORT,
    TCP,
    TCP_FLAGS,
    TCP_OPTIONS,
    TCP_OPTIONS_LOW,
    UNSEEN,
    WORDS,
)

#: Words of a strand key: four of the source address, packed identity, control bits or ICMP type and code, two of
#: the option layout, what is present, what is unseen.
KEY_WORDS = 10
KEY_IDENTITY = 4
KEY_BITS = 5
KEY_OPTIONS = 6
KEY_OPTIONS_LOW = 7
KEY_PRESENT = 8
KEY_UNSEEN = 9

# Columns of a strand's info row.
COUNT = 0
FIRST_NS = 1
LAST_NS = 2
HEAD = 3  # newest row in the store, -1: none
SLOT = 4  # place in the deep accumulators, -1: rows are kept whole
INFO_COLUMNS = 5

# Places in the fold's own numbers.
N_STRANDS = 0
N_SLOTS = 1
N_ROWS = 2  # rows ever taken from the store's end
FREE_HEAD = 3  # newest freed row, -1: none
LIVE_ROWS = 4
N_DEEP = 5  # rows of this batch that go to deep accumulators
N_PROMOTED = 6  # strands of this batch that outgrew the store
NUMBERS = 7

_M32 = 0xFFFFFFFF
_MIX_A = 0x2C1B3C6D
_MIX_B = 0x297A2D39
_SEED = 0x1B873593
_FRAGMENT_OR_QUOTE = 0x201  # NOTE_FRAGMENT | NOTE_QUOTE


@device
def mix(n, word):
    """Return a 32-bit hash of hash ``n`` and a 32-bit word."""
    h = ((n ^ word) * _MIX_A) & _M32
    h ^= h >> 15
    h = (h * _MIX_B) & _M32
    return h ^ (h >> 14)


@device
def key_of(i, words, key):
    """Write the strand key of row ``i`` into ``key``: source, protocol, control bits, shape, visibility."""
    protocol = words[i, PROTOCOL]
    bits = 0
    if protocol == TCP:
        bits = words[i, TCP_FLAGS]
    elif protocol in (ICMP, ICMP6):
        bits = (words[i, SPORT] << 8) | words[i, DPORT]
    elif protocol == ARP:
        bits = words[i, SPORT]
    fragment = 1 if words[i, NOTES] & _FRAGMENT_OR_QUOTE else 0
    key[0, 0] = words[i, IP_SRC]
    key[0, 1] = words[i, IP_SRC_HIGH]
    key[0, 2] = words[i, IP_SRC_HIGH + 1]
    key[0, 3] = words[i, IP_SRC_HIGH + 2]
    key[0, KEY_IDENTITY] = (
        protocol
        | (words[i, IP_VERSION] << 16)
        | (words[i, IP_IHL] << 20)
        | (words[i, IP_FLAGS] << 24)
        | (fragment << 28)
    )
    key[0, KEY_BITS] = bits
    key[0, KEY_OPTIONS] = words[i, TCP_OPTIONS] if protocol == TCP else 0
    key[0, KEY_OPTIONS_LOW] = words[i, TCP_OPTIONS_LOW] if protocol == TCP else 0
    key[0, KEY_PRESENT] = words[i, PRESENT]
    key[0, KEY_UNSEEN] = words[i, UNSEEN]


@device
def same_key(s, keys, key):
    """Tell whether strand ``s`` has this key."""
    for w in range(KEY_WORDS):
        if keys[s, w] != key[0, w]:
            return False
    return True


@device
def find(n, table, mask, tag, keys, key):
    """Return the place of ``key`` in the table, or of the empty entry where it belongs; ``n`` is the first place."""
    place = n & mask
    while True:
        entry = table[place]
        if entry == 0:
            return place
        if (entry >> 32) == tag and same_key((entry & _M32) - 1, keys, key):
            return place
        place = (place + 1) & mask


@device
def key_hash(s, keys, factors):
    """Return a 32-bit hash of row ``s`` of ``keys``: multilinear over its words, with secret factors below 2**26."""
    total = 0
    for w in range(KEY_WORDS):
        total += keys[s, w] * factors[w]
    return mix(mix(_SEED, total & _M32), total >> 32)


@device
def tag_of(n):
    """Return the 31 bits of a hash by which entries of the table are told apart."""
    return mix(n, 0x5BD1E995) >> 1


@device
def strand_of(n, key, table, keys, info, numbers, factors):
    """Return the strand of a key, a new one if the key is new; -1 when the strand arrays are full; ``n`` is 0."""
    h = key_hash(n, key, factors)
    tag = tag_of(h)
    place = find(h, table, len(table) - 1, tag, keys, key)
    if table[place]:
        return (table[place] & _M32) - 1
    strand = numbers[N_STRANDS]
    if strand >= len(keys):
        return -1
    for w in range(KEY_WORDS):
        keys[strand, w] = key[0, w]
    info[strand, COUNT] = 0
    info[strand, HEAD] = -1
    info[strand, SLOT] = -1
    table[place] = (tag << 32) | (strand + 1)
    numbers[N_STRANDS] = strand + 1
    return strand


@kernel
def assign(n, start, words, ts_ns, key, recent, table, keys, info, numbers, factors, strand):
    """Give rows ``start``..``n`` their strands and count them; return the row it stopped at, short of strand space.

    ``recent`` remembers the last strand by a few bits of its source and control bits: long strands are found there,
    without a hash of the whole key.
    """
    for i in range(start, n):
        key_of(i, words, key)
        guess = (key[0, 0] ^ (key[0, 0] >> 16) ^ (key[0, KEY_BITS] << 4)) & (len(recent) - 1)
        s = recent[guess]
        if s >= numbers[N_STRANDS] or not same_key(s, keys, key):
            s = strand_of(0, key, table, keys, info, numbers, factors)
            if s < 0:
                return i
            recent[guess] = s
        strand[i] = s
        t = ts_ns[i]
        count = info[s, COUNT]
        if count == 0 or t < info[s, FIRST_NS]:
            info[s, FIRST_NS] = t
        if count == 0 or t > info[s, LAST_NS]:
            info[s, LAST_NS] = t
        info[s, COUNT] = count + 1
    return n


@kernel
def rehash(n, table, keys, factors):
    """Enter strands 0..n anew into an empty, larger table."""
    mask = len(table) - 1
    for s in range(n):
        h = key_hash(s, keys, factors)
        place = h & mask
        while table[place]:
            place = (place + 1) & mask
        table[place] = (tag_of(h) << 32) | (s + 1)


@kernel
def keep(
    n,
    capacity,
    words,
    ts_ns,
    packet_id,
    strand,
    kept,
    info,
    numbers,
    store,
    store_ns,
    store_id,
    link,
    deep,
    slot,
    promoted,
):
    """Store the rows of small strands; list the rows of deep ones, and the strands that now outgrow ``capacity``.

    ``kept[s]`` counts the rows of strand ``s`` in the store. A strand is promoted when a row would be its
    ``capacity + 1``-th: it gets the next slot, and this row and all later ones go to the deep accumulators.
    """
    numbers[N_DEEP] = 0
    numbers[N_PROMOTED] = 0
    for i in range(n):
        s = strand[i]
        if info[s, SLOT] < 0:
            if kept[s] < capacity:
                row = numbers[FREE_HEAD]
                if row >= 0:
                    numbers[FREE_HEAD] = link[row]
                else:
                    row = numbers[N_ROWS]
                    numbers[N_ROWS] = row + 1
                for w in range(WORDS):
                    store[row, w] = words[i, w]
                store_ns[row] = ts_ns[i]
                store_id[row] = packet_id[i]
                link[row] = info[s, HEAD]
                info[s, HEAD] = row
                kept[s] += 1
                numbers[LIVE_ROWS] += 1
                continue
            info[s, SLOT] = numbers[N_SLOTS]
            numbers[N_SLOTS] += 1
            promoted[numbers[N_PROMOTED]] = s
            numbers[N_PROMOTED] += 1
        deep[numbers[N_DEEP]] = i
        slot[numbers[N_DEEP]] = info[s, SLOT]
        numbers[N_DEEP] += 1


@kernel
def chain_rows(n, strands, info, link, rows, slot):
    """List the stored rows of ``strands[0:n]`` and the slot of each; return how many."""
    m = 0
    for j in range(n):
        s = strands[j]
        row = info[s, HEAD]
        while row >= 0:
            rows[m] = row
            slot[m] = info[s, SLOT]
            m += 1
            row = link[row]
    return m


@kernel
def free_rows(n, strands, info, kept, link, numbers):
    """Give back the stored rows of ``strands[0:n]``."""
    for j in range(n):
        s = strands[j]
        row = info[s, HEAD]
        while row >= 0:
            after = link[row]
            link[row] = numbers[FREE_HEAD]
            numbers[FREE_HEAD] = row
            numbers[LIVE_ROWS] -= 1
            row = after
        info[s, HEAD] = -1
        kept[s] = 0


@kernel
def chains_in_order(n, order, info, link, out, start):
    """List stored rows strand by strand in ``order``, each strand's oldest first; ``start[n]`` is their total."""
    m = 0
    for j in range(n):
        start[j] = m
        row = info[order[j], HEAD]
        while row >= 0:
            m += 1
            row = link[row]
        place = m - 1
        row = info[order[j], HEAD]
        while row >= 0:
            out[place] = row
            place -= 1
            row = link[row]
    start[n] = m


@kernel
def key_hashes(n, keys, source_hash, whole_hash):
    """Hash each strand's source address and whole key, unkeyed: the canonical order of strands."""
    for s in range(n):
        h = 0x51ED270B
        for w in range(4):
            h = mix(h, keys[s, w])
        source_hash[s] = h
        for w in range(4, KEY_WORDS):
            h = mix(h, keys[s, w])
        whole_hash[s] = h
