"""The header on one screen: every bit of the IP and transport header, and what is known of it.

A bit of a constant field, or one that never changes inside a varying field, shows its digit. A varying bit is shaded by
the share of packets in which it is set. Fields given by a relation, a counter or a generator have that colour and say
the formula on hover; what the input cannot show is left empty and dashed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from craftmark.render.pictures.base import Picture, document, escaped
from craftmark.render.pictures.layouts import layout
from craftmark.render.pictures.theme import colour

if TYPE_CHECKING:
    from collections.abc import Iterator

    from craftmark.report.document import Report, Scan
    from craftmark.report.drawn import HeaderField

_CELL: Final = 22
_ROW: Final = 44
_LEFT: Final = 56
_TOP: Final = 16
_LEGEND: Final = (
    ("constant", "constant"),
    ("relation", "given by a relation"),
    ("counter", "counter"),
    ("generator", "generator"),
    ("varies", "varies (darker: more often 1)"),
)


def draw(report: Report, scan: Scan) -> Picture | None:
    """Return the map of a scan's header, None where nothing of it was seen."""
    del report
    fields = {field.name: field for field in scan.drawn.header}
    rows = layout(frozenset(fields))
    if not rows:
        return None
    parts = list(_rows(rows, fields))
    height = _TOP + _ROW * len(rows)
    parts += _legend(height + 14, scan)
    alt = _alt(scan)
    title = "The header, bit by bit"
    svg = document(_LEFT + 32 * _CELL + 8, height + 34, "".join(parts), title=title, alt=alt)
    return Picture("header", title, alt, svg)


def _rows(
    rows: tuple[tuple[str, tuple[tuple[str, int, str], ...]], ...], fields: dict[str, HeaderField]
) -> Iterator[str]:
    shown = ""
    for number, (header, row) in enumerate(rows):
        y = _TOP + number * _ROW
        if header != shown:
            yield f'<text x="4" y="{y + 28}" font-weight="600">{header}</text>'
            shown = header
        x = _LEFT
        for name, bits, label in row:
            yield from _field(fields.get(name), name, bits, label, x, y)
            x += bits * _CELL


def _field(field: HeaderField | None, name: str, bits: int, label: str, x: int, y: int) -> Iterator[str]:
    hint = _hint(field, name, label)
    yield f"<g><title>{escaped(hint)}</title>"
    yield f'<text x="{x + 2}" y="{y + 11}" font-size="11">{escaped(_caption(field, label, bits * _CELL))}</text>'
    for place in range(bits):
        yield _bit(field, bits, place, x + place * _CELL, y + 15)
    yield "</g>"


def _caption(field: HeaderField | None, label: str, width: int) -> str:
    """Return the field's name with its value or formula, as far as there is room."""
    most = int(width / 6.3)
    told = field.formula.split(" = ", 1)[-1] if field is not None else ""
    whole = f"{label} = {told}" if told else label
    return whole if len(whole) <= most else label[:most].rstrip()


def _bit(field: HeaderField | None, bits: int, place: int, x: int, y: int) -> str:
    box = f'<rect x="{x + 0.5}" y="{y + 0.5}" width="{_CELL - 1}" height="{_CELL - 1}" '
    if field is None or field.role in ("unseen", "absent"):
        return box + f'fill="none" stroke="{colour("line")}" stroke-dasharray="2 2"/>'
    mask = 1 << (bits - 1 - place)
    is_fixed = bool(field.always & mask) or not field.ever & mask
    name = "constant" if is_fixed and field.role == "varies" else field.role
    share = 1000 if is_fixed or not field.ones or name != "varies" else 250 + 3 * field.ones[place] // 4
    cell = box + f'fill="{colour(name)}" fill-opacity="{(0.85 if name != "varies" else 1) * share / 1000:.2f}"/>'
    if not is_fixed:
        return cell
    digit = 1 if field.always & mask else 0
    middle = f'x="{x + _CELL / 2}" y="{y + 15.5}" text-anchor="middle"'
    return cell + f'<text {middle} font-size="11" fill="{colour("paper")}">{digit}</text>'


def _hint(field: HeaderField | None, name: str, label: str) -> str:
    if field is None:
        return f"{label}: not told by this input" if name else f"{label}: not part of the report"
    if field.role == "unseen":
        return f"{name}: this input cannot show it"
    total = field.seen + field.unseen + field.absent
    said = field.formula or f"{name} varies"
    return f"{said}, in {field.seen:,} of {total:,} probes"


def _legend(y: int, scan: Scan) -> Iterator[str]:
    roles = {field.role for field in scan.drawn.header} | {"constant"}
    x = _LEFT
    for role, text in _LEGEND:
        if role in roles:
            yield f'<rect x="{x}" y="{y}" width="12" height="12" fill="{colour(role)}"/>'
            yield f'<text x="{x + 17}" y="{y + 10.5}" font-size="11">{text}</text>'
            x += 30 + int(len(text) * 6.1)


def _alt(scan: Scan) -> str:
    said = [field.formula for field in scan.drawn.header if field.formula]
    rest = [field.name for field in scan.drawn.header if field.role == "varies"]
    unseen = [field.name for field in scan.drawn.header if field.role == "unseen"]
    parts = ["; ".join(said)] if said else []
    parts += [f"varying: {', '.join(rest)}"] if rest else []
    parts += [f"not shown by this input: {', '.join(unseen)}"] if unseen else []
    return f"Header of {scan.id}: " + ". ".join(parts) + "."
