"""Rows to strands: a hash table of strand keys, and the store of rows that small strands keep whole.

The table is open addressing with linear probing over int64 entries ``tag << 32 | strand + 1`` (0: empty); the tag saves
touching the key of another strand. The secret ``factors`` only move entries about, so that nobody can prepare
colliding packets; no result depends on them.
"""

from __future__ import annotations

from craftmark.kernels._jit import device, inlined, kernel
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
TOUCHED = 7  # no number: what a look at the table ahead of its use returned
N_STORED = 8  # rows of this batch, or of another store, that are to be stored
NUMBERS = 9

_M32 = 0xFFFFFFFF
_MIX_A = 0x2C1B3C6D
_MIX_B = 0x297A2D39
_SEED = 0x1B873593
_AHEAD = 1024  # keys whose places in the table are fetched before the first is looked up
_FRAGMENT_OR_QUOTE = 0x201  # NOTE_FRAGMENT | NOTE_QUOTE


@inlined
def mix(n, word):
    """Return a 32-bit hash of hash ``n`` and a 32-bit word."""
    h = ((n ^ word) * _MIX_A) & _M32
    h ^= h >> 15
    h = (h * _MIX_B) & _M32
    return h ^ (h >> 14)


@inlined
def bits_of(i, words):
    """Return the control bits of row ``i``, or ICMP type << 8 | code, or ARP operation."""
    protocol = words[i, PROTOCOL]
    if protocol == TCP:
        return words[i, TCP_FLAGS] + 0
    if protocol in (ICMP, ICMP6):
        return ((words[i, SPORT] + 0) << 8) + words[i, DPORT]
    return words[i, SPORT] + 0 if protocol == ARP else 0


@inlined
def identity_of(i, words):
    """Return protocol, IP version, header length and flags of row ``i``, and whether it is a fragment or quotes."""
    fragment = 1 if words[i, NOTES] & _FRAGMENT_OR_QUOTE else 0
    return (
        words[i, PROTOCOL]
        + ((words[i, IP_VERSION] + 0) << 16)
        + ((words[i, IP_IHL] + 0) << 20)
        + ((words[i, IP_FLAGS] + 0) << 24)
        + (fragment << 28)
    )


@inlined
def key_of(r, i, words, key):
    """Write the strand key of row ``i`` into ``key[r]``: source, protocol, control bits, shape, visibility."""
    is_tcp = words[i, PROTOCOL] == TCP
    key[r, 0] = words[i, IP_SRC]
    key[r, 1] = words[i, IP_SRC_HIGH]
    key[r, 2] = words[i, IP_SRC_HIGH + 1]
    key[r, 3] = words[i, IP_SRC_HIGH + 2]
    key[r, KEY_IDENTITY] = identity_of(i, words)
    key[r, KEY_BITS] = bits_of(i, words)
    key[r, KEY_OPTIONS] = words[i, TCP_OPTIONS] if is_tcp else 0
    key[r, KEY_OPTIONS_LOW] = words[i, TCP_OPTIONS_LOW] if is_tcp else 0
    key[r, KEY_PRESENT] = words[i, PRESENT]
    key[r, KEY_UNSEEN] = words[i, UNSEEN]


@inlined
def is_of(s, keys, i, words):
    """Tell whether row ``i`` has the key of strand ``s``."""
    if keys[s, 0] != words[i, IP_SRC] or keys[s, KEY_PRESENT] != words[i, PRESENT]:
        return False
    if (keys[s, KEY_IDENTITY] + 0) != identity_of(i, words) or (keys[s, KEY_BITS] + 0) != bits_of(i, words):
        return False
    if words[i, PROTOCOL] == TCP and (
        keys[s, KEY_OPTIONS] != words[i, TCP_OPTIONS] or keys[s, KEY_OPTIONS_LOW] != words[i, TCP_OPTIONS_LOW]
    ):
        return False
    return (
        keys[s, KEY_UNSEEN] == words[i, UNSEEN]
        and keys[s, 1] == words[i, IP_SRC_HIGH]
        and keys[s, 2] == words[i, IP_SRC_HIGH + 1]
        and keys[s, 3] == words[i, IP_SRC_HIGH + 2]
    )


@inlined
def guess_of(i, words):
    """Return a number by whose lowest bits the last strand like row ``i`` is remembered."""
    source = words[i, IP_SRC] + 0
    return source ^ (source >> 16) ^ (bits_of(i, words) << 4)


@device
def same_key(s, keys, r, key):
    """Tell whether strand ``s`` has the key in row ``r`` of ``key``."""
    for w in range(KEY_WORDS):
        if keys[s, w] != key[r, w]:
            return False
    return True


@device
def find(h, table, mask, tag, keys, r, key):
    """Return the place of a key in the table, or of the empty entry where it belongs; ``h`` is its hash."""
    place = h & mask
    while True:
        entry = table[place]
        if entry == 0:
            return place
        if (entry >> 32) == tag and same_key((entry & _M32) - 1, keys, r, key):
            return place
        place = (place + 1) & mask


@inlined
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
def strand_of(h, r, key, table, keys, info, numbers):
    """Return the strand of the key in row ``r`` of ``key``, a new one if it is new; ``h`` is its hash.

    There must be room for one more strand.
    """
    tag = tag_of(h)
    place = find(h, table, len(table) - 1, tag, keys, r, key)
    if table[place]:
        return (table[place] & _M32) - 1
    strand = numbers[N_STRANDS]
    for w in range(KEY_WORDS):
        keys[strand, w] = key[r, w]
    info[strand, COUNT] = 0
    info[strand, HEAD] = -1
    info[strand, SLOT] = -1
    table[place] = (tag << 32) | (strand + 1)
    numbers[N_STRANDS] = strand + 1
    return strand


