"""What tunnels carry: where the packet inside GRE or IP in IP starts, and the link layer it starts with.

RFC 2784 and 2890 (GRE), RFC 2637 (its version 1, with PPP inside), RFC 2003, 4213 and 2473 (IP in IP).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from craftmark.kernels._jit import inlined
from craftmark.kernels.links import ETHERNET, PPP, RAW, be16

if TYPE_CHECKING:
    from craftmark.kernels.links import Octets

# IP protocol numbers of tunnels.
IPIP: Final = 4
IP6_IN_IP: Final = 41
GRE: Final = 47
#: The link type of nothing.
NO_LINK: Final = -1


@inlined
def tunnel(octets: Octets, at: int, end: int, protocol: int) -> tuple[int, int]:
    """Return where the tunnelled packet starts and its link type, which is -1 where there is none to see."""
    if protocol in (IPIP, IP6_IN_IP):
        return at, RAW
    if protocol != GRE or at + 4 > end:
        return at, NO_LINK
    flags = be16(octets, at)
    inside = be16(octets, at + 2)
    at += 4
    if flags & 7 == 1:  # RFC 2637: the key is always there, and there may be nothing inside
        at += 4 + (4 if flags & 0x1000 else 0) + (4 if flags & 0x0080 else 0)
        return at, PPP if flags & 0x1000 and inside == 0x880B else NO_LINK
    if flags & 0x4007:
        return at, NO_LINK
    at += (4 if flags & 0x8000 else 0) + (4 if flags & 0x2000 else 0) + (4 if flags & 0x1000 else 0)
    if inside in (0x0800, 0x86DD):
        return at, RAW
    if inside == 0x6558:
        return at, ETHERNET
    if inside == 0x880B:
        return at, PPP
    return at, NO_LINK
