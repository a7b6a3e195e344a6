"""What each stack answers to such a probe, by the state of the port: the matrix of expected answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from craftmark.render.pictures.base import Picture, document, escaped
from craftmark.render.pictures.theme import colour

if TYPE_CHECKING:
    from collections.abc import Iterator

    from craftmark.report.document import Predicted, Report, Scan

_STATES: Final = ("open", "closed", "filtered")
_ROW: Final = 22
_LEFT: Final = 360
_CELL: Final = 150


def draw(report: Report, scan: Scan) -> Picture | None:
    """Return the matrix, None where nothing is predicted."""
    del report
    rows: dict[str, dict[str, Predicted]] = {}
    for one in scan.answers.predicted:
        label = f"{one.stack} ({one.rule})" if one.rule and one.rule not in one.stack else one.stack
        rows.setdefault(label, {})[one.state] = one
    if not rows:
        return None
    title = "What each stack would answer"
    words = " ".join(
        f"{label}: {', '.join(f'{state} {cells[state].answer}' for state in _STATES if state in cells)}."
        for label, cells in rows.items()
    )
    body = "".join(_body(rows))
    width, height = _LEFT + _CELL * len(_STATES) + 8, 34 + _ROW * len(rows)
    return Picture("answers", title, words, document(width, height, body, title=title, alt=words))


def _body(rows: dict[str, dict[str, Predicted]]) -> Iterator[str]:
    for place, state in enumerate(_STATES):
        yield f'<text x="{_LEFT + place * _CELL + 6}" y="16" fill="{colour("faint")}">{state} port</text>'
    for number, (label, cells) in enumerate(rows.items()):
        y = 26 + number * _ROW
        yield f'<text x="8" y="{y + 14}">{escaped(label[:58])}</text>'
        for place, state in enumerate(_STATES):
            yield from _cell(cells.get(state), _LEFT + place * _CELL, y)


def _cell(one: Predicted | None, x: int, y: int) -> Iterator[str]:
    if one is None:
        return
    name, strength = ("accent", 0.25) if one.answer != "none" else ("line", 0.4)
    box = f'<rect x="{x}" y="{y}" width="{_CELL - 4}" height="{_ROW - 4}" '
    yield f'<g><title>{escaped(one.source)}</title>{box}fill="{colour(name)}" fill-opacity="{strength}"/>'
    yield f'<text x="{x + 6}" y="{y + 13}" font-size="11">{escaped(one.answer[:24])}</text></g>'
