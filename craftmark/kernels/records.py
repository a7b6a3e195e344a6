"""Where the frames stand in the octets of a capture file: pcap records, and the search for the next after damage.

Walks stop at the end of the octets or at a record that cannot be; they never read behind either.
https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcap/.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from craftmark.kernels._jit import device, inlined, kernel
from craftmark.kernels.links import be32

if TYPE_CHECKING:
    from numpy import int64
    from numpy.typing import NDArray

    from craftmark.kernels.links import Octets

    Integers = NDArray[int64]

#: No capture program writes longer frames; what libpcap and Wireshark refuse to read.
FRAME_LIMIT: Final = 262_144
NS: Final = 1_000_000_000

# Order of a record's two lengths: captured first since version 2.3, in which some programs still wrote it last.
CAPTURED_FIRST: Final = 0
MAYBE_SWAPPED: Final = 1
SWAPPED: Final = 2

# Why a walk ended, in state[1]; state[0] is where it ended.
ROWS_FULL: Final = 0
NEED_MORE: Final = 1
ABSURD: Final = 2

# What ``record_at`` returns in place of a length.
IS_CUT: Final = -1
IS_ABSURD: Final = -2


@device
def number32(octets: Octets, at: int, big: int) -> int:
    """Return the 32-bit number at ``at`` in the file's byte order."""
    if big:
        return octets[at] * 16777216 + octets[at + 1] * 65536 + octets[at + 2] * 256 + octets[at + 3]
    return octets[at] + octets[at + 1] * 256 + octets[at + 2] * 65536 + octets[at + 3] * 16777216


@device
def number16(octets: Octets, at: int, big: int) -> int:
    """Return the 16-bit number at ``at`` in the file's byte order."""
    if big:
        return octets[at] * 256 + octets[at + 1]
    return octets[at] + octets[at + 1] * 256


@inlined
def little32(octets: Octets, at: int) -> int:
    """Return the 32-bit number at ``at``, its lowest octet first."""
    return octets[at] + octets[at + 1] * 256 + octets[at + 2] * 65536 + octets[at + 3] * 16777216


@inlined
def record_at(octets: Octets, size: int, at: int, big: int, header: int, lengths: int) -> tuple[int, int, int, int]:
    """Return octets captured and on the wire of the record at ``at``, second and fraction of its time.

    In place of the octets captured IS_CUT or IS_ABSURD where there is no record.
    """
    if at + header > size:
        return IS_CUT, 0, 0, 0
    head = octets[at : at + 16]
    if big:
        second, fraction, here, there = be32(head, 0), be32(head, 4), be32(head, 8), be32(head, 12)
    else:
        second, fraction, here, there = little32(head, 0), little32(head, 4), little32(head, 8), little32(head, 12)
    if lengths == SWAPPED or (lengths == MAYBE_SWAPPED and here > there):
        here, there = there, here
    if here > FRAME_LIMIT:
        return IS_ABSURD, 0, 0, 0
    if at + header + here > size:
        return IS_CUT, 0, 0, 0
    return here, max(here, there), second, fraction


@kernel
def walk_records(
    n: int, octets: Octets, size: int, big: int, header: int, tick_ns: int, lengths: int,
    starts: Integers, captured: Integers, wire: Integers, times: Integers, state: Integers,
) -> int:  # fmt: skip
    """Write where the frames of up to ``n`` pcap records stand, from ``state[0]`` on; return how many.

    ``header`` is the size of a record's header, ``tick_ns`` the unit of its fraction of a second, ``lengths`` the order
    of the two lengths. Why it ended is told in ``state[1]``.
    """
    at = state[0]
    state[1] = ROWS_FULL
    rows = n
    for i in range(n):
        here, there, second, fraction = record_at(octets, size, at, big, header, lengths)
        if here < 0:
            state[1] = ABSURD if here == IS_ABSURD else NEED_MORE
            rows = i
            break
        starts[i] = at + header
        captured[i] = here
        wire[i] = there
        times[i] = second * NS + fraction * tick_ns
        at += header + here
    state[0] = at
    return rows


#: Records in a row that must be plausible to believe that one starts there.
_CHAIN = 3


@kernel
def find_record(
    n: int, octets: Octets, size: int, big: int, header: int, ticks: int, near_s: int, spread_s: int, at: int
) -> int:
    """Return the first place from ``at`` on, at most ``n`` further, where plausible records follow; -1 if none.

    Plausible: ``_CHAIN`` records whose lengths fit, whose fractions stay below ``ticks`` and whose times are within
    ``spread_s`` of ``near_s`` (fewer only where the last ends with the octets).
    """
    for place in range(at, min(at + n, size - header)):
        q = place
        good = 0
        while good < _CHAIN and q + header <= size:
            here = number32(octets, q + 8, big)
            seconds = number32(octets, q, big)
            if here > number32(octets, q + 12, big) or here > FRAME_LIMIT or q + header + here > size or here == 0:
                break
            if number32(octets, q + 4, big) >= ticks or abs(seconds - near_s) > spread_s:
                break
            q += header + here
            good += 1
        if good == _CHAIN or (good > 0 and q == size):
            return place
    return -1
