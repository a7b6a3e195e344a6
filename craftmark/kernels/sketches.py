"""Sketches per slot: distinct addresses (HyperLogLog), port sets as bitmaps, and bottom-k samples of rows.

HyperLogLog: Flajolet, Fusy, Gandouet, Meunier 2007, section 4; the estimate is made in evidence/distinct.py.
"""

from __future__ import annotations

from craftmark.kernels._jit import device, inlined, kernel
from craftmark.kernels.bits import end_of_run
from craftmark.kernels.grouping import mix
from craftmark.packets.fields import DPORT, IP_DST, IP_DST_HIGH, IP_SRC, PROTOCOL, SCTP, SPORT, TCP, UDP, WORDS

_M32 = 0xFFFFFFFF
_SEED = 0x1B873593
_ANY_RANK = 1 << 62  # greater than any rank


@inlined
def targets_of_run(j, stop, rows, s, words, registers, bits):
    """Fold the destination addresses of ``rows[j:stop]`` into the registers of slot ``s``."""
    last = -1
    while j < stop:
        i = rows[j]
        j += 1
        address = words[i, IP_DST] + 0
        if address == last and not words[i, IP_DST_HIGH]:
            continue
        h = mix(_SEED, address)
        if words[i, IP_DST_HIGH]:
            for w in range(3):
                h = mix(h, words[i, IP_DST_HIGH + w])
        else:
            last = address
        place = h & ((1 << bits) - 1)
        rest = mix(h, 0x5BD1E995)
        rank = registers[s, place]
        if rest & ((1 << rank) - 1):
            continue
        rank = 1
        while rank <= 32 and not rest & 1:
            rest >>= 1
            rank += 1
        if rank > registers[s, place]:
            registers[s, place] = rank


@inlined
def ports_of_run(j, stop, rows, s, words, word, bitmap):
    """Set the bits of the 16-bit field ``word`` of ``rows[j:stop]`` in the bitmap of slot ``s``."""
    last = -1
    while j < stop:
        port = words[rows[j], word] & 0xFFFF
        j += 1
        if port != last:
            bitmap[s, port >> 3] |= 1 << (port & 7)
            last = port


@kernel
def fold_targets(n, rows, slot, words, registers, bits):
    """Fold destination addresses into HyperLogLog registers (uint8[slots, 2**bits])."""
    j = 0
    while j < n:
        stop = end_of_run(j, n, slot)
        targets_of_run(j, stop, rows, slot[j], words, registers, bits)
        j = stop


@kernel
def fold_ports(n, rows, slot, words, word, bitmap):
    """Set the bit of each row's 16-bit field ``word`` in its slot's bitmap (uint8[slots, 8192])."""
    j = 0
    while j < n:
        stop = end_of_run(j, n, slot)
        ports_of_run(j, stop, rows, slot[j], words, word, bitmap)
        j = stop


@device
def worse(a, rank, ident, b):
    """Tell whether heap entry ``a`` ranks after entry ``b``, ties by packet id."""
    return rank[a] > rank[b] or (rank[a] == rank[b] and ident[a] > ident[b])


@device
def swap(a, rank, ident, place, b):
    """Exchange two heap entries."""
    rank[a], rank[b] = rank[b], rank[a]
    ident[a], ident[b] = ident[b], ident[a]
    place[a], place[b] = place[b], place[a]


@device
def sift_up(k, base, rank, ident, place):
    """Move entry ``k`` of the heap that starts at ``base`` (greatest first) up to its place."""
    while k > 0:
        parent = (k - 1) >> 1
        if not worse(base + k, rank, ident, base + parent):
            break
        swap(base + k, rank, ident, place, base + parent)
        k = parent


@device
def sift_down(size, base, rank, ident, place):
    """Move the first entry of the heap that starts at ``base`` (greatest first) down to its place."""
    k = 0
    while True:
        child = 2 * k + 1
        if child >= size:
            break
        if child + 1 < size and worse(base + child + 1, rank, ident, base + child):
            child += 1
        if not worse(base + child, rank, ident, base + k):
            break
        swap(base + k, rank, ident, place, base + child)
        k = child


@inlined
def pair_hash(i, words):
    """Return a 32-bit hash of the two ends of row ``i``, the same for both directions of a conversation."""
    ends = (words[i, IP_SRC] + 0) + words[i, IP_DST]
    protocol = words[i, PROTOCOL] + 0
    has_ports = protocol == TCP or protocol == UDP or protocol == SCTP  # noqa: PLR1714 - a tuple costs more, compiled
    ports = (words[i, SPORT] + 0) + words[i, DPORT] if has_ports else 0
    return mix(mix(_SEED, ends & _M32), ports & _M32)


