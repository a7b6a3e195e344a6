"""Fields filled from one stream of a C library's rand(), seeded by a clock: the seed, from one packet or more.

All seeds of a window step together; a packet's widest draw finds the few where it can stand, its other draws leave the
right one. That seed's stream is then run on and the other packets are looked up in it, whatever was lost between: the
fields that come out right there were not fitted on, and are counted. Nothing depends on the number of packets in the
capture: a handful is fitted, the sample is looked up.

A recipe of kind ``libc-rand`` says ``seed`` ("second", or "second ^ microsecond"), ``draws`` (the draws of each packet
in order, see marks/draws.py; those whose field the user set are left out), ``likely`` (a predicate that such probes
meet), ``first`` (draws before the first packet, whose field stays or goes up by ``step`` per packet), ``protocol`` and
``libc`` (generators by name; else all).
Cost of one scan: at most some 0.5 s for seconds, 0.7 s for microseconds; 5 ms where the fields' top bits are not clear.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from math import log2, log10
from typing import TYPE_CHECKING, Final

import numpy as np

from craftmark.kernels.prng import GENERATORS, at, blocks, run
from craftmark.marks import seeds
from craftmark.marks.base import Recovered, Toolmark
from craftmark.marks.chance import LOG10_2, STATED_AT, at_least
from craftmark.marks.draws import clear_bits, drawn, draws_of, is_about, showing, words_of
from craftmark.marks.sequences import followed, shown
from craftmark.marks.wording import counted, listed
from craftmark.packets.fields import FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from craftmark.evidence.dossier import Dossier
    from craftmark.marks.base import Recipe
    from craftmark.marks.draws import Draw
    from craftmark.marks.seeds import Window
    from craftmark.packets.batch import PacketBatch

#: Start seconds looked at: how long before the first packet, and how many outputs may lie between.
REACH: Final = ((120, 8192), (3600, 2048), (86_400, 128))
#: The same for all libraries but the likeliest, and where nothing but the recipe speaks for it.
SHORT: Final = ((120, 2048), (86_400, 64))
NEAR: Final = ((120, 512),)
#: Microseconds before the first packet at which a process may have been seeded, looked at first.
JUST_BEFORE_US: Final = 60_000
#: Outputs that may lie between a seed of microseconds and the first packet.
FEW_POSITIONS: Final = 32
#: Packets tried for the fit: the first may be another sender's.
FITTED: Final = (0, 1, 2, 9)
#: Outputs of the found stream that packets are looked up in.
MOST_OUTPUTS: Final = 1 << 20
#: Numbers held at a time while seeds step together.
_HELD: Final = 1 << 21
#: Clear top bits needed before seeds are tried: of random fields one scan in 32 goes on.
_CLEAR_BITS: Final = 5
_WIDE: Final = 31
#: Bits by which a packet's draws must tell more than its place in the stream, if the stream is to be run on.
_AMBIGUOUS: Final = 8


@dataclass(frozen=True, slots=True)
class Fit:
    """A seed whose stream holds the draws of one packet: ``position`` of the packet's first draw, ``row`` it is."""

    library: str
    seed: int
    position: int
    row: int
    tried: int


@dataclass(frozen=True, slots=True)
class Found:
    """Which of ``packets`` stand in a stream of so many outputs: their rows and the position of their first draw."""

    rows: NDArray[np.intp]
    positions: NDArray[np.int64]
    outputs: int
    packets: int


def solve(dossier: Dossier, recipe: Recipe) -> list[Toolmark]:
    """Return the mark of a stream that fills the recipe's fields, if one is found."""
    if not is_about(recipe, dossier) or not dossier.has_time:
        return []
    draws = drawn(draws_of(recipe, "draws"), dossier)
    packets = followed(showing(dossier.consecutive, draws))
    if not draws or not len(packets):
        return []
    packets = _told_once(packets, draws)
    for place, library in enumerate(words_of(recipe, "libc", tuple(GENERATORS))):
        clear = clear_bits(draws, packets, GENERATORS[library].bits)
        if clear is None:
            continue
        far = SHORT if place else REACH
        near = NEAR if not place and recipe.details.get("seed") == "second" else ()
        for window in _windows(recipe, int(packets.ts_ns[0]), far if clear >= _CLEAR_BITS else near):
            fit = search(library, window, draws, packets)
            if fit is not None:
                return _mark(dossier, recipe, draws, fit)
    return []


