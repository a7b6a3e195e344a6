"""What a watcher tells: for people a short block per scan, for programs one line of JSON."""

from __future__ import annotations

import json
import textwrap
from itertools import islice
from typing import TYPE_CHECKING, Final

from craftmark.render.conclusion import headline, sentences
from craftmark.render.escape import visible
from craftmark.render.numbers import counted, moment
from craftmark.report.codec import write_json
from craftmark.report.document import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from craftmark.watch.watcher import Told, Watcher

#: Sentences of a scan in a block: what was sent, and what made it.
_SENTENCES: Final = 3


def block(told: Told, *, width: int, is_open: bool = False) -> str:
    """Return a scan as a short block of lines."""
    scan = told.scan
    when = moment(scan.last_ns) if scan.last_ns is not None else "no time"
    state = "so far" if is_open else "over"
    more = f"; goes on from {told.continues}" if told.continues else ""
    lines = [f"{when} {state}: {scan.id} {headline(scan, flood=told.is_flood)}{more}"]
    for sentence in islice(sentences(scan, flood=told.is_flood), _SENTENCES):
        lines += textwrap.wrap(visible(sentence), width - 2, initial_indent="  ", subsequent_indent="    ")
    return "".join(f"{line}\n" for line in (visible(lines[0]), *lines[1:]))


def line(told: Told, *, is_open: bool = False) -> str:
    """Return a scan as one line: the object of the report's document, as ``--jsonl`` of the main job writes it.

    ``finding`` is "open" where the scan is not over yet; ``continues`` stands only where there is one.
    """
    word = "open" if is_open else "flood" if told.is_flood else "scan"
    goes_on = f'"continues":{json.dumps(told.continues)},' if told.continues else ""
    return f'{{"schema":"{SCHEMA}","finding":"{word}",{goes_on}{write_json(told.scan)[1:]}\n'


def so_far(watcher: Watcher, open_now: Iterable[Told]) -> str:
    """Return the state of the stream as one line of JSON."""
    return _state("so far", watcher, {"open": [told.scan.id for told in open_now]})


def ended(watcher: Watcher, *, damage: int) -> str:
    """Return the last line of JSON."""
    return _state("end", watcher, {"damaged_places": damage})


def _state(word: str, watcher: Watcher, more: Mapping[str, object]) -> str:
    totals, stream = watcher.totals, watcher.stream
    told = {
        "schema": SCHEMA, "finding": word, "packets": stream.packets, "watermark_ns": stream.watermark_ns,
        "strands_open": len(stream.evidence.strands), "traffic": dict(sorted(totals.traffic.items())),
        "scans": totals.scans, "floods": totals.floods, "undescribed": totals.undescribed, "cut": totals.cut, **more,
    }  # fmt: skip
    return json.dumps(told, ensure_ascii=True, separators=(",", ":")) + "\n"


def summary(watcher: Watcher) -> Iterator[str]:
    """Yield the totals in sentences."""
    totals, stream = watcher.totals, watcher.stream
    yield (
        f"{counted(totals.scans, 'scan')} and {counted(totals.floods, 'flood')} over, in "
        f"{counted(stream.packets, 'packet')}."
    )
    if totals.undescribed:
        yield f"{counted(totals.undescribed, 'more scan')} or floods were too small among too many to be described."
    if totals.cut:
        yield f"{counted(totals.cut, 'time')} all that was open had to be let go at once: more strands than --strands."
    roles = ", ".join(f"{count:,} {role}" for role, count in sorted(totals.traffic.items()) if count)
    if roles:
        yield f"Packets of what is over: {roles}."
