"""What happens when the same target and port are probed again, and values that belong to a target or a source.

Repeats are counted only where every probe is at hand: a sample cannot tell how often a target was probed.
"""

from __future__ import annotations

from math import exp, expm1
from typing import TYPE_CHECKING, Final

import numpy as np

from craftmark.marks.base import Level, Toolmark
from craftmark.marks.chance import FREE, LOG10_2, STATED_AT, at_least
from craftmark.marks.sequences import column, followed, groups, has_ports, neighbours, showing, shown
from craftmark.marks.wording import counted, listed
from craftmark.packets.fields import FIELDS, fields_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from craftmark.evidence.dossier import Dossier
    from craftmark.marks.sequences import Key
    from craftmark.packets.batch import PacketBatch

#: Keys a value can belong to, the coarsest first, with the name of the mark and its words.
_OWNERS: Final[tuple[tuple[tuple[Key, ...], str, str], ...]] = (
    (("source",), "per-source", "one value per source"),
    (("target",), "per-target", "one value per target"),
    (("source", "target"), "per-pair", "one value per source and target"),
    (("target", "port"), "per-target-port", "the same again for the same target and port"),
    (("source", "target", "port"), "per-probe", "the same again for the same source, target and port"),
)
_NEARLY_ALL: Final = 0.95
_MOST: Final = 0.9
_PLURAL: Final = {"port": "ports", "target": "targets", "target and port": "target ports"}
#: A step of a wide field that is rather a change of bits.
_WIDE_STEP: Final = 1 << 16
#: Sources up to which "from all of them" is looked for.
_SOURCES_LOOKED_AT: Final = 64


def infer(dossier: Dossier) -> list[Toolmark]:
    """Return how often targets are probed, by how many sources, and which values belong to what."""
    packets = followed(dossier.sample)
    if has_ports(dossier):
        packets = showing(packets, str(dossier.port_field))
    if len(packets) < 3:
        return []
    marks = []
    if not dossier.sampled and len(packets) == dossier.probes:
        marks = _times(dossier, packets) + _every_source(dossier, packets) + _steps(dossier, packets)
    return marks + _owners(dossier, packets)


def _one(dossier: Dossier) -> str:
    if not has_ports(dossier) or dossier.ports_total == 1:
        return "target"
    return "port" if dossier.targets_total == 1 else "target and port"


def _keys(dossier: Dossier, *more: Key) -> tuple[Key, ...]:
    return (*more, "target", "port") if has_ports(dossier) else (*more, "target")


def _times(dossier: Dossier, packets: PacketBatch) -> list[Toolmark]:
    counts = np.bincount(groups(packets, *_keys(dossier, "source")))
    again = int((counts > 1).sum())
    is_one_spot = dossier.targets_total == 1 and (not has_ports(dossier) or dossier.ports_total == 1)
    if not again or is_one_spot or _as_drawn(dossier, counts):
        return []
    low, high = int(counts.min()), int(counts.max())
    whose = ", from the same source" if dossier.sources_total > 1 else ""
    if again < _MOST * len(counts):
        text = f"{again:,} of {len(counts):,} {_PLURAL[_one(dossier)]} probed again{whose}"
        return [_mark(packets, text, "retries", held=again, seen=len(counts), values=(again, high))]
    often = str(high) if low == high else f"{low} to {high}"
    text = f"each {_one(dossier)} is probed {often} times{whose}"
    held = int(counts[counts > 1].sum())
    return [_mark(packets, text, "each", held=held, seen=len(packets), values=(low, high) if low < high else (low,))]


def _as_drawn(dossier: Dossier, counts: NDArray[np.int64]) -> bool:
    """Tell whether targets are hit as often as random draws from the probed range would hit them (Poisson)."""
    room = float(max(1, dossier.sources_total))
    for name in ("ip_dst", dossier.port_field):
        evidence = dossier.field(name) if name else None
        if evidence is not None:
            room *= evidence.maximum - evidence.minimum + 1
    mean = float(counts.sum()) / room
    expected = -expm1(-mean) - mean * exp(-mean)
    dispersion = (float((counts**2).sum()) / room - mean**2) / mean
    again = int((counts > 1).sum())
    return expected * room / 3 <= again <= 3 * expected * room + 3 and 0.5 < dispersion < 2