@inlined
def count_row(s, t, info):
    """Count a packet of strand ``s`` at the time ``t``."""
    count = info[s, COUNT]
    if count == 0 or t < info[s, FIRST_NS]:
        info[s, FIRST_NS] = t
    if count == 0 or t > info[s, LAST_NS]:
        info[s, LAST_NS] = t
    info[s, COUNT] = count + 1


@kernel
def assign(n, words, ts_ns, key, hashes, missed, recent, table, keys, info, numbers, factors, strand):
    """Give rows their strands and count them; there must be room for ``n`` strands more.

    ``recent`` remembers the last strand of more than one packet by a few bits of its source and control bits: long
    strands are found there, without a hash of the whole key. All others are looked up behind them, when the places of
    the table that they need are on their way from memory: ``key``, ``hashes`` and ``missed`` are room for ``n`` of
    them.
    """
    many = 0
    touched = 0
    for i in range(n):
        s = recent[guess_of(i, words) & (len(recent) - 1)]
        if s < numbers[N_STRANDS] and is_of(s, keys, i, words):
            strand[i] = s
            count_row(s, ts_ns[i], info)
            continue
        key_of(many, i, words, key)
        h = key_hash(many, key, factors)
        touched |= table[h & (len(table) - 1)]
        hashes[many] = h
        missed[many] = i
        many += 1
    numbers[TOUCHED] = touched
    for j in range(many):
        i = missed[j]
        s = strand_of(hashes[j], j, key, table, keys, info, numbers)
        if info[s, COUNT]:
            recent[guess_of(i, words) & (len(recent) - 1)] = s
        strand[i] = s
        count_row(s, ts_ns[i], info)


@kernel
def absorb(n, key, counted, table, keys, info, numbers, factors, strand):
    """Enter the strands of another table, ``key`` and ``counted`` (its info); there must be room for ``n`` more.

    Counts and times are added up; ``strand`` says which is whose.
    """
    touched = 0
    for first in range(0, n, _AHEAD):
        stop = min(n, first + _AHEAD)
        for j in range(first, stop):
            h = key_hash(j, key, factors)
            strand[j] = h
            touched |= table[h & (len(table) - 1)]
        for j in range(first, stop):
            s = strand_of(strand[j], j, key, table, keys, info, numbers)
            strand[j] = s
            count = info[s, COUNT]
            if count == 0 or counted[j, FIRST_NS] < info[s, FIRST_NS]:
                info[s, FIRST_NS] = counted[j, FIRST_NS]
            if count == 0 or counted[j, LAST_NS] > info[s, LAST_NS]:
                info[s, LAST_NS] = counted[j, LAST_NS]
            info[s, COUNT] = count + counted[j, COUNT]
    numbers[TOUCHED] = touched


@kernel
def rehash(n, hashes, table, keys, factors):
    """Enter strands 0..n anew into an empty, larger table; ``hashes`` is room for ``n`` of them."""
    mask = len(table) - 1
    for s in range(n):
        hashes[s] = key_hash(s, keys, factors)
    for s in range(n):
        place = hashes[s] & mask
        while table[place]:
            place = (place + 1) & mask
        table[place] = (tag_of(hashes[s]) << 32) | (s + 1)


@inlined
def place_row(i, s, kept, info, numbers, link, stored, place):
    """Give row ``i`` of a small strand a place in the store, a freed one if there is any; list both."""
    row = numbers[FREE_HEAD]
    if row >= 0:
        numbers[FREE_HEAD] = link[row]
    else:
        row = numbers[N_ROWS]
        numbers[N_ROWS] = row + 1
    link[row] = info[s, HEAD]
    info[s, HEAD] = row
    kept[s] += 1
    numbers[LIVE_ROWS] += 1
    stored[numbers[N_STORED]] = i
    place[numbers[N_STORED]] = row
    numbers[N_STORED] += 1


@kernel
def keep(n, rows, capacity, strand, kept, info, numbers, link, stored, place, deep, slot, promoted):
    """Give places to ``rows[0:n]`` of small strands; list the rows of deep ones, and what now outgrows ``capacity``.

    ``kept[s]`` counts the rows of strand ``s`` in the store. A strand is promoted when a row would be its
    ``capacity + 1``-th: it gets the next slot, and this row and all later ones go to the deep accumulators.
    """
    numbers[N_STORED] = 0
    numbers[N_DEEP] = 0
    numbers[N_PROMOTED] = 0
    for j in range(n):
        i = rows[j]
        s = strand[j]
        if info[s, SLOT] < 0:
            if kept[s] < capacity:
                place_row(i, s, kept, info, numbers, link, stored, place)
                continue
            info[s, SLOT] = numbers[N_SLOTS]
            numbers[N_SLOTS] += 1
            promoted[numbers[N_PROMOTED]] = s
            numbers[N_PROMOTED] += 1
        deep[numbers[N_DEEP]] = i
        slot[numbers[N_DEEP]] = info[s, SLOT]
        numbers[N_DEEP] += 1


@kernel
def adopt(n, capacity, strand, others_kept, others_info, others_link, kept, info, numbers, link, stored, place, large):
    """Give places to the stored rows of another store's strands 0..n, where both are small together.

    ``strand`` says which of ours each is; the others are listed in ``large``, whose number is returned.
    """
    numbers[N_STORED] = 0
    left = 0
    for j in range(n):
        s = strand[j]
        row = others_info[j, HEAD]
        if row < 0:
            continue
        if info[s, SLOT] >= 0 or kept[s] + others_kept[j] > capacity:
            large[left] = j
            left += 1
            continue
        while row >= 0:
            place_row(row, s, kept, info, numbers, link, stored, place)
            row = others_link[row]
    return left


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
