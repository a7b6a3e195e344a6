"""Write the packets of one scan: the inputs are read again, and the packets of the scan's strands kept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from craftmark.errors import ExitCode, SourceError
from craftmark.export.pcap import PcapWriter
from craftmark.packets.expressions import parse
from craftmark.run.local import fold
from craftmark.scans.scans import find
from craftmark.sources.base import SourceOptions
from craftmark.sources.inputs import STDIN, open_inputs
from craftmark.tools.load import load_rules
from craftmark.tools.stacks import stack_shapes
from craftmark.verbs.files import whole_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from craftmark.packets.batch import PacketBatch
    from craftmark.pipeline import Settings
    from craftmark.scans.scans import Findings, Scan
    from craftmark.sources.inputs import Case

    Truth = NDArray[np.bool_]


def extract(paths: Sequence[str], settings: Settings, scan_id: str, target: Path) -> int:
    """Write the packets of a scan or flood as pcap and return how many.

    Raises SourceError where there are no frames to write, they do not fit one file, or the target cannot be written.
    """
    if STDIN in paths:
        what = "packets of standard input cannot be written: it can be read only once"
        raise SourceError(what, name="-w", code=ExitCode.USAGE, remedy="save it to a file first")
    select = belonging(paths, settings, scan_id)
    with whole_file(str(target)) as stream:
        writer = PcapWriter(stream, name=str(target))
        for batch in open_case(paths, settings).batches():
            for row in np.flatnonzero(select(batch)).tolist():
                writer.write(batch, row)
    return writer.written


def belonging(paths: Sequence[str], settings: Settings, scan_id: str) -> Callable[[PacketBatch], Truth]:
    """Return what tells, of any batch of these inputs, which packets are probes of the scan; reads them once."""
    where = parse(settings.where, outer=True) if settings.where else None
    evidence = fold(open_case(paths, settings).batches(), {}, where=where)
    order = evidence.strands.order()
    rules = load_rules(*(Path(folder) for folder in settings.rules))
    belongs = np.zeros(len(evidence.strands), bool)
    scan = _named(find(evidence.finish(), stack_shapes(rules)), scan_id)
    belongs[order[scan.strands]] = True

    def select(batch: PacketBatch) -> Truth:
        rows = np.arange(len(batch)) if where is None else np.flatnonzero(where.select(batch))
        strand = evidence.strands.assign(batch if where is None else batch.take(rows))
        known = strand < len(belongs)  # more, where the file grew meanwhile
        chosen = rows[known][belongs[strand[known]]]
        if scan.population is not None:
            chosen = chosen[scan.population.holds(batch.words[chosen])]
        selected = np.zeros(len(batch), bool)
        selected[chosen] = True
        return selected

    return select


def open_case(paths: Sequence[str], settings: Settings) -> Case:
    """Open captures and logs as the settings say."""
    return open_inputs(paths, options=SourceOptions(year=settings.year), format_name=settings.format_name)


def _named(findings: Findings, scan_id: str) -> Scan:
    """Return the scan or flood with an id of the report: S1 is the first scan, F1 the first flood."""
    found = findings.scans if scan_id.startswith("S") else findings.floods
    return found[int(scan_id[1:]) - 1]
