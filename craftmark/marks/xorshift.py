"""Targets and IP IDs that are outputs of one xorshift generator: its state, and the clock and processes that seeded it.

Each process of the sender has a generator of its own, told by the fields that it draws once. Of each of the largest
few, four probes in a row are enough whatever seeded it; where probes are missing between, one of the first is, if the
process started within a day and sent not too much before. The state found is run on, and the other probes are looked up
in it: the IP ID that stands before each target there was not fitted on, and is counted.

A recipe of kind ``xorshift128`` says ``same`` (two fields that are equal in such probes: nothing else is looked at),
``first`` (what is drawn once, before any probe), ``draws`` (a field of 16 bits, then the target), ``native`` (fields
written in the sender's byte order), ``outputs_a_probe`` (mean, since targets that are left alone are drawn again).
Cost of one scan: 50 ms where four probes in a row are seen; else 0.5 s for each of four processes, and once 2 s from
30 probes on, 15 s from 1,000 on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import log10
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from craftmark.kernels.xorshift import jumped, outputs
from craftmark.marks import seeds
from craftmark.marks.base import Recovered, Toolmark
from craftmark.marks.chance import LOG10_2, STATED_AT, at_least
from craftmark.marks.draws import draws_of, is_about, showing, words_of
from craftmark.marks.sequences import followed, shown
from craftmark.marks.wording import counted, listed
from craftmark.marks.xorshift_fits import AGAIN, CLOCK_BITS, IN_A_ROW, PROCESS_BITS, Seed, in_a_row, one_probe, seeded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from craftmark.evidence.dossier import Dossier
    from craftmark.kernels.xorshift import Words
    from craftmark.marks.base import Recipe
    from craftmark.packets.batch import PacketBatch

    Ints = NDArray[np.int64]

ORDERS: Final = ("little-endian", "big-endian")
#: Processes of one scan whose state is looked for.
PROCESSES: Final = 4
#: Probes in a row follow each other within this time: the sender has a burst a second.
_ROW_NS: Final = 2_000_000_000
#: Places in the sample at which four probes in a row are looked for.
_ROWS_TRIED: Final = 16
#: Outputs before probes in a row among which the seed is looked for: half a day of the sender's work.
_BACK: Final = 1 << 24
#: Where no probes are in a row a process is looked for this long back, and so many outputs far, by its probes seen.
_DAY_S: Final = 86_400
_FAR: Final = ((1000, 10_000_000), (30, 1 << 20), (1, 1 << 18))
#: A pace is told from this time on: within a burst it is another.
_PACED_NS: Final = 10_000_000_000
#: Expected number of chance solutions below which one probe alone is told.
_ALONE: Final = 0.01
#: Outputs that a sender draws a second at most, and outputs looked up at most.
_RATE: Final = 400
_MOST_OUTPUTS: Final = 1 << 22
_M32: Final = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Process:
    """Probes of one process in time order, as the generator's outputs would be.

    once: what it drew once, by position. reach: outputs tried where no probes are in a row.
    """

    packets: PacketBatch
    order: str
    halves: Ints
    wholes: Ints
    once: tuple[tuple[int, int], ...]
    reach: int

    def probe(self, row: int) -> tuple[int, int]:
        """Return one probe's outputs."""
        return int(self.halves[row]), int(self.wholes[row])


@dataclass(frozen=True, slots=True)
class Fit:
    """A state that explains one or more probes: it is the one before ``row``; its seed lies ``drawn`` outputs before.

    log10_chance: of random fields having such a state. solutions: states that would do.
    """

    state: Words
    row: int
    fitted: int
    seed: Seed | None
    drawn: int
    log10_chance: float
    solutions: int = 1

    @property
    def values(self) -> tuple[int, ...]:
        """The seed, else the state."""
        seed = self.seed
        return (seed.second, seed.process, seed.clock) if seed else tuple(int(word) for word in self.state)


@dataclass(frozen=True, slots=True)
class Located:
    """Which probes stand in the stream: rows, and how many outputs after the fitted state their target is."""

    rows: NDArray[np.intp]
    positions: Ints
    outputs: int


def solve(dossier: Dossier, recipe: Recipe) -> list[Toolmark]:
    """Return a mark for each process whose generator's state is recovered, the one with the most probes first."""
    one, other = words_of(recipe, "same", ("", ""))
    evidences = dossier.field(one), dossier.field(other)
    if not is_about(recipe, dossier) or not dossier.has_time or None in evidences or dossier.ip_version != 4:
        return []
    head = dossier.sample.take(slice(0, 16))
    if 2 * int((head.column(one) == head.column(other)).sum()) < len(head):
        return []
    packets = followed(showing(dossier.consecutive, draws_of(recipe, "draws")))
    packets = packets.take(packets.column(one) == packets.column(other))
    groups, is_rewritten = _groups(packets, recipe)
    marks = []
    for place, rows in enumerate(groups[:PROCESSES]):
        reach = next(reach for fewest, reach in _FAR if len(rows) >= fewest) if not place else _FAR[-1][1]
        ways = [*_in_orders(packets.take(rows), recipe, reach, is_rewritten=is_rewritten)]
        tries = ((way, fit(way)) for fit in (_by_row, _by_one) for way in ways)
        found = next(((way, fit) for way, fit in tries if fit is not None), None)
        if found is not None:
            marks.append(_mark(dossier, recipe, *found, len(groups)))
    return marks


