"""All pictures, in the order in which a reader looks at them. Charts import Altair, which is slow: import this late."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from craftmark.render.pictures import answers, distance, gaps, header_map, hilbert, order, sources, streams, tools

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from craftmark.render.pictures.base import Draw, Picture
    from craftmark.report.document import Report, Scan

PICTURES: Final[Mapping[str, Draw]] = {
    "header": header_map.draw,
    "order": order.draw,
    "tools": tools.draw,
    "hops": distance.draw,
    "gaps": gaps.draw,
    "streams": streams.draw,
    "sources": sources.draw,
    "targets": hilbert.draw,
    "answers": answers.draw,
}


def pictures_of(report: Report, scan: Scan) -> Iterator[Picture]:
    """Yield every picture that a scan has something to show for."""
    for draw in PICTURES.values():
        picture = draw(report, scan)
        if picture is not None:
            yield picture