@device
def fair_rank(n, ident):
    """Return the rank of a packet in fair samples: hash ``n`` of its ends first, then a hash of its id."""
    return (n << 30) | (mix(mix(n, ident & _M32), ident >> 32) >> 2)


@inlined
def slice_hash(n):
    """Return a 30-bit hash of a time slice."""
    return mix(mix(_SEED, n & _M32), (n >> 32) & _M32) >> 2


@kernel
def row_ranks(n, rows, words, ts_ns, packet_id, by_time, ranks):
    """Rank rows for a bottom-k sample: by hash of both ends, then of the id (fair), or of the 4.3 s slice, then time.

    The first keeps whole conversations, the same ones in all strands, the second whole runs of consecutive packets: the
    earliest of a few slices drawn by hash.
    """
    for j in range(n):
        i = rows[j]
        if by_time:
            ranks[j] = (slice_hash(ts_ns[i] >> 32) << 32) | (ts_ns[i] & _M32)
        else:
            ranks[j] = fair_rank(pair_hash(i, words), packet_id[i])


@device
def offer(value, i, s, words, ts_ns, packet_id, k, size, rank, ident, place, kept, kept_ns):
    """Keep row ``i`` of rank ``value`` in slot ``s`` if it is among the slot's ``k`` of least rank."""
    base = s * k
    filled = size[s]
    if filled == k:
        if value > rank[base] or (value == rank[base] and packet_id[i] >= ident[base]):
            return
        entry = base
        at = base + place[base]
    else:
        entry = base + filled
        at = entry
        place[entry] = filled
        size[s] = filled + 1
    rank[entry] = value
    ident[entry] = packet_id[i]
    for w in range(WORDS):
        kept[at, w] = words[i, w]
    kept_ns[at] = ts_ns[i]
    if filled == k:
        sift_down(k, base, rank, ident, place)
    else:
        sift_up(filled, base, rank, ident, place)


@inlined
def fair_of_run(j, stop, rows, s, words, ts_ns, packet_id, k, size, rank, ident, place, kept, kept_ns):
    """Offer ``rows[j:stop]`` to the fair sample of slot ``s``; the first half of its rank turns most rows away."""
    limit = rank[s * k] if size[s] == k else _ANY_RANK
    while j < stop:
        i = rows[j]
        j += 1
        value = pair_hash(i, words)
        if (value << 30) > limit:
            continue
        value = fair_rank(value, packet_id[i])
        offer(value, i, s, words, ts_ns, packet_id, k, size, rank, ident, place, kept, kept_ns)
        limit = rank[s * k] if size[s] == k else _ANY_RANK


@inlined
def times_of_run(j, stop, rows, s, words, ts_ns, packet_id, k, size, rank, ident, place, kept, kept_ns):
    """Offer ``rows[j:stop]`` to the sample by time of slot ``s``."""
    limit = rank[s * k] if size[s] == k else _ANY_RANK
    piece = ts_ns[rows[j]] >> 32
    high = slice_hash(piece) << 32
    while j < stop:
        i = rows[j]
        j += 1
        if ts_ns[i] >> 32 != piece:
            piece = ts_ns[i] >> 32
            high = slice_hash(piece) << 32
        value = high | (ts_ns[i] & _M32)
        if value > limit:
            continue
        offer(value, i, s, words, ts_ns, packet_id, k, size, rank, ident, place, kept, kept_ns)
        limit = rank[s * k] if size[s] == k else _ANY_RANK


@kernel
def fold_sample(n, rows, slot, words, ts_ns, packet_id, by_time, k, size, rank, ident, place, kept, kept_ns):
    """Keep per slot the ``k`` rows of least rank: heaps ``rank``, ``ident``, ``place`` (int64[slots * k]) and ``kept``.

    ``kept`` is uint32[slots * k, WORDS]; ``place`` says which of its slot's k rows an entry stands in. Ranks as in
    ``row_ranks``.
    """
    j = 0
    while j < n:
        stop = end_of_run(j, n, slot)
        if by_time:
            times_of_run(j, stop, rows, slot[j], words, ts_ns, packet_id, k, size, rank, ident, place, kept, kept_ns)
        else:
            fair_of_run(j, stop, rows, slot[j], words, ts_ns, packet_id, k, size, rank, ident, place, kept, kept_ns)
        j = stop