def _every_source(dossier: Dossier, packets: PacketBatch) -> list[Toolmark]:
    if not 2 <= dossier.sources_total <= _SOURCES_LOOKED_AT:
        return []
    what = groups(packets, *_keys(dossier))
    pairs = np.unique(np.stack([what, groups(packets, "source")]), axis=1)
    complete = np.bincount(pairs[0]) == dossier.sources_total
    held = int(complete[what].sum())
    if len(complete) < 2 or held < _MOST * len(packets):
        return []
    text = f"each {_one(dossier)} is probed from all {counted(dossier.sources_total, 'source')}"
    return [_mark(packets, text, "every-source", held=held, seen=len(packets), values=(dossier.sources_total,))]


def _varying(dossier: Dossier) -> list[str]:
    names = [field.name for field in fields_of(dossier.protocol) if field.name in FREE]
    evidences = [dossier.field(name) for name in names]
    return [one.name for one in evidences if one is not None and one.constant is None and one.seen == dossier.probes]


def _steps(dossier: Dossier, packets: PacketBatch) -> list[Toolmark]:
    """Find fields that change by the same step, or the same bits, at each repeat."""
    number = groups(packets, *_keys(dossier, "source"))
    if int(number.max()) + 1 > len(packets) * _MOST or not number.any():
        return []
    marks = []
    for name in _varying(dossier):
        bits = FIELDS[name].bits
        earlier, later = neighbours(column(packets, name), number)
        ways = [((later - earlier) % (1 << bits), "rises by {}"), (later ^ earlier, "changes by xor 0x{:X}")]
        if bits == 32 and _usual(ways[0][0])[0] >= _WIDE_STEP:
            ways.reverse()
        for steps, words in ways:
            step, held = _usual(steps)
            chance = at_least(len(steps), held, 2.0**-bits) + bits * LOG10_2
            if step and held >= _MOST * len(steps) and chance <= STATED_AT:
                text = f"{name} {words.format(step)} at each repeat"
                marks.append(
                    _mark(
                        packets,
                        text,
                        "retry-step",
                        held=held,
                        seen=len(steps),
                        values=(step,),
                        fields=(name,),
                        chance=chance,
                    )
                )
                break
    return marks


def _usual(steps: NDArray[np.int64]) -> tuple[int, int]:
    sizes, counts = np.unique(steps, return_counts=True)
    return (int(sizes[counts.argmax()]), int(counts.max())) if len(sizes) else (0, 0)


def _owners(dossier: Dossier, packets: PacketBatch) -> list[Toolmark]:
    """Find values that are the same whenever the source, the target or the target's port is."""
    names, marks = _varying(dossier), []
    for keys, name, words in _OWNERS:
        if "port" in keys and not has_ports(dossier):
            continue
        number = groups(packets, *keys)
        count = int(number.max()) + 1
        if count < 2 or count == len(packets):
            continue
        found = {field: owned for field in names if (owned := _owned(packets, field, number))}
        names = [field for field in names if field not in found]
        if found:
            held = min(owned[0] for owned in found.values())
            text = f"{listed(list(found))} {'is' if len(found) == 1 else 'are'} {words}"
            chance = max(owned[1] for owned in found.values())
            marks.append(
                _mark(
                    packets, text, name, held=held + count, seen=len(packets), fields=tuple(found), chance=chance,
                    sampled=len(packets) < dossier.probes,
                )
            )  # fmt: skip
    return marks


def _owned(packets: PacketBatch, name: str, number: NDArray[np.intp]) -> tuple[int, float] | None:
    """Return in how many repeats the value of a group came again and the chance of it, None if it does not."""
    values = column(packets, name)
    first = np.unique(number, return_index=True)[1]
    tries = len(values) - len(first)
    held = int((values == values[first][number]).sum()) - len(first)
    commonest = np.unique(values, return_counts=True)[1].max() / len(values)
    chance = at_least(tries, held, max(float(commonest), 2.0 ** -FIELDS[name].bits))
    return (held, chance) if held >= _NEARLY_ALL * tries and chance <= STATED_AT else None


def _mark(  # noqa: PLR0913 - what a mark consists of
    packets: PacketBatch,
    statement: str,
    name: str,
    *,
    held: int,
    seen: int,
    values: tuple[int, ...] = (),
    fields: tuple[str, ...] = ("ip_dst",),
    chance: float = 0.0,
    sampled: bool = False,
) -> Toolmark:
    level: Level = "class" if chance < 0 else "subclass"
    return Toolmark(
        kind="repeat",
        statement=statement,
        fields=fields,
        held=held,
        seen=seen,
        log10_chance=min(0.0, chance),
        level=level,
        name=name,
        values=values,
        sampled=sampled,
        packets=shown(packets),
    )
