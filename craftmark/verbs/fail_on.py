"""What --fail-on can ask for: words for scripts that must stop when something is found."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from craftmark.report.document import Report

#: scan, flood: there is one. crafted: one was crafted. identification: a tool was identified. spoofed: by verdict.
WORDS = ("scan", "flood", "crafted", "identification", "spoofed")


def found(report: Report, word: str) -> bool:
    """Tell whether a report holds what one of ``WORDS`` asks for."""
    findings = (*report.scans, *report.floods)
    return {
        "scan": report.scans_total > 0,
        "flood": report.floods_total > 0,
        "crafted": any(one.maker.kind == "crafted" for one in findings),
        "identification": any(one.maker.tool is not None for one in findings),
        "spoofed": any(one.sender.spoofing.verdict == "spoofed" for one in findings),
    }[word]
