"""``craftmark convert``: packets of captures and logs as CSV, Parquet, Arrow or pcap."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

import numpy as np

from craftmark.errors import ExitCode
from craftmark.export.columns import ArrowWriter, CsvWriter, TableWriter
from craftmark.export.pcap import PcapWriter
from craftmark.packets.expressions import parse
from craftmark.render.escape import visible
from craftmark.sources.base import SourceOptions
from craftmark.sources.inputs import open_inputs
from craftmark.verbs.arguments import year
from craftmark.verbs.base import OptionError
from craftmark.verbs.files import whole_file

if TYPE_CHECKING:
    import argparse

    from craftmark.packets.batch import PacketBatch
    from craftmark.sources.inputs import Case

_FORMS: Final = {".csv": "csv", ".parquet": "parquet", ".arrow": "arrow", ".feather": "arrow", ".pcap": "pcap"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("paths", nargs="+", metavar="CAPTURE", help="capture or log; - reads standard input")
    parser.add_argument("-o", "--output", metavar="FILE", required=True, help="FILE.csv, .parquet, .arrow or .pcap")
    parser.add_argument("--where", metavar="EXPR", help="only packets for which this holds, as 'tcp_dport < 1024'")
    parser.add_argument("--year", metavar="YYYY", type=year, help="the year of logs that have none")
    parser.add_argument("--format", metavar="NAME", dest="format_name", help="read all inputs as this format")
    parser.add_argument("--quiet", action="store_true", help="no progress and no warnings on stderr; errors stay")


def run(parsed: argparse.Namespace) -> int:
    """Convert, and return 3 if an input was damaged."""
    target = Path(parsed.output)
    form = _FORMS.get(target.suffix.lower())
    if form is None:
        raise OptionError(f"-o {visible(str(target))}: its ending tells the form: {', '.join(_FORMS)}")
    if any(path != "-" and target.exists() and Path(path).exists() and target.samefile(path) for path in parsed.paths):
        raise OptionError(f"-o {visible(str(target))}: that is an input; choose another file")
    case = open_inputs(parsed.paths, options=SourceOptions(year=parsed.year), format_name=parsed.format_name)
    written = _write(case, target, form, parsed.where)
    damaged = [one for one in case.describe() if one.damage_total]
    if not parsed.quiet:
        sys.stderr.write(f"craftmark: {written:,} packets written to {visible(str(target))}\n")
        for one in damaged:
            sys.stderr.write(visible(f"craftmark: {one.name}: damaged: {one.damage[0].what}") + "\n")
    return ExitCode.DAMAGED if damaged else ExitCode.EXAMINED


def _write(case: Case, target: Path, form: str, where: str | None) -> int:
    """Write all packets and return how many."""
    chosen = parse(where, outer=True) if where else None
    written = 0
    with whole_file(str(target)) as stream:
        writer = _Writer(stream, form, str(target))
        for one in case.inputs:
            for batch in one.batches():
                rows = np.arange(len(batch)) if chosen is None else np.flatnonzero(chosen.select(batch))
                writer.write(batch, rows, one.describe().clock)
                written += len(rows)
        writer.close()
    return written


class _Writer:
    """Writes rows of batches in one of the forms."""

    def __init__(self, stream: BinaryIO, form: str, name: str) -> None:
        self._frames = PcapWriter(stream, name=name) if form == "pcap" else None
        self._table: TableWriter | None = None
        if form == "csv":
            self._table = CsvWriter(stream, name=name)
        elif form != "pcap":
            self._table = ArrowWriter(stream, name=name, is_parquet=form == "parquet")

    def write(self, batch: PacketBatch, rows: np.ndarray[tuple[int], np.dtype[np.intp]], clock: str) -> None:
        if self._frames is not None:
            for row in rows.tolist():
                self._frames.write(batch, row)
        elif self._table is not None and len(rows):
            self._table.write(batch if len(rows) == len(batch) else batch.take(rows), clock or "epoch")

    def close(self) -> None:
        if self._table is not None:
            self._table.close()
