"""What all charts share: Altair's settings in the theme's colours, and the way from a chart to a Picture.

Vega-Lite knows no CSS, so a chart is drawn in stand-in colours that the SVG then names as the theme does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import altair as alt
import vl_convert

from craftmark.render.pictures.base import Picture, escaped
from craftmark.render.pictures.theme import COLOURS, FONT, STYLE, colour

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: Columns of pixels of a chart's plot, and rows.
WIDTH: Final = 640
HEIGHT: Final = 260

_STAND_INS: Final = {name: f"#0{number:x}0{number:x}0{number:x}" for number, name in enumerate(COLOURS, 1)}

#: One colour per source, as many as can be told apart; the rest share the last.
SERIES: Final = tuple(_STAND_INS[name] for name in ("constant", "accent", "relation", "generator", "counter", "varies"))


def stand_in(name: str) -> str:
    """Return the colour a chart uses for one of the theme's."""
    return _STAND_INS[name]


def table(rows: Sequence[Mapping[str, Any]]) -> alt.InlineData:
    """Return rows as a chart's data."""
    return alt.InlineData(values=[dict(row) for row in rows])


def picture(chart: Any, *, name: str, title: str, words: str) -> Picture:
    """Return a chart as a Picture; ``words`` say what it shows."""
    made = chart.configure(
        background=_STAND_INS["paper"],
        font="Arial",
        axis=alt.AxisConfig(
            labelColor=_STAND_INS["ink"],
            titleColor=_STAND_INS["ink"],
            domainColor=_STAND_INS["line"],
            tickColor=_STAND_INS["line"],
            gridColor=_STAND_INS["line"],
            gridOpacity=0.5,
            titleFontWeight="normal",
        ),
        legend=alt.LegendConfig(labelColor=_STAND_INS["ink"], titleColor=_STAND_INS["ink"], titleFontWeight="normal"),
        title=alt.TitleConfig(color=_STAND_INS["ink"], fontWeight="normal", fontSize=12),
        view=alt.ViewConfig(stroke=_STAND_INS["line"]),
    )
    svg = vl_convert.vegalite_to_svg(made.to_dict(), vl_version="6.4")
    return Picture(name, title, words, _themed(svg, title, words))


def _themed(svg: str, title: str, words: str) -> str:
    for name, stand_in_colour in _STAND_INS.items():
        svg = svg.replace(stand_in_colour, colour(name))
    head, body = svg.split(">", 1)
    attributes = head.removeprefix("<svg")
    told = f"<title>{escaped(title)}</title><desc>{escaped(words)}</desc><style>{STYLE}</style>"
    opened = f'<svg role="img"{attributes.replace(_CLASS, _OURS)}>'
    return (opened + told + body).replace('font-family="Arial"', f'font-family="{FONT}"')


_CLASS: Final = 'class="marks"'
_OURS: Final = 'class="picture"'
