"""The order in which ports and addresses are probed, from each source, and how the two are nested.

Sequences are followed where they show most: a source's ports at one target, else all its ports. A sampled dossier
keeps the order of its sample, so rising, falling and shuffled are told of it as well; its steps are not.
The ports that nmap sends first: nmap, portlist.cc, random_port_cheat.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from craftmark.marks.base import Toolmark
from craftmark.marks.chance import at_least, first_of, in_blocks
from craftmark.marks.progressions import (
    FEWEST,
    Progression,
    each_once,
    first_occurrences,
    progression,
)
from craftmark.marks.sequences import column, followed, groups, has_ports, showing, shown, split
from craftmark.marks.wording import counted, value_text
from craftmark.packets.fields import TCP

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from craftmark.evidence.dossier import Dossier
    from craftmark.marks.sequences import Key
    from craftmark.packets.batch import PacketBatch

POPULAR: Final = frozenset({
    80, 23, 443, 21, 22, 25, 3389, 110, 445, 139, 143, 53, 135, 3306, 8080, 1723, 111, 995, 993, 5900, 1025, 587, 8888,
    199, 1720, 113, 554, 256,
})  # fmt: skip

#: Sequences looked at per field; the longest first.
_SEQUENCES: Final = 16
#: Share of the sequences (by probes) that must go the same way.
_SAME_WAY: Final = 0.8
#: Chance from which orders found by a test with tolerance are told.
_TOLD_AT: Final = -4.0
#: Made-up sources are followed from this many on.
_SOURCES_FROM: Final = 8

_PORT_LEVELS: Final[tuple[tuple[Key, ...], ...]] = (("source", "target"), ("source",), ("target",), ())
_TARGET_LEVELS: Final[tuple[tuple[Key, ...], ...]] = (("source", "port"), ("source",), ("port",), ())


class _Followed(NamedTuple):
    """The sequences of one field at the level where they show most."""

    field: str
    keys: tuple[Key, ...]
    parts: list[NDArray[np.int64]]
    packets: PacketBatch


def infer(dossier: Dossier) -> list[Toolmark]:
    """Return the order of ports, of targets and of made-up sources, repeated passes, and the nesting."""
    if dossier.probes < FEWEST:
        return []
    marks: list[Toolmark] = []
    ports, targets = _ports(dossier), _targets(dossier)
    for sequences in (ports, targets, _sources(dossier)):
        if sequences is not None:
            marks += _popular_first(dossier, sequences) or _order(dossier, sequences)
            marks += _passes(dossier, sequences)
    return marks + _nesting(dossier)


def _ports(dossier: Dossier) -> _Followed | None:
    name = dossier.port_field
    if name is None or dossier.ports_total < FEWEST or not has_ports(dossier):
        return None
    return _followed(dossier, name, _PORT_LEVELS)


def _targets(dossier: Dossier) -> _Followed | None:
    if dossier.targets_total < FEWEST or dossier.field("ip_dst") is None:
        return None
    return _followed(dossier, "ip_dst", _TARGET_LEVELS)


def _sources(dossier: Dossier) -> _Followed | None:
    """Follow the sources themselves where each sends about one probe: a range of made-up addresses."""
    if dossier.sources_total < max(_SOURCES_FROM, dossier.probes // 2) or dossier.field("ip_src") is None:
        return None
    return _followed(dossier, "ip_src", ((),))


def _followed(dossier: Dossier, name: str, levels: tuple[tuple[Key, ...], ...]) -> _Followed | None:
    packets = followed(showing(dossier.sample, name))
    values = column(packets, name)
    for keys in levels:
        number = groups(packets, *keys)
        parts = [part for part in split(values, number, FEWEST) if len(np.unique(part)) >= FEWEST]
        if parts and sum(len(part) for part in parts) >= len(values) / 2:
            parts.sort(key=len, reverse=True)
            return _Followed(name, keys, parts[:_SEQUENCES], packets)
    return None


def _order(dossier: Dossier, sequences: _Followed) -> list[Toolmark]:
    """Return the order that nearly all sequences share."""
    ways: dict[str, list[Progression]] = defaultdict(list)
    for part in sequences.parts:
        way = progression(part)
        if way is not None:
            ways[way.name].append(way)
    if not ways:
        return []
    name, same = max(ways.items(), key=lambda item: sum(way.count for way in item[1]))
    total = sum(len(np.unique(part)) for part in sequences.parts)
    if sum(way.count for way in same) < _SAME_WAY * total:
        return []
    looked_at = sum(len(part) for part in sequences.parts)
    stray = sum(way.seen - way.held for way in same) + sum(way.count for way in _others(ways, name))
    chance = sum(way.log10_chance for way in same)
    if name == "shuffled" and not dossier.sampled:
        chance = sum(each_once(way.count, way.high - way.low + 1) for way in same if way.count == _length(sequences))
    return [
        Toolmark(
            kind="order",
            statement=_statement(dossier, sequences, same),
            fields=(sequences.field,),
            held=max(0, looked_at - stray),
            seen=looked_at,
            log10_chance=0.0 + min(0.0, chance),
            level="class" if name == "shuffled" else "subclass",
            name=name,
            values=_values(same),
            sampled=looked_at < dossier.probes,
            packets=shown(sequences.packets),
        )
    ]


def _others(ways: dict[str, list[Progression]], name: str) -> list[Progression]:
    return [way for other, members in ways.items() if other != name for way in members]


def _length(sequences: _Followed) -> int:
    return len(sequences.parts[0])


def _values(same: list[Progression]) -> tuple[int, ...]:
    way = same[0]
    return (way.step, way.modulus) if way.name == "stride" else (way.step,) if way.step else ()


def _statement(dossier: Dossier, sequences: _Followed, same: list[Progression]) -> str:
    way, name = same[0], sequences.field
    low, high = min(one.low for one in same), max(one.high for one in same)
    first, last = value_text(name, low), value_text(name, high)
    if name != (dossier.port_field or "") and dossier.ip_version == 6:
        first, last = f"...{low:x}", f"...{high:x}"
    is_one_step = all(one.step == way.step for one in same) and way.step and not dossier.sampled
    mostly = "" if all(one.is_even for one in same) else "mostly "
    step = f" {mostly}by {way.step}" if is_one_step else ""
    text = {
        "rising": f"rises{step} from {first} to {last}",
        "falling": f"falls{step} from {last} to {first}",
        "stride": f"steps by {way.step} modulo {way.modulus} within {first}..{last}",
        "shuffled": f"is shuffled over {first}..{last}",
    }[way.name]
    return f"{name} {text}{_whose(dossier, sequences)}"


def _whose(dossier: Dossier, sequences: _Followed) -> str:
    words = ""
    if "source" in sequences.keys and dossier.sources_total > 1:
        words += ", from each source"
    if "target" in sequences.keys and dossier.targets_total > 1:
        words += ", at each target"
    if "port" in sequences.keys and dossier.ports_total > 1:
        words += ", for each port"
    return words


def _popular_first(dossier: Dossier, sequences: _Followed) -> list[Toolmark]:
    """Find nmap's popular ports in front of the others, in one sequence at least."""
    if dossier.protocol != TCP or sequences.field != "tcp_dport":
        return []
    best = (0.0, 0, 0)
    for part in sequences.parts:
        path = first_occurrences(part).tolist()
        special = len(POPULAR.intersection(path))
        hits = len(POPULAR.intersection(path[:special]))
        if 0 < special < len(path):
            best = min(best, (first_of(len(path), special, hits), hits, special))
    chance, hits, special = best
    if chance > _TOLD_AT:
        return []
    return [
        Toolmark(
            kind="order",
            statement=f"tcp_dport begins with {hits} of the {special} popular ports{_whose(dossier, sequences)}",
            fields=("tcp_dport",),
            held=hits,
            seen=special,
            log10_chance=chance,
            level="subclass",
            name="popular-first",
            values=(hits, special),
            sampled=dossier.sampled,
            packets=shown(sequences.packets),
        )
    ]