def _groups(packets: PacketBatch, recipe: Recipe) -> tuple[list[NDArray[np.intp]], bool]:
    """Return the rows of each process, the largest first, and whether its port was rewritten on the way.

    A process draws some fields once. Where one of them varies like chance, a translator drew it: it tells nothing.
    """
    named = [draw.field for draw in draws_of(recipe, "first") if draw.field]
    columns = {name: packets.column(name).astype(np.int64) for name in named}
    told = [name for name in named if 2 * len(np.unique(columns[name])) <= len(packets) or len(packets) < IN_A_ROW]
    key = np.zeros(len(packets), np.int64)
    for name in told:
        key = key << 16 | columns[name]
    values, counts = np.unique(key, return_counts=True)
    largest = values[np.argsort(-counts, kind="stable")]
    return [np.flatnonzero(key == value) for value in largest[: PROCESSES * 4]], len(told) < len(named)


def _in_orders(packets: PacketBatch, recipe: Recipe, reach: int, *, is_rewritten: bool) -> Iterator[Process]:
    """Yield a process as it would be for each byte order of its processor."""
    half, whole = (draw.field for draw in draws_of(recipe, "draws"))
    native = words_of(recipe, "native", ())
    for order in ORDERS:

        def column(name: str, order: str = order) -> Ints:
            values: NDArray[Any] = packets.column(name)
            if name not in native:
                values = values.astype(np.uint32).byteswap()
            elif order == ORDERS[0]:
                values = values.astype(np.uint16).byteswap()
            return values.astype(np.int64)

        once = [(place, draw.field) for place, draw in enumerate(draws_of(recipe, "first")) if draw.field]
        values = () if is_rewritten else tuple((place, int(column(name)[0])) for place, name in once)
        yield Process(packets, order, column(half), column(whole), values, reach)


def _by_row(process: Process) -> Fit | None:
    """Fit the state on probes in a row."""
    length = min(IN_A_ROW, len(process.packets))
    if length < IN_A_ROW - 1:
        return None
    reach = process.packets.ts_ns[length - 1 :] - process.packets.ts_ns[: len(process.packets) - length + 1]
    for row in np.flatnonzero(reach <= _ROW_NS)[:_ROWS_TRIED].tolist():
        state = in_a_row([process.probe(row + place) for place in range(length)])
        if state is None:
            continue
        combinations = length * log10(AGAIN) + log10(_ROWS_TRIED * len(ORDERS))
        chance = combinations - (48 * length - 128) * LOG10_2
        found = seeded(state, _BACK)
        if found is not None:
            chance += log10(_BACK) - (32 + 10 + 8) * LOG10_2
        if chance <= STATED_AT:
            seed, drawn = found or (None, 0)
            return Fit(state, row, length, seed, drawn, chance)
    return None


def _by_one(process: Process) -> Fit | None:
    """Fit a seed of the last day on the first probe; the others must follow from it.

    Very early outputs leave many seeds open: then the second probe is fitted.
    """
    count = len(process.packets)
    for row in range(min(2, count) if process.once else 0):
        found = list(_fits(process, row))
        if count == 1 and found:
            best = min(found, key=lambda fit: fit.drawn)
            return replace(best, solutions=len(found)) if best.log10_chance <= log10(_ALONE) else None
        good = next((fit for fit in found if len(locate(process, fit).rows) > 1), None)
        if good is not None or not found:
            return good
    return None


def _fits(process: Process, row: int) -> Iterator[Fit]:
    """Yield what explains one probe, as a seed and a place that a sender can have reached since."""
    now = int(process.packets.ts_ns[row]) // seeds.SECOND_NS
    bits = (len(process.once) * 16 + 48 - PROCESS_BITS - CLOCK_BITS) * LOG10_2
    for seed, drawn in one_probe(process.probe(row), process.once, (now - _DAY_S, now + seeds.AHEAD_S), process.reach):
        if drawn <= _RATE * (now + seeds.AHEAD_S - seed.second):
            chance = log10(len(ORDERS) * AGAIN * (_DAY_S + seeds.AHEAD_S) * (drawn + 1024)) - bits
            yield Fit(jumped(seed.state, drawn), row, 1, seed, drawn, min(0.0, chance))


