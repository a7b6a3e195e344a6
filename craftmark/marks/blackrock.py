"""Recovers the seed of a scan shuffled by blackrock, from the order of its targets: recipes of kind "blackrock".

Under the right seed every target goes back to an index, and the indices rise with time, by one or, in a shard, by the
number of shards. What a recipe says: ``rounds`` of its versions, the ``table`` of substitutes in hexadecimal, how many
``seeds`` from 0 are tried, whether the index counts ``inner`` the targets or the ports first, and ``likely``, a
predicate of the tool's probes. Lists of targets are taken to be one prefix, the smallest or larger.
"""

from __future__ import annotations

from math import gcd, log10
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from craftmark.kernels.blackrock import Shuffle, shuffle_of, unshuffle
from craftmark.marks.base import Recovered, Toolmark
from craftmark.marks.chance import STATED_AT, log10_factorial
from craftmark.marks.sequences import column, shown, sources_at_one_walk
from craftmark.marks.target_lists import each_target
from craftmark.packets.expressions import parse
from craftmark.packets.fields import DPORT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from craftmark.evidence.dossier import Dossier
    from craftmark.marks.base import Recipe
    from craftmark.packets.batch import PacketBatch

    Numbers = NDArray[np.int64]

#: Packets a seed is fitted to, at least and at most; the others check it.
_FEWEST: Final = 6
_FITTED: Final = 16
_CHECKED: Final = 2048
#: Prefixes tried, from the smallest.
_PREFIXES: Final = 2
#: Ports from which a range is thought of.
_RANGE_FROM: Final = 16
#: Share of the probes that must look like the tool's.
_NEARLY_ALL: Final = 0.9
#: Rows by which a packet may be out of order.
_ASTRAY: Final = 32


class _Guess(NamedTuple):
    """A shuffle with the number that each packet's target has in it."""

    shuffle: Shuffle
    numbers: Numbers


class _Order(NamedTuple):
    """A seed under which the packets rise."""

    seed: int
    guess: _Guess
    log10_chance: float


def solve(dossier: Dossier, recipe: Recipe) -> list[Toolmark]:
    """Return the order of the scan's targets and its seed, if a small one explains it beyond chance."""
    packets = each_target(dossier, _FEWEST, or_port=True)
    if packets is None or parse(str(recipe.details["likely"])).select(dossier.sample).mean() < _NEARLY_ALL:
        return []
    packets = packets.take(slice(0, _CHECKED))
    seeds = np.arange(int(str(recipe.details["seeds"])), dtype=np.uint64)
    for tried, guess in enumerate(_guesses(packets, recipe.details), 1):
        found = _rising(guess, seeds, tried)
        if found is not None:
            return [_mark(dossier, packets, found, f"{recipe.tool}/{recipe.id}")]
    return []


def _guesses(packets: PacketBatch, details: Mapping[str, Any]) -> Iterator[_Guess]:
    """Yield what the shuffled range may be: prefixes that hold all targets, times the ports."""
    targets, dports = column(packets, "ip_dst"), packets.words[:, DPORT].astype(np.int64)
    bits = (int(targets.min()) ^ int(targets.max())).bit_length()
    for ports in _ports(np.unique(dports)):
        place = np.searchsorted(ports, dports)
        for size in (1 << more for more in range(bits, min(bits + _PREFIXES, 33))):
            index = targets % size
            number = index + size * place if details["inner"] == "targets" else index * len(ports) + place
            for rounds in details["rounds"]:
                yield _Guess(shuffle_of(size * len(ports), int(rounds), bytes.fromhex(details["table"])), number)


def _ports(seen: Numbers) -> Iterator[Numbers]:
    """Yield the ports that may have been asked for: those seen, or the range they are from."""
    yield seen
    if len(seen) > _RANGE_FROM:
        first, last = int(seen[0]), int(seen[-1])
        for low, high in {(first, last): 0, (1, 65535): 0, (0, 65535): 0}:
            if high - low + 1 > len(seen):
                yield np.arange(low, high + 1)


