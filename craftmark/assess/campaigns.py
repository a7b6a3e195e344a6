"""Campaigns: different scans whose senders chose the same values, so that one operator or one code is behind them.

A value counts if it is the same in all probes of both scans, if nobody sends it by habit, and if no rule knows it as
some tool's own: two users of one tool are no campaign. The walk over targets that a run drew counts like a value. Null:
each sender draws its values on its own. Scans that share targets out (``assess/splits.py``) are joined too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Final

from craftmark.assess.splits import splits
from craftmark.packets.fields import FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from craftmark.assess.base import Subject
    from craftmark.assess.splits import Split
    from craftmark.marks.base import Toolmark

#: Fields whose constant value a sender chose for its run or wrote into its code; the last is that of a known tool.
_CHOSEN: Final = ("ip_id", "tcp_sport", "udp_sport", "tcp_seq", "tcp_ack", "tcp_tsval", "icmp_id", "payload_hash")
#: Probes that must show the value.
_PROBES: Final = 5
#: Values of relations up to this are remainders, which chance shares.
_REMAINDER: Final = 255
#: Bits that two scans must share.
_BITS: Final = 32
#: Scans that may share one value before it is a habit that nobody has written down.
_HABIT: Final = 64

#: A field or relation, and its value.
Choice = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Campaign:
    """Scans of one operator or code: their ids, what they share, and log10 of the chance of sharing it."""

    scans: tuple[str, ...]
    statement: str
    log10_chance: float
    why: tuple[str, ...]


def assess_campaigns(subjects: Sequence[Subject], known: frozenset[Choice]) -> tuple[Campaign, ...]:
    """Return the campaigns among scans; ``known`` are values that rules list, of any tool. Pure."""
    choices = {subject.id: _choices(subject, known) for subject in subjects}
    shared = _shared(choices)
    shares = splits(subjects)
    leader = {subject.id: subject.id for subject in subjects}
    for (one, two), values in shared.items():
        if sum(values.values()) >= _BITS:
            _join(leader, one, two)
    for split in shares:
        for other in split.scans[1:]:
            _join(leader, split.scans[0], other)
    groups: dict[str, list[str]] = {}
    for subject in subjects:
        groups.setdefault(_root(leader, subject.id), []).append(subject.id)
    pairs = max(len(subjects) * (len(subjects) - 1) // 2, 1)
    return tuple(_campaign(group, choices, shares, pairs) for group in groups.values() if len(group) > 1)


def _choices(subject: Subject, known: frozenset[Choice]) -> dict[Choice, int]:
    """Return the chosen values of a scan with their bits."""
    found: dict[Choice, int] = {}
    main = subject.main
    is_known = subject.maker.tool is not None or subject.maker.kind == "stack"
    for name in _CHOSEN[: -1 if is_known else None]:
        evidence = main.field(name)
        value = None if evidence is None or evidence.seen < _PROBES else evidence.constant
        if value and (name, value) not in known:
            found[name, value] = FIELDS[name].bits
    for mark in subject.marks:
        if mark.kind == "order" and mark.level == "individual" and len(mark.values) == 2:
            found |= _order_drawn(mark)
    for relation in main.relations.values():
        if relation.value and relation.value > _REMAINDER and relation.seen >= _PROBES:
            found[relation.text, relation.value] = 32 if relation.value >> 16 else 16
    return found


def _shared(choices: Mapping[str, Mapping[Choice, int]]) -> dict[tuple[str, str], dict[Choice, int]]:
    """Return what each pair of scans shares, found by value so that strangers are never compared."""
    holders: dict[Choice, list[str]] = {}
    for scan, values in choices.items():
        for choice in values:
            holders.setdefault(choice, []).append(scan)
    shared: dict[tuple[str, str], dict[Choice, int]] = {}
    for choice, scans in holders.items():
        for pair in combinations(scans, 2) if len(scans) <= _HABIT else ():
            shared.setdefault(pair, {})[choice] = choices[pair[0]][choice]
    return shared


def _root(leader: dict[str, str], scan: str) -> str:
    while leader[scan] != scan:
        scan = leader[scan]
    return scan


def _join(leader: dict[str, str], one: str, two: str) -> None:
    leader[_root(leader, two)] = _root(leader, one)


def _order_drawn(mark: Toolmark) -> dict[Choice, int]:
    """Return the order of targets that a run drew: a step of a walk below the prime, or the seed of a shuffle."""
    first, second = mark.values
    if any(one.name == "prime" for one in mark.recovered):
        return {(f"walk over targets, modulo {first}", second): min(32, first.bit_length() - 1)}
    return {(f"shuffle of targets in {second} rounds, seed", first): min(32, first.bit_length())}


def _campaign(
    scans: Sequence[str], choices: Mapping[str, Mapping[Choice, int]], shares: Sequence[Split], pairs: int
) -> Campaign:
    common = set.intersection(*(set(choices[scan]) for scan in scans)) or _most_shared(scans, choices)
    inside = [split for split in shares if set(split.scans) <= set(scans)]
    bits = sum(choices[next(s for s in scans if choice in choices[s])][choice] for choice in common)
    of_values = min(0.0, math.log10(pairs) - bits * math.log10(2) * (len(scans) - 1))
    texts = tuple(f"{name} = {value:#x}" if value > 0xFFFF else f"{name} = {value}" for name, value in sorted(common))
    said = [f"carry values that one sender chose: {', '.join(texts)}"] if texts else []
    said += [split.why for split in inside if not texts or set(split.scans) == set(scans)]
    return Campaign(
        scans=tuple(scans),
        statement=f"{', '.join(scans)} {'; '.join(said)}",
        log10_chance=round(of_values + sum(split.log10_chance for split in inside), 3),
        why=(
            *(f"{text} in all probes that show it, and no known tool's own value" for text in texts),
            *(split.why for split in inside),
        ),
    )


def _most_shared(scans: Iterable[str], choices: Mapping[str, Mapping[Choice, int]]) -> set[Choice]:
    """Return the value that most scans of a chain share, where no value is in all; none where none is shared."""
    counts: dict[Choice, int] = {}
    for scan in scans:
        for choice in choices[scan]:
            counts[choice] = counts.get(choice, 0) + 1
    most = max(counts, key=lambda choice: (counts[choice], choice), default=None)
    return {most} if most is not None and counts[most] > 1 else set()
