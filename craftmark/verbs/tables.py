"""``craftmark export CASE --as duckdb|parquet|arrow -o TARGET``: a whole case as tables, its packets among them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from craftmark.errors import ExitCode, SourceError
from craftmark.export.casetables import PACKETS, write_case
from craftmark.export.columns import arrow_table, pyarrow
from craftmark.packets.batch import INPUT_SHIFT, NUMBER_MASK
from craftmark.render.escape import visible
from craftmark.sources.inputs import STDIN
from craftmark.verbs.base import OptionError
from craftmark.verbs.case import is_saved, load
from craftmark.verbs.extract import open_case, owners
from craftmark.verbs.screen import deliver

if TYPE_CHECKING:
    from collections.abc import Iterator

    from craftmark.pipeline import Settings
    from craftmark.verbs.screen import Screen


def write_tables(case: str, form: str, target: str | None, settings: Settings, screen: Screen) -> int:
    """Write the tables and say how many rows each has; returns the exit code."""
    if target is None:
        raise OptionError(f"--as {form} needs -o: a file for duckdb, a folder for parquet and arrow")
    arrow = pyarrow(target)
    report = load(case, settings, screen)
    has_packets = case != STDIN and not is_saved(case)
    packets = _packets(arrow, case, settings) if has_packets else iter(())
    try:
        rows = write_case(report, packets, target, form)
    except OSError as fault:
        what = f"cannot be written: {fault.strerror or fault}"
        raise SourceError(what, name=target, code=ExitCode.UNREADABLE) from fault
    told = [f"{name}: {count:,} rows\n" for name, count in rows.items()]
    deliver(
        "".join(told)
        + ("" if has_packets else f"no table {PACKETS}: {visible(case)} holds none that can be read again\n")
    )
    return ExitCode.DAMAGED if report.damaged else ExitCode.EXAMINED


def _packets(arrow: Any, case: str, settings: Settings) -> Iterator[Any]:
    """Yield the packets of a case as Arrow tables, each led by its scan, its input and its number."""
    owner, ids = owners([case], settings)
    for one in open_case([case], settings).inputs:
        for batch in one.batches():
            scan = arrow.array(np.array([name or None for name in ids], object)[owner(batch)], arrow.string())
            ahead = {
                "scan": scan,
                "input": arrow.array((batch.packet_id >> INPUT_SHIFT).astype(np.int32)),
                "packet": arrow.array((batch.packet_id & NUMBER_MASK).astype(np.int64)),
            }
            yield arrow_table(arrow, batch, one.describe().clock or "epoch", ahead=ahead)
