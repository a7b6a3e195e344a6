"""When probes were sent: how many in how long, at regular gaps, or in bursts. Silent where the input has no times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from craftmark.marks.base import Toolmark
from craftmark.marks.chance import STATED_AT, at_least
from craftmark.marks.sequences import followed, groups, shown
from craftmark.marks.wording import counted, duration_text
from craftmark.packets.fields import NOTE_NO_TIME, NOTES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from craftmark.evidence.dossier import Dossier
    from craftmark.packets.batch import PacketBatch

_NS: Final = 1_000_000_000
#: Probes from which a rate is told, and gaps from which their pattern is.
_RATE_FROM: Final = 3
_GAPS_FROM: Final = 12
#: Gaps within a tenth of the median count as regular; of exponential gaps 7 % would.
_NEAR: Final = 0.1
_NEAR_BY_CHANCE: Final = 2**-0.9 - 2**-1.1
_REGULAR_SHARE: Final = 0.8
#: Gaps shorter than so many ticks of the clock show the clock, not the sender.
_TICKS: Final = 10
#: A pause is this many times the median gap; bursts are told from so many on.
_PAUSE: Final = 10
_BURSTS_FROM: Final = 6


def infer(dossier: Dossier) -> list[Toolmark]:
    """Return the rate, and the pacing: bursts of one size, else regular gaps."""
    if not dossier.has_time or dossier.probes < _RATE_FROM:
        return []
    return _rate(dossier) + _pacing(dossier)


def rate_text(probes: int, duration_ns: int) -> str:
    """Return a rate in words: packets per second, or the time between packets where they are rare."""
    if probes * _NS >= 10 * duration_ns:
        return f"{round(probes * _NS / duration_ns):,} per second"
    if probes * _NS >= duration_ns:
        return f"{probes * _NS / duration_ns:.1f} per second"
    return f"one every {duration_text(duration_ns // probes)}"


def _rate(dossier: Dossier) -> list[Toolmark]:
    duration = dossier.last_ns - dossier.first_ns
    if duration <= 0:
        return []
    text = f"{counted(dossier.probes, 'probe')} in {duration_text(duration)}, {rate_text(dossier.probes, duration)}"
    return [
        Toolmark(
            kind="timing",
            statement=text,
            fields=("ts_ns",),
            held=dossier.probes,
            seen=dossier.probes,
            log10_chance=0.0,
            level="class",
            name="rate",
            values=(dossier.probes, duration),
            packets=shown(dossier.sample),
        )
    ]


def _pacing(dossier: Dossier) -> list[Toolmark]:
    """Find the pacing over all sources together, else from each source."""
    packets = followed(dossier.consecutive)
    packets = packets.take((packets.words[:, NOTES] & NOTE_NO_TIME) == 0)
    whole = _pattern(dossier, packets, packets.ts_ns, "")
    if whole or not len(packets) or not groups(packets, "source").any():
        return whole
    number = groups(packets, "source")
    largest = packets.ts_ns[number == np.bincount(number).argmax()]
    return _pattern(dossier, packets, largest, ", from one source")


def _pattern(dossier: Dossier, packets: PacketBatch, times: NDArray[np.int64], whose: str) -> list[Toolmark]:
    gaps = np.diff(times)
    gaps = gaps[gaps >= 0]
    if len(gaps) < _GAPS_FROM or _is_clock_tick(times):
        return []
    found = _bursts(gaps) or _regular(gaps)
    if found is None:
        return []
    name, text, value, held, chance = found
    return [
        Toolmark(
            kind="timing",
            statement=text + whose,
            fields=("ts_ns",),
            held=held,
            seen=len(gaps),
            log10_chance=chance,
            level="subclass",
            name=name,
            values=(value,),
            sampled=len(times) < dossier.probes,
            packets=shown(packets),
        )
    ]


def _is_clock_tick(times: NDArray[np.int64]) -> bool:
    """Tell whether the gaps show the clock's own resolution: the largest power of ten ns that divides all times."""
    tick = _NS
    while tick > 1 and (times % tick).any():
        tick //= 10
    return int(np.median(np.diff(times))) < _TICKS * tick


_Found = tuple[str, str, int, int, float]


def _regular(gaps: NDArray[np.int64]) -> _Found | None:
    median = int(np.median(gaps))
    held = int((np.abs(gaps - median) < _NEAR * median).sum())
    chance = at_least(len(gaps), held, _NEAR_BY_CHANCE)
    if held < _REGULAR_SHARE * len(gaps) or chance > STATED_AT:
        return None
    return "regular", f"regular gaps of {duration_text(median)}", median, held, chance


def _bursts(gaps: NDArray[np.int64]) -> _Found | None:
    """Find pauses far longer than the gaps between them, after the same number of packets each time."""
    short = np.sort(gaps)[: max(1, len(gaps) // 2)]
    pauses = np.flatnonzero(gaps > _PAUSE * max(1, int(np.median(short))))
    if len(pauses) < _BURSTS_FROM:
        return None
    sizes = np.diff(pauses)
    size = int(np.bincount(sizes).argmax())
    held = int((sizes == size).sum())
    by_chance = 0.25 if size < 2 else (1 / size) * (1 - 1 / size) ** (size - 1)
    chance = at_least(len(sizes), held, by_chance)
    if size < 2 or held < _REGULAR_SHARE * len(sizes) or chance > STATED_AT:
        return None
    return "bursts", f"bursts of {size} packets", size, held * size, chance
