"""From what a telescope saw to the whole Internet: shares with their intervals, coverage, rates.

A telescope of T addresses sees a probe to a random IPv4 address with the chance p = T / 2^32, so that R' = R / p is
the rate of a sender whose probes arrive at the rate R (D. Moore, C. Shannon, G. Voelker, S. Savage, "Network
Telescopes: Technical Report", CAIDA TR-2004-04, 2004); and a scan that reached k of the T addresses covered about
k / T of the address space (Z. Durumeric, M. Bailey, J. A. Halderman, "An Internet-Wide View of Internet-Wide
Scanning", USENIX Security 2014). Both hold for scans that choose their targets evenly. Intervals are those of
E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", JASA 22, 1927.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

#: Standard deviations on either side: 95 %.
Z: Final = 1.959964
#: All IPv4 addresses.
IPV4: Final = 1 << 32


class Share(NamedTuple):
    """A share with its interval."""

    share: float
    low: float
    high: float


def wilson(held: int, of: int) -> Share | None:
    """Return ``held / of`` with Wilson's interval of 95 %, None of nothing."""
    if of <= 0:
        return None
    share, spread = held / of, Z * Z / of
    centre = (share + spread / 2) / (1 + spread)
    half = Z * math.sqrt((share * (1 - share) + spread / 4) / of) / (1 + spread)
    low = 0.0 if held == 0 else max(0.0, centre - half)
    high = 1.0 if held == of else min(1.0, centre + half)
    return Share(round(share, 12), round(low, 12), round(high, 12))


def coverage(targets: int, telescope: int) -> Share | None:
    """Return the share of the address space that a scan covered, by the telescope's addresses that it reached."""
    return wilson(min(targets, telescope), telescope)


def rate_pps(probes: int, duration_ns: int | None) -> float | None:
    """Return probes per second, None where there is no duration to divide by."""
    if not duration_ns or probes < 2:
        return None
    return round((probes - 1) * 1e9 / duration_ns, 4)


def internet_pps(seen_pps: float, telescope: int) -> float:
    """Return the rate at which the sender sent to all of IPv4, from the rate seen in the telescope."""
    return round(seen_pps * IPV4 / telescope, 1)
