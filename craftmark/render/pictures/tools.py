"""What made it: every tool's rule as a row, with how many of its expectations agree, disagree and stay silent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from craftmark.render.pictures.base import Picture, document, escaped
from craftmark.render.pictures.theme import colour

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from craftmark.report.document import Report, Scan, ToolVerdict

_ORDER: Final = ("identification", "inconclusive", "unsuitable", "elimination")
_WORDS: Final = {
    "identification": "identified", "inconclusive": "not eliminated", "unsuitable": "too little seen",
    "elimination": "eliminated",
}  # fmt: skip
_ROW: Final = 20
_LEFT: Final = 160
_UNIT: Final = 12
_MOST: Final = 40


def draw(report: Report, scan: Scan) -> Picture | None:
    """Return the table, None where nothing was compared."""
    del report
    verdicts = sorted(
        (one for one in scan.maker.tools if one.kind != "stack"),
        key=lambda one: (_ORDER.index(one.conclusion), -len(one.agrees), one.tool),
    )[:_MOST]
    if not verdicts:
        return None
    unit = min(_UNIT, 420 / max(1, *(_total(one) for one in verdicts)))
    height = 40 + _ROW * len(verdicts)
    title = "What made it, and what did not"
    words = " ".join(f"{one.tool}: {_WORDS[one.conclusion]}." for one in verdicts)
    body = "".join((*_legend(), *_rows(verdicts, unit)))
    return Picture("tools", title, words, document(_LEFT + 560, height, body, title=title, alt=words))


def _total(verdict: ToolVerdict) -> int:
    return len(verdict.agrees) + len(verdict.disagrees) + len(verdict.silent)


def _legend() -> Iterator[str]:
    for place, (name, text) in enumerate((("relation", "agrees"), ("accent", "disagrees"), ("line", "silent"))):
        x = _LEFT + place * 90
        yield f'<rect x="{x}" y="8" width="12" height="12" fill="{colour(name)}"/>'
        yield f'<text x="{x + 17}" y="18" font-size="11">{text}</text>'


def _rows(verdicts: Sequence[ToolVerdict], unit: float) -> Iterator[str]:
    for number, verdict in enumerate(verdicts):
        y = 32 + number * _ROW
        weight = ' font-weight="600"' if verdict.conclusion == "identification" else ""
        hint = escaped(verdict.reason or _WORDS[verdict.conclusion])
        yield f'<g><title>{hint}</title><text x="8" y="{y + 11}"{weight}>{escaped(verdict.tool)}</text>'
        x = float(_LEFT)
        for name, lines in (("relation", verdict.agrees), ("accent", verdict.disagrees), ("line", verdict.silent)):
            width = unit * len(lines)
            yield f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="14" fill="{colour(name)}"/>'
            x += width
        yield f'<text x="{x + 8:.1f}" y="{y + 11}" font-size="11" fill="{colour("faint")}">'
        yield f"{_WORDS[verdict.conclusion]}</text></g>"