def _told_once(packets: PacketBatch, draws: Sequence[Draw]) -> PacketBatch:
    """Return the first packet of each set of values: decoys and retries that repeat one tell nothing new of a seed."""
    values = np.stack([packets.column(draw.field) for draw in draws])
    _, first = np.unique(values, axis=1, return_index=True)
    return packets.take(np.sort(first))


def _windows(recipe: Recipe, first_ns: int, reach: tuple[tuple[int, int], ...]) -> Iterator[Window]:
    if recipe.details.get("seed") == "second":
        yield from seeds.seconds(first_ns, reach)
    elif reach:
        yield seeds.microseconds(first_ns, JUST_BEFORE_US, FEW_POSITIONS)
    if recipe.details.get("seed") != "second" and reach is REACH:
        yield seeds.block(first_ns, 1)


def search(library: str, window: Window, draws: Sequence[Draw], packets: PacketBatch) -> Fit | None:
    """Return a fit that chance would bring less than once in a million searches, the nearest seed first."""
    bits = [draw.bits(GENERATORS[library].bits) for draw in draws]
    rows = [row for row in FITTED if row < len(packets)]
    values = np.stack([packets.column(draw.field)[rows].astype(np.int64) for draw in draws])
    tried = window.positions * len(window.seeds) * len(rows)
    if log10(tried) - sum(bits) * len(packets) * LOG10_2 > STATED_AT:
        return None
    anchor = int(np.argmax(bits))
    width = max(64, _HELD // min(window.positions, 256))
    for start in range(0, len(window.seeds), width):
        tile = window.seeds[start : start + width]
        for first, block in _stepped(library, tile, window.positions, len(draws)):
            for place, row in enumerate(rows):
                for position, column in _standing(block, draws, values[:, place], anchor):
                    fit = Fit(library, int(tile[column]), first + position, row, tried)
                    if _beyond_chance(fit, sum(bits), draws, packets):
                        return fit
    return None


def _stepped(
    library: str, tile: NDArray[np.int64], positions: int, draws: int
) -> Iterable[tuple[int, NDArray[np.uint32]]]:
    """Return outputs from a first position on; of few positions at once, of many block by block."""
    if positions > draws:
        return blocks(library, tile, positions, 2 * draws)
    return [(0, at(library, tile, range(positions + draws - 1)))]


def _standing(
    block: NDArray[np.uint32], draws: Sequence[Draw], values: NDArray[np.int64], anchor: int
) -> list[tuple[int, int]]:
    """Return row of the first draw and column of the seed wherever a packet's draws stand in a block of outputs."""
    draw = draws[anchor]
    whole = not draw.modulo and not draw.plus and not draw.swap and not draw.shift
    if whole and draw.bits(_WIDE) == _WIDE:
        hits = block == np.uint32(values[anchor])
    else:
        hits = draw.of(block) == values[anchor]
    if not hits.any():
        return []
    rows, columns = np.nonzero(hits)
    inside = (rows >= anchor) & (rows - anchor + len(draws) <= len(block))
    rows, columns = rows[inside] - anchor, columns[inside]
    for place, other in enumerate(draws):
        good = other.of(block[rows + place, columns]) == values[place]
        rows, columns = rows[good], columns[good]
    return list(zip(rows.tolist(), columns.tolist(), strict=True))


def _beyond_chance(fit: Fit, bits: float, draws: Sequence[Draw], packets: PacketBatch) -> bool:
    """Tell whether a fit is none of chance's, and explains more than one packet of many.

    A seed of another kind, of one packet alone,, may be the number of a second.
    """
    if len(packets) <= len(FITTED) and log10(fit.tried) - bits * LOG10_2 <= STATED_AT:
        return True
    found = locate(fit, draws, packets)
    return chance_of(fit, found, bits) <= STATED_AT and (len(found.rows) > 1 or len(packets) <= len(FITTED))


def locate(fit: Fit, draws: Sequence[Draw], packets: PacketBatch) -> Found:
    """Return the packets whose draws stand in the stream of a fit, as far as it is worth running on."""
    given = GENERATORS[fit.library].bits
    bits = [draw.bits(given) for draw in draws]
    count = min(fit.position + (len(packets) + 64) * len(draws) * 2, MOST_OUTPUTS)
    while True:
        found = _looked_up(run(fit.library, fit.seed, count), draws, packets, int(np.argmax(bits)))
        is_whole = not len(found.rows) or found.rows[-1] == len(packets) - 1
        if is_whole or count == MOST_OUTPUTS or log2(count) + _AMBIGUOUS > sum(bits):
            return found
        count = min(count * 8, MOST_OUTPUTS)


def _looked_up(outputs: NDArray[np.uint32], draws: Sequence[Draw], packets: PacketBatch, anchor: int) -> Found:
    inner = outputs[anchor : len(outputs) - len(draws) + anchor + 1]
    written = draws[anchor].of(inner)
    order = np.argsort(written, kind="stable")
    wanted = packets.column(draws[anchor].field).astype(np.int64)
    low = np.searchsorted(written[order], wanted, "left")
    high = np.searchsorted(written[order], wanted, "right")
    where = np.full(len(packets), -1, np.int64)
    for step in range(int((high - low).max(initial=0))):
        open_ = (where < 0) & (low + step < high)
        at = order[np.minimum(low + step, len(order) - 1)]
        for place, draw in enumerate(draws):
            open_ &= draw.of(outputs[at + place]) == packets.column(draw.field)
        where = np.where(open_, at, where)
    rows = np.flatnonzero(where >= 0)
    return Found(rows, where[rows], len(outputs), len(packets))


def chance_of(fit: Fit, found: Found, bits: float) -> float:
    """Bound log10 of the chance that random values have such a fit.

    That is the chance that one of the seeds and places tried fits one packet, times the chance that so many of the
    others stand anywhere in the stream.
    """
    one = log10(fit.tried) - bits * LOG10_2
    share = min(1.0, 10 ** (log10(found.outputs) - bits * LOG10_2))
    return min(0.0, one + at_least(found.packets - 1, len(found.rows) - 1, share))


def _mark(dossier: Dossier, recipe: Recipe, draws: Sequence[Draw], fit: Fit) -> list[Toolmark]:
    packets = followed(showing(dossier.consecutive, draws))
    found = locate(fit, draws, packets)
    before = {draw.field: held for draw, held in _before(recipe, len(draws), fit, packets, found).items() if held}
    names = [*before, *(draw.field for draw in draws)]
    checked = (len(found.rows) - 1) * max(len(draws) - 1, 1) + sum(before.values())
    distinct = len(np.unique(found.positions)) == len(found.positions)
    sources = len(np.unique(packets.column("ip_src")[found.rows])) if distinct else 1
    library = f"rand() of {GENERATORS[fit.library].says}"
    is_second = recipe.details.get("seed") == "second"
    start = fit.seed if is_second else seeds.second_of(fit.seed, int(packets.ts_ns[fit.row]))
    moment = datetime.fromtimestamp(start, UTC).strftime("%Y-%m-%d %H:%M:%S")
    whose = f", {counted(sources, 'source')} in one stream" if sources > 1 else ""
    bits = sum(draw.bits(GENERATORS[fit.library].bits) for draw in draws)
    return [
        Toolmark(
            kind="generator",
            statement=f"{listed(names)}: {library}, seed {fit.seed} ({moment} UTC){whose}",
            fields=tuple(names),
            held=len(found.rows),
            seen=len(packets),
            log10_chance=chance_of(fit, found, bits),
            level="individual",
            name=f"{recipe.tool}/{recipe.id}",
            values=(fit.seed,),
            sampled=len(packets) < dossier.probes,
            packets=shown(packets.take(found.rows)),
            recovered=(
                Recovered("seed", fit.seed, 0.999, checked),
                Recovered("start_s", start, 0.999 if is_second else 0.9, checked),
                Recovered("generator", library, 0.95, checked),
                Recovered("position", int(found.positions[-1]) + len(draws), 0.999, checked),
            ),
            one_stream=sources,
        )
    ]


def _before(recipe: Recipe, stride: int, fit: Fit, packets: PacketBatch, found: Found) -> dict[Draw, int]:
    """Return for each draw before the first packet how many packets show it, counted up by ``step`` per packet."""
    draws = draws_of(recipe, "first")
    outputs = run(fit.library, fit.seed, max(len(draws), 1))
    step = int(str(recipe.details.get("step", 0)))
    numbers = (found.positions - len(draws)) // stride
    held = {}
    for place, draw in enumerate(draws):
        if not draw.field:
            continue
        wanted = draw.of(outputs[place : place + 1]) + step * numbers & (1 << FIELDS[draw.field].bits) - 1
        steady = draw.of(outputs[place : place + 1])
        shown_values = packets.column(draw.field)[found.rows].astype(np.int64)
        held[draw] = int(max((shown_values == wanted).sum(), (shown_values == steady).sum()))
    return held
