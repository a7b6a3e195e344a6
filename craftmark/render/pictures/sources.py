"""Sources against fields: which of them share which values; what differs between senders stands out as a column.

Values are those of the probes drawn; a field that varies within a source says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from craftmark.marks.wording import value_text
from craftmark.packets.batch import address_text
from craftmark.packets.fields import FIELDS
from craftmark.render.pictures import samples
from craftmark.render.pictures.base import Picture, document, escaped
from craftmark.render.pictures.theme import colour

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from craftmark.report.document import Report, Scan

_MOST_SOURCES: Final = 24
_MOST_FIELDS: Final = 8
_ROW: Final = 22
_LEFT: Final = 130
_CELL: Final = 104
_SHADES: Final = ("constant", "relation", "counter", "generator")

Held = dict[str, set[int]]


def draw(report: Report, scan: Scan) -> Picture | None:
    """Return the matrix, None for one source or where no field but the addresses varies."""
    del report
    held = _held(scan)
    names = [name for name in _names(scan) if any(len(fields.get(name, ())) for fields in held.values())][:_MOST_FIELDS]
    if len(held) < 2 or not names:
        return None
    title = "Which sources share which values"
    shared = [name for name in names if len({frozenset(fields.get(name, ())) for fields in held.values()}) == 1]
    words = (
        f"{len(held):,} of {scan.sources_total:,} sources of {scan.id} against {', '.join(names)}; "
        f"the same in all sources drawn: {', '.join(shared) or 'none of them'}."
    )
    body = "".join((*_head(names), *_rows(held, names)))
    width, height = _LEFT + _CELL * len(names) + 8, 30 + _ROW * len(held)
    return Picture("sources", title, words, document(width, height, body, title=title, alt=words))


def _names(scan: Scan) -> list[str]:
    return [one.field for one in scan.drawn.spread.columns if one.field not in ("ip_src", "ip_dst")]


def _held(scan: Scan) -> Mapping[int, Held]:
    """Return per source the values of each field among the probes drawn."""
    sources = samples.column(scan.drawn.spread, "ip_src") or ()
    held: dict[int, Held] = {}
    for row, source in enumerate(sources):
        if source is None or (source not in held and len(held) >= _MOST_SOURCES):
            continue
        fields = held.setdefault(source, {})
        for one in scan.drawn.spread.columns:
            value = one.values[row]
            if value is not None:
                fields.setdefault(one.field, set()).add(value)
    return dict(sorted(held.items()))


def _head(names: list[str]) -> Iterator[str]:
    for place, name in enumerate(names):
        yield f'<text x="{_LEFT + place * _CELL + 4}" y="16" fill="{colour("faint")}">{escaped(name)}</text>'


def _rows(held: Mapping[int, Held], names: list[str]) -> Iterator[str]:
    shades: dict[str, dict[int, str]] = {name: {} for name in names}
    for number, (source, fields) in enumerate(held.items()):
        y = 24 + number * _ROW
        yield f'<text x="8" y="{y + 14}">{address_text(4, source, (0, 0, 0))}</text>'
        for place, name in enumerate(names):
            yield _cell(name, fields.get(name, set()), shades[name], _LEFT + place * _CELL, y)


def _cell(name: str, values: set[int], shades: dict[int, str], x: int, y: int) -> str:
    if not values:
        return ""
    if len(values) > 1:
        text, fill = f"{len(values):,} values", f'fill="{colour("line")}" fill-opacity="0.4"'
    else:
        (value,) = values
        shade = shades.setdefault(value, _SHADES[len(shades) % len(_SHADES)])
        text = value_text(name, value) if name in FIELDS else str(value)
        fill = f'fill="{colour(shade)}" fill-opacity="0.3"'
    box = f'<rect x="{x}" y="{y}" width="{_CELL - 4}" height="{_ROW - 4}" {fill}/>'
    return f'{box}<text x="{x + 4}" y="{y + 13}" font-size="11">{escaped(text[:16])}</text>'
