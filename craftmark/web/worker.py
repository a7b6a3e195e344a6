"""One piece of work in a process of its own: a capture that breaks something breaks this process and nothing else.

    python -m craftmark.web.worker FOLDER

FOLDER holds ``work.json``: {"do": "examine" | "packets" | "slice" | "pdf" | "export", ...}, with the ``paths`` of
inputs or the text of a ``report``. Progress goes to stdout as lines of JSON, the result into FOLDER; the last line is
{"done": ...} or {"fault": "one sentence"}.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from craftmark import pipeline
from craftmark.errors import CraftmarkError
from craftmark.render.escape import visible
from craftmark.report.document import Report
from craftmark.verbs.case import load_finding
from craftmark.verbs.export import text_of
from craftmark.verbs.extract import extract
from craftmark.verbs.report import pdf_of
from craftmark.web.excerpt import excerpt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: Packets between two lines of progress.
_STEP: Final = 100_000


def main(folder: Path) -> int:
    """Do the work of a folder; every end is told on stdout."""
    try:
        work = json.loads((folder / "work.json").read_text(encoding="utf-8"))
        _tell(done=_WORK[work["do"]](folder, work))
    except (CraftmarkError, ValueError) as fault:
        _tell(fault=visible(str(fault)))
    except OSError as fault:
        _tell(fault=f"the disk refused: {fault.strerror or fault}")
    except MemoryError:
        _tell(fault="this input needs more memory than the server may use")
    else:
        return 0
    return 1


def _examine(folder: Path, work: Mapping[str, Any]) -> dict[str, Any]:
    names = dict(zip(work["paths"], work["names"], strict=True))
    report = pipeline.examine(work["paths"], settings_of(work), progress=_Progress())
    inputs = tuple(replace(one, name=names.get(one.name, one.name)) for one in report.inputs)
    report = replace(report, inputs=inputs)
    (folder / "report.json").write_text(report.to_json(), encoding="utf-8")
    return {"scans": report.scans_total, "floods": report.floods_total}


def _packets(folder: Path, work: Mapping[str, Any]) -> dict[str, Any]:
    wanted = [(int(number), int(packet)) for number, packet in work["packets"]]
    (folder / "packets.json").write_text(json.dumps(excerpt(work["paths"], wanted)), encoding="utf-8")
    return {}


def _slice(folder: Path, work: Mapping[str, Any]) -> dict[str, Any]:
    return {"packets": extract(work["paths"], settings_of(work), work["scan"], folder / "slice.pcap")}


def _pdf(folder: Path, work: Mapping[str, Any]) -> dict[str, Any]:
    (folder / "report.pdf").write_bytes(pdf_of(Report.from_json(work["report"])))
    return {}


def _export(folder: Path, work: Mapping[str, Any]) -> dict[str, Any]:
    """Write a scan's marks for another program, by the report alone: what they hit is not counted."""
    saved = folder / "case.json"
    saved.write_text(work["report"], encoding="utf-8")
    name = f"{saved}:{work['scan']}"
    text, _ = text_of(name, load_finding(name), work["form"], settings_of(work))
    (folder / "export").write_text(text, encoding="utf-8")
    return {}


def settings_of(work: Mapping[str, Any]) -> pipeline.Settings:
    """Return how the page asked for the work to be done."""
    return pipeline.Settings(where=work.get("where") or None, year=work.get("year"))


class _Progress:
    """Tells now and then how far the reading is."""

    def __init__(self) -> None:
        self._told = 0

    def __call__(self, packets: int, *, fraction: float | None = None, scans: int | None = None) -> None:
        if packets - self._told >= _STEP or scans is not None:
            self._told = packets
            _tell(packets=packets, fraction=fraction, scans=scans)


def _tell(**what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


_WORK: Final[Mapping[str, Callable[[Path, Mapping[str, Any]], dict[str, Any]]]] = {
    "examine": _examine, "packets": _packets, "slice": _slice, "pdf": _pdf, "export": _export,
}  # fmt: skip

if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
