"""What a picture is: an SVG that stands alone, with a title and words for those who cannot see it.

A picture is a function from a report and one of its scans to a Picture, or None where the scan has nothing of the kind
to show; ``pictures/every.py`` lists them. Colours are names of ``theme``, so one SVG serves light and dark. Everything
that came from packets passes ``escaped``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from xml.sax.saxutils import escape

from craftmark.render.escape import visible
from craftmark.render.pictures.theme import FONT, STYLE, colour

if TYPE_CHECKING:
    from craftmark.report.document import Report, Scan


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture: ``svg`` is a whole document without an XML declaration, ``alt`` says in words what it shows."""

    name: str
    title: str
    alt: str
    svg: str


class Draw(Protocol):
    """Draws one kind of picture."""

    def __call__(self, report: Report, scan: Scan) -> Picture | None:
        """Return the picture, None where there is nothing to show."""


def escaped(text: str) -> str:
    """Return text as it may stand in SVG and HTML, as content or in a quoted attribute."""
    return escape(visible(text), {'"': "&quot;", "'": "&#39;"})


def document(width: float, height: float, body: str, *, title: str, alt: str) -> str:
    """Return a whole SVG; it scales down with its container and is never wider than drawn."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}" class="picture" font-family="{FONT}" font-size="12" fill="{colour("ink")}">'
        f"<title>{escaped(title)}</title><desc>{escaped(alt)}</desc><style>{STYLE}</style>{body}</svg>"
    )
