"""When each probe is sent in a bundle: the moments stay; which probe goes at which changes where it tells addresses.

Targets in rising order rise again, by the addresses that stand for them: a run is sorted. Targets in any other order
could be the walk of a generator whose next step is an address: there the key shuffles the probes of each source. What
counts from packet to packet stays with its moment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from craftmark.export.share.keyed import Key

    Rows = NDArray[np.intp]
    Numbers = NDArray[np.uint32]

Order = Literal["kept", "sorted", "shuffled"]
#: Own targets up to which their order tells nothing.
FEW: Final = 2
#: Share of steps in one direction from which an order is that direction's.
_ONE_WAY: Final = 0.9


def order_of(targets: Numbers) -> Order:
    """Return what is done with the order of one source's probes, by its own targets as captured."""
    if len(np.unique(targets)) <= FEW:
        return "kept"
    steps = np.diff(targets.astype(np.int64))
    steps = steps[steps != 0]
    rising = np.count_nonzero(steps > 0) / len(steps)
    return "sorted" if max(rising, 1 - rising) >= _ONE_WAY else "shuffled"


def moved(targets: Numbers, stand_ins: Numbers, key: Key, label: str) -> Rows:
    """Return which packet is sent at each moment, as places in the order of capture."""
    kind = order_of(targets)
    if kind == "kept":
        return np.arange(len(targets))
    if kind == "shuffled":
        return key.order(label, len(targets))
    steps = np.diff(targets.astype(np.int64))
    falls = np.count_nonzero(steps < 0) > np.count_nonzero(steps > 0)
    run = np.cumsum(np.r_[0, (steps > 0) if falls else (steps < 0)])
    ranks = stand_ins.astype(np.int64)
    return np.lexsort((np.arange(len(targets)), -ranks if falls else ranks, run))
