"""The report for programs: one document, or one line per scan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from craftmark.report.codec import write_json
from craftmark.report.document import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterator

    from craftmark.report.document import Report, Scan


def render_json(report: Report) -> str:
    """Return the whole document."""
    return report.to_json()


def render_jsonl(report: Report) -> str:
    """Return one line per scan, then one per flood: the object of the document, led by ``schema`` and ``finding``."""
    return "".join(_lines(report.scans, "scan")) + "".join(_lines(report.floods, "flood"))


def _lines(findings: tuple[Scan, ...], word: str) -> Iterator[str]:
    for finding in findings:
        yield f'{{"schema":"{SCHEMA}","finding":"{word}",{write_json(finding)[1:]}\n'