def _passes(dossier: Dossier, sequences: _Followed) -> list[Toolmark]:
    """Find the same order sent again and again."""
    if dossier.sampled:
        return []
    held = tries = fewest = 0
    chance = 0.0
    for part in sequences.parts:
        period = len(np.unique(part))
        again = part[period:] == part[:-period]
        if len(again) < period:
            continue
        held, tries = held + int(again.sum()), tries + len(again)
        chance += at_least(len(again), int(again.sum()), 1 / period)
        fewest = min(fewest or len(part), len(part) // period)
    if not tries or held < 0.9 * tries or chance > _TOLD_AT:
        return []
    return [
        Toolmark(
            kind="order",
            statement=f"{sequences.field} goes through the same order {counted(fewest, 'time')}",
            fields=(sequences.field,),
            held=held,
            seen=tries,
            log10_chance=chance,
            level="subclass",
            name="passes",
            values=(fewest,),
            sampled=tries < dossier.probes - sum(len(np.unique(part)) for part in sequences.parts),
            packets=shown(sequences.packets),
        )
    ]


def _nesting(dossier: Dossier) -> list[Toolmark]:
    """Tell whether targets are done one after the other, or ports."""
    if dossier.targets_total < 2 or dossier.ports_total < 2 or not has_ports(dossier):
        return []
    packets = followed(showing(dossier.sample, str(dossier.port_field)))
    sources = groups(packets, "source")
    for key, text in (
        ("target", "all ports of a target before the next"),
        ("port", "all targets of a port before the next"),
    ):
        sequences = split(groups(packets, "target" if key == "target" else "port").astype(np.int64), sources)
        changes = extra = 0
        chance = 0.0
        for part in sequences:
            sizes = np.unique(part, return_counts=True)[1].tolist()
            turns = int(np.count_nonzero(np.diff(part)))
            changes, extra = changes + turns, extra + turns - (len(sizes) - 1)
            chance += in_blocks(sizes, turns)
        if chance > _TOLD_AT or extra > 0.05 * len(packets):
            continue
        return [
            Toolmark(
                kind="order",
                statement=text,
                fields=("ip_dst", str(dossier.port_field)),
                held=len(packets) - extra,
                seen=len(packets),
                log10_chance=chance,
                level="subclass",
                name=f"{key}-by-{key}",
                sampled=len(packets) < dossier.probes,
                packets=shown(packets),
            )
        ]
    return []
