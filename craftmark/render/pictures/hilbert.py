"""Targets on a Hilbert curve: neighbours in the address space are neighbours in the picture.

The smallest prefix that holds all targets drawn is laid out; a cell is a block of equal length in it. Curve: Hilbert
1891; distance to place as in Warren, Hacker's Delight, section 16-1.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from craftmark.packets.batch import address_text
from craftmark.render.pictures import samples
from craftmark.render.pictures.base import Picture, document, escaped
from craftmark.render.pictures.theme import colour

if TYPE_CHECKING:
    from collections.abc import Iterator

    from craftmark.report.document import Report, Scan

#: The map has 2**_ORDER cells a side, fewer where the prefix is small.
_ORDER: Final = 5
_SIDE: Final = 320
_FEWEST: Final = 4


def draw(report: Report, scan: Scan) -> Picture | None:
    """Return the map, None for few targets or addresses of IPv6."""
    del report
    values = [one for one in samples.column(scan.drawn.spread, "ip_dst") or () if one is not None]
    is_ipv6 = any(field.name == "ip6_flow" for field in scan.drawn.header)
    if is_ipv6 or scan.targets_total < _FEWEST or len(set(values)) < _FEWEST:
        return None
    free = max(2, (min(values) ^ max(values)).bit_length())
    free += free % 2
    order = min(_ORDER, free // 2)
    first = min(values) >> free << free
    cells = Counter((value - first) >> (free - 2 * order) for value in values)
    body = "".join(_cells(cells, order, first, free - 2 * order))
    prefix = f"{address_text(4, first, (0, 0, 0))}/{32 - free}"
    filled = f"{len(cells):,} of {4**order:,} blocks of /{32 - free + 2 * order}"
    words = f"Targets of {scan.id} in {prefix}, {samples.drawn_note(scan, scan.drawn.spread)}: in {filled}."
    caption = f'<text x="8" y="{_SIDE + 28}" font-size="11">{escaped(f"{prefix}: probes in {filled}")}</text>'
    title = "Targets on a Hilbert curve"
    svg = document(_SIDE + 16, _SIDE + 40, body + caption, title=title, alt=words)
    return Picture("targets", title, words, svg)


def place(distance: int, order: int) -> tuple[int, int]:
    """Return column and row of a distance along the curve of 2**order cells a side."""
    x = y = 0
    for level in range(order):
        right = distance >> 1 & 1
        up = (distance ^ right) & 1
        size = 1 << level
        if not up:
            if right:
                x, y = size - 1 - x, size - 1 - y
            x, y = y, x
        x += size * right
        y += size * up
        distance >>= 2
    return x, y


def _cells(cells: Counter[int], order: int, first: int, block: int) -> Iterator[str]:
    size = _SIDE / (1 << order)
    most = max(cells.values())
    yield f'<rect x="8" y="8" width="{_SIDE}" height="{_SIDE}" fill="none" stroke="{colour("line")}"/>'
    for number, count in sorted(cells.items()):
        x, y = place(number, order)
        hint = f"{address_text(4, first + (number << block), (0, 0, 0))}/{32 - block}: {count:,} drawn"
        shade = f"{0.25 + 0.75 * count / most:.2f}"
        yield (
            f'<rect x="{8 + x * size:.2f}" y="{8 + y * size:.2f}" width="{size:.2f}" height="{size:.2f}" '
            f'fill="{colour("constant")}" fill-opacity="{shade}"><title>{escaped(hint)}</title></rect>'
        )