def locate(process: Process, fit: Fit) -> Located:
    """Return the probes that stand in a fit's stream, each target with its ID just before."""
    count = len(process.packets)
    back = min(_reach(process, 0, fit.row), fit.drawn if fit.seed else _MOST_OUTPUTS)
    length = back + _reach(process, fit.row, count - 1)
    stream = outputs(jumped(fit.state, -back), length)
    wanted = np.unique(process.wholes)
    place = np.minimum(np.searchsorted(wanted, stream), len(wanted) - 1)
    hits = np.flatnonzero(wanted[place] == stream)
    first = np.full(len(wanted), -1, np.int64)
    first[place[hits][::-1]] = hits[::-1]
    position = first[np.searchsorted(wanted, process.wholes)]
    held = np.zeros(count, np.bool_)
    for again in range(1, AGAIN + 1):
        before = stream[np.maximum(position - again, 0)] & np.uint32(0xFFFF)
        held |= (position >= again) & (before == process.halves)
    return Located(np.flatnonzero(held), position[held] - back, length)


def _reach(process: Process, earlier: int, later: int) -> int:
    """Return how many outputs a sender can have drawn between two probes."""
    span_s = int(process.packets.ts_ns[later] - process.packets.ts_ns[earlier]) // seeds.SECOND_NS
    return min(_MOST_OUTPUTS, _RATE * (span_s + 4) + 16 * (later - earlier)) if later > earlier else _RATE


def _chance(fit: Fit, located: Located, probes: int) -> float:
    share = min(1.0, AGAIN * located.outputs * 2.0**-48)
    others = max(len(located.rows) - fit.fitted, 0)
    return min(0.0, fit.log10_chance + at_least(max(probes - fit.fitted, 0), others, share))


def _mark(dossier: Dossier, recipe: Recipe, process: Process, fit: Fit, processes: int) -> Toolmark:
    located = locate(process, fit)
    packets = process.packets.take(located.rows)
    names = tuple(draw.field for draw in draws_of(recipe, "draws"))
    once = [draw.field for draw in draws_of(recipe, "first") if draw.field] if process.once else []
    is_drawn = fit.seed is not None and _draws(fit.seed, process)
    drawn_too = tuple(once) if is_drawn else ()
    checked = max(len(located.rows) - fit.fitted, 0) + (len(once) if is_drawn and fit.fitted > 1 else 0)
    return Toolmark(
        kind="generator",
        statement=f"{listed((*names, *drawn_too))}: {_says(fit, process, packets, processes)}",
        fields=(*names, *drawn_too),
        held=len(located.rows),
        seen=len(process.packets),
        log10_chance=_chance(fit, located, len(process.packets)),
        level="individual",
        name=f"{recipe.tool}/{recipe.id}",
        values=fit.values,
        sampled=dossier.sampled,
        packets=shown(packets),
        recovered=tuple(_recovered(recipe, process, fit, located, checked)),
        one_stream=len(np.unique(packets.column("ip_src"))),
    )


def _draws(seed: Seed, process: Process) -> bool:
    stream = outputs(seed.state, 8)
    return bool(process.once) and all(int(stream[place]) & 0xFFFF == value for place, value in process.once)


def _says(fit: Fit, process: Process, packets: PacketBatch, processes: int) -> str:
    words = f"xorshift128 of a {process.order} processor"
    if fit.seed is not None and fit.solutions == 1:
        moment = datetime.fromtimestamp(fit.seed.second, UTC).strftime("%Y-%m-%d %H:%M:%S")
        words += f", seeded at {moment} UTC with process numbers xor {fit.seed.process} and clock {fit.seed.clock}"
    if fit.solutions > 1:
        words += f", {fit.solutions} seeds or more would do"
    sources = len(np.unique(packets.column("ip_src")))
    if sources > 1:
        words += f", {counted(sources, 'source')} in one stream"
    return f"{words}; one of {processes} processes" if processes > 1 else words


def _recovered(recipe: Recipe, process: Process, fit: Fit, located: Located, checked: int) -> Iterator[Recovered]:
    if fit.solutions > 1:
        return
    sure = 0.999 if checked else 0.99
    yield Recovered("generator", "xorshift128 (11, 8, 19)", sure, checked)
    yield Recovered("byte_order", process.order, sure, checked)
    each = float(str(recipe.details.get("outputs_a_probe", 2)))
    if fit.seed is not None:
        last = fit.drawn + (int(located.positions[-1]) + 1 if len(located.rows) else 0)
        yield Recovered("start_s", fit.seed.second, sure, checked)
        yield Recovered("pid_xor", fit.seed.process, sure, checked)
        yield Recovered("clock", fit.seed.clock, sure, checked)
        yield Recovered("position", last, sure, checked)
        yield Recovered("probes_sent", round((last - 3) / each), 0.9, checked)
    if len(located.rows) > IN_A_ROW:
        gone = int(process.packets.ts_ns[located.rows[-1]] - process.packets.ts_ns[located.rows[0]])
        made = int(located.positions[-1] - located.positions[0])
        if gone >= _PACED_NS:
            yield Recovered("rate_pps", round(made / each / (gone / seeds.SECOND_NS), 1), 0.9, checked)
