"""What is fuzzed: functions of octets that may refuse them in the ways they promise, and in no other.

Each returns how many packets (or parts) it got, and raises only what is a fault of ours.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from craftmark.errors import ExpressionError, ReportError, RuleError, SourceError
from craftmark.packets.decode import Decoder, Located, empty_frames, octets_of
from craftmark.packets.expressions import parse
from craftmark.report.document import Report
from craftmark.sources.base import Provenance, SourceOptions
from craftmark.sources.compression import peel
from craftmark.sources.formats import FORMATS, format_of
from craftmark.tools.load import read_rules

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from craftmark.sources.base import Format

#: Link types whose frames the decoder is given.
LINKS = (0, 1, 9, 12, 50, 51, 101, 104, 108, 113, 117, 204, 228, 229, 239, 276)


def read(chosen: Format, data: bytes) -> list[np.ndarray]:
    """Return the rows that a format reads from octets; checks what every source promises of them."""
    provenance = Provenance("fuzz")
    rows: list[np.ndarray] = []
    last_id = 0
    try:
        source = chosen.open(io.BufferedReader(io.BytesIO(data), 65_536), provenance, 1, SourceOptions(year=2024))  # type: ignore[arg-type]
        for batch in source.batches():
            assert len(batch.words) == len(batch.ts_ns) == len(batch.packet_id)
            assert last_id == 0 or int(batch.packet_id[0]) == last_id + 1, "packets are numbered one by one"
            last_id = int(batch.packet_id[-1])
            rows.append(batch.words.copy())
    except SourceError:
        return rows
    assert sum(map(len, rows)) == provenance.packets, "the provenance counts the packets"
    return rows


def source(name: str) -> Callable[[bytes], int]:
    """Return the target of one format."""
    chosen = next(one for one in FORMATS if one.name == name)

    def target(data: bytes) -> int:
        chosen.sniff(data[:65_536])
        return sum(map(len, read(chosen, data)))

    return target


def recognise(data: bytes) -> int:
    """Take the compression off, tell the format, read."""
    try:
        stream, _ = peel(io.BufferedReader(io.BytesIO(data), 65_536), name="fuzz", max_expansion=100)
        head = stream.peek(65_536)[:65_536]
        found = format_of(head)
        return 0 if found is None else sum(map(len, read(found, stream.read(1 << 22))))
    except SourceError:
        return 0


def decoder(data: bytes) -> int:
    """Decode octets as one frame of each link type."""
    frames = empty_frames(len(LINKS))
    frames.captured[:] = len(data)
    frames.wire[:] = len(data)
    frames.links[:] = LINKS
    return len(Decoder(len(LINKS)).decode(Located(octets_of(data), frames, len(LINKS), 1)))


def report(data: bytes) -> int:
    """Read a saved report."""
    try:
        return len(Report.from_json(data.decode("utf-8", "replace")).scans)
    except ReportError:
        return 0


def expression(data: bytes) -> int:
    """Parse a relation."""
    try:
        parse(data.decode("utf-8", "replace")[:4096])
    except ExpressionError:
        return 0
    return 1


def rules(data: bytes) -> int:
    """Read a knowledge file."""
    try:
        return len(read_rules({"fuzz.toml": data.decode("utf-8", "replace")}).rules)
    except RuleError:
        return 0


def upload(data: bytes) -> int:
    """Send octets to the page."""
    from fuzz.upload import upload as send  # noqa: PLC0415 - needs the web's libraries, which this target alone does

    return send(data)


TARGETS: dict[str, Callable[[bytes], int]] = {
    **{one.name: source(one.name) for one in FORMATS},
    "recognise": recognise,
    "decoder": decoder,
    "report": report,
    "expression": expression,
    "rules": rules,
    "upload": upload,
}
