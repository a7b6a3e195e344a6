"""Fields that count packets: one step more in each, from each source, over all sources or towards each target.

Steps are taken between consecutive packets modulo the field's width. Lost packets make single steps longer, so all
small steps in one direction count; a field whose bytes are swapped is tried in the other order too.
"""

from __future__ import annotations

from math import log10
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from craftmark.marks.base import Toolmark
from craftmark.marks.chance import LOG10_2, STATED_AT, at_least
from craftmark.marks.sequences import column, followed, groups, neighbours, showing, shown
from craftmark.packets.fields import FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from craftmark.evidence.dossier import Dossier
    from craftmark.marks.sequences import Key
    from craftmark.packets.batch import PacketBatch

#: Fields of 16 or 32 bits that stacks and tools use as counters.
_COUNTING: Final = (
    "ip_id", "tcp_sport", "udp_sport", "sctp_sport", "tcp_seq", "tcp_ack", "icmp_id", "icmp_seq", "icmp6_id",
    "icmp6_seq", "sctp_vtag",
)  # fmt: skip
#: A small step is below this share of the field's range: 2,048 of 16 bits, 4 million of 32.
_SMALL: Final = {16: 1 / 32, 32: 1 / 1024}
#: Share of the steps that must be small and in one direction.
_NEARLY_ALL: Final = 0.9
_FEWEST_PACKETS: Final = 4
#: Ways tried for each field: levels, directions, byte orders.
_WAYS: Final = 12

_LEVELS: Final[tuple[tuple[tuple[Key, ...], str], ...]] = (
    (("source",), ", from each source"),
    ((), ", over all sources"),
    (("source", "target"), ", towards each target"),
)


class _Count(NamedTuple):
    """One way in which a field counts: small steps among all, those exactly ``step``, and its chance."""

    chance: float
    exact: float
    step: int
    longest: int
    small: int
    steps: int
    level: int
    is_swapped: bool


def infer(dossier: Dossier) -> list[Toolmark]:
    """Return a mark for each field that counts."""
    marks = []
    for name in _COUNTING:
        evidence = dossier.field(name)
        if evidence is not None and evidence.constant is None and evidence.seen >= _FEWEST_PACKETS:
            marks += _counter(dossier, name)
    return marks


def _counter(dossier: Dossier, name: str) -> list[Toolmark]:
    packets = followed(showing(dossier.consecutive, name))
    found = [count for count in _ways(packets, name) if count.chance <= STATED_AT]
    if not found:
        return []
    best = min(found, key=lambda c: (-round(c.exact, 2), abs(c.step), c.level, c.is_swapped))
    swapped = f"swap{FIELDS[name].bits}({name})" if best.is_swapped else name
    several = packets.words.size and (groups(packets, "source").any() or _LEVELS[best.level][0] == ("source", "target"))
    return [
        Toolmark(
            kind="counter",
            statement=f"{swapped} {_steps(best)} per packet{_LEVELS[best.level][1] if several else ''}",
            fields=(name,),
            held=len(packets) - (best.steps - best.small),
            seen=len(packets),
            log10_chance=best.chance,
            level="class",
            name="little-endian counter" if best.is_swapped else "counter",
            values=(best.step,),
            sampled=len(packets) < dossier.probes,
            packets=shown(packets),
        )
    ]


def _steps(count: _Count) -> str:
    verb = "rises" if count.step > 0 else "falls"
    if count.exact >= 0.5:
        return f"{verb} by {abs(count.step)}"
    return f"{verb} by {abs(count.step)} to {abs(count.longest)}"


def _ways(packets: PacketBatch, name: str) -> Iterator[_Count]:
    bits = FIELDS[name].bits
    values = column(packets, name)
    orders = (values, values.astype(f"<u{bits // 8}").byteswap().astype(np.int64))
    several = bool(groups(packets, "source").any())
    for level, (keys, _) in enumerate(_LEVELS):
        number = groups(packets, *keys)
        if (level == 1 and not several) or (level == 2 and not groups(packets, "target").any()):
            continue
        for order, stream in enumerate(orders):
            earlier, later = neighbours(stream, number)
            count = _count((later - earlier) % (1 << bits), bits)
            if count is not None:
                yield count._replace(level=level, is_swapped=bool(order))


def _count(steps: NDArray[np.int64], bits: int) -> _Count | None:
    moving = steps[steps != 0]
    if len(moving) < _FEWEST_PACKETS - 1 or len(moving) < len(steps) / 2:
        return None
    if np.count_nonzero(moving >= 1 << (bits - 1)) > len(moving) / 2:
        inner = _count((1 << bits) - moving, bits) if np.count_nonzero(moving == 1 << (bits - 1)) == 0 else None
        return None if inner is None else inner._replace(step=-inner.step, longest=-inner.longest)
    small = moving[moving < (1 << bits) * _SMALL[bits]]
    if len(small) < _NEARLY_ALL * len(moving):
        return None
    sizes, counts = np.unique(small, return_counts=True)
    usual = int(counts.argmax())
    exact = int(counts[usual])
    chance = min(
        at_least(len(moving), len(small), _SMALL[bits]),
        at_least(len(moving), exact, 2.0**-bits) + bits * LOG10_2,
    )
    step = int(sizes[usual]) if exact >= len(moving) / 2 else int(sizes[0])
    return _Count(
        chance=min(0.0, chance + log10(_WAYS)),
        exact=exact / len(moving),
        step=step,
        longest=int(sizes[-1]),
        small=len(small),
        steps=len(moving),
        level=0,
        is_swapped=False,
    )
