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

    from craftmark.evidence.populations import Population
    from craftmark.packets.batch import PacketBatch
    from craftmark.pipeline import Settings
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
    owner, ids = owners(paths, settings)
    number = ids.index(scan_id)
    return lambda batch: owner(batch) == number


def owners(
    paths: Sequence[str], settings: Settings
) -> tuple[Callable[[PacketBatch], NDArray[np.int32]], tuple[str, ...]]:
    """Return what tells of any batch of these inputs whose probe each packet is, and the names of its numbers.

    The first name is "", for packets of no scan or flood. Reads the inputs once.
    """
    where = parse(settings.where, outer=True) if settings.where else None
    evidence = fold(open_case(paths, settings).batches(), {}, where=where)
    order = evidence.strands.order()
    rules = load_rules(*(Path(folder) for folder in settings.rules))
    findings = find(evidence.finish(), stack_shapes(rules))
    scans = [(f"S{n}", one) for n, one in enumerate(findings.scans, 1)]
    scans += [(f"F{n}", one) for n, one in enumerate(findings.floods, 1)]
    whole = np.zeros(len(evidence.strands), np.int32)
    split: list[tuple[int, Truth, Population]] = []
    for number, (_, scan) in enumerate(scans, 1):
        if scan.population is None:
            whole[order[scan.strands]] = number
        else:
            strands = np.zeros(len(whole), bool)
            strands[order[scan.strands]] = True
            split.append((number, strands, scan.population))

    def owner(batch: PacketBatch) -> NDArray[np.int32]:
        rows = np.arange(len(batch)) if where is None else np.flatnonzero(where.select(batch))
        strand = evidence.strands.assign(batch if where is None else batch.take(rows))
        known = strand < len(whole)  # more, where the file grew meanwhile
        rows, strand = rows[known], strand[known]
        found = np.zeros(len(batch), np.int32)
        found[rows] = whole[strand]
        for number, strands, population in split:
            chosen = rows[strands[strand]]
            found[chosen[population.holds(batch.words[chosen])]] = number
        return found

    return owner, ("", *(name for name, _ in scans))


def open_case(paths: Sequence[str], settings: Settings) -> Case:
    """Open captures and logs as the settings say."""
    return open_inputs(paths, options=SourceOptions(year=settings.year), format_name=settings.format_name)