def _rising(guess: _Guess, seeds: NDArray[np.uint64], tried: int) -> _Order | None:
    """Return the smallest seed that makes the first packets rise beyond chance, of all that were tried."""
    numbers, size = guess.numbers[:_FITTED].astype(np.uint64), guess.shuffle.size
    first = unshuffle(guess.shuffle, np.full(len(seeds), numbers[0]), seeds)
    away = np.zeros(len(seeds), np.int64)
    for number in numbers[1:]:
        place = unshuffle(guess.shuffle, np.full(len(seeds), number), seeds)
        further = (place - first) % size
        rising = (further > away) & (place >= 0) & (first >= 0)
        seeds, first, away = seeds[rising], first[rising], further[rising]
    count = len(numbers) - 1
    for seed, span in zip(seeds.tolist(), away.tolist(), strict=True):
        chance = count * log10((span + 1) / size) - log10_factorial(count) + log10(tried * (seed + 1))
        if chance <= STATED_AT:
            return _Order(int(seed), guess, min(0.0, chance))
    return None


def _mark(dossier: Dossier, packets: PacketBatch, found: _Order, name: str) -> Toolmark:
    guess = found.guess
    seeds = np.full(len(guess.numbers), found.seed, np.uint64)
    found_at = unshuffle(guess.shuffle, guess.numbers.astype(np.uint64), seeds)
    places = (found_at - found_at[0]) % guess.shuffle.size
    astray = np.abs(np.argsort(np.argsort(places, kind="stable"), kind="stable") - np.arange(len(places)))
    held = (astray <= _ASTRAY) & (found_at >= 0)
    step = gcd(*(int(one) for one in np.unique(np.diff(np.sort(places[held]))))) or 1
    return Toolmark(
        kind="order",
        statement=_statement(found, step),
        fields=("ip_dst",),
        held=int(held.sum()),
        seen=len(places),
        log10_chance=found.log10_chance,
        level="individual",
        name=name,
        values=(found.seed, guess.shuffle.rounds),
        sampled=len(places) < dossier.probes,
        packets=shown(packets),
        recovered=tuple(_recovered(found, step, int(found_at[0]), _rate(dossier, packets, places // step, held), held)),
        one_stream=sources_at_one_walk(packets.take(held), places[held]),
    )


def _statement(found: _Order, step: int) -> str:
    shuffle = found.guess.shuffle
    every = f"by {step:,} " if step > 1 else ""
    how = f"in {shuffle.rounds} rounds over {shuffle.size:,}, seed {found.seed}"
    return f"targets rise {every}as shuffled by blackrock {how}"


def _recovered(
    found: _Order, step: int, first: int, rate: float | None, held: NDArray[np.bool_]
) -> Iterator[Recovered]:
    checked = int(held[_FITTED:].sum()) + max(0, min(_FITTED, len(held)) - 2)
    sure = 1.0 - 10.0**found.log10_chance
    yield Recovered("seed", found.seed, sure, checked)
    yield Recovered("position", first, sure, checked)
    yield Recovered("target_count", found.guess.shuffle.size, 0.95 * sure, checked)
    if step > 1:
        yield Recovered("shards", step, 0.9 * sure, checked)
    if rate is not None:
        yield Recovered("rate_pps", round(rate, 1), 0.8 * sure, 0)


def _rate(dossier: Dossier, packets: PacketBatch, places: Numbers, held: NDArray[np.bool_]) -> float | None:
    """Return indices a second between the first packet and the last in order, None without a clock."""
    rows = np.flatnonzero(held)
    seconds = float(packets.ts_ns[rows[-1]] - packets.ts_ns[rows[0]]) / 1e9
    return float(places[rows[-1]] - places[rows[0]]) / seconds if dossier.has_time and seconds > 0 else None
