"""Ports, or addresses, over time: one dot per probe, so that sweeps, shuffles and repeats are seen at a glance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import altair as alt

from craftmark.packets.batch import address_text
from craftmark.render.pictures import samples
from craftmark.render.pictures.charts import HEIGHT, SERIES, WIDTH, picture, table

if TYPE_CHECKING:
    from craftmark.render.pictures.base import Picture
    from craftmark.report.document import Report, Scan

_PORTS: Final = ("tcp_dport", "udp_dport", "sctp_dport")
_NAMES: Final = {"ip_dst": "destination address"}


def draw(report: Report, scan: Scan) -> Picture | None:
    """Return the picture, None where neither ports nor targets vary."""
    del report
    sample = scan.drawn.spread
    name = _followed(scan)
    if name is None:
        return None
    values, sources = samples.column(sample, name) or (), samples.source_names(sample)
    rows = [
        {"at": at, "value": value, "source": source}
        for at, value, source in zip(samples.moments(sample), values, sources, strict=True)
        if value is not None
    ]
    if not rows:
        return None
    what = _NAMES.get(name, "destination port")
    axis = alt.Axis(labelExpr=_AS_ADDRESS) if name == "ip_dst" else alt.Axis(format="d")
    chart = (
        alt.Chart(table(rows), width=WIDTH, height=HEIGHT)
        .mark_point(filled=True, size=9, opacity=0.8)
        .encode(
            x=alt.X("at:Q", title=samples.time_title(sample)),
            y=alt.Y("value:Q", title=what, scale=alt.Scale(zero=False), axis=axis),
            color=alt.Color(
                "source:N",
                title="source",
                scale=alt.Scale(range=list(SERIES)),
                legend=alt.Legend() if len(set(sources)) > 1 else None,
            ),
        )
    )
    title = f"{what.capitalize()}s over time" if name != "ip_dst" else "Destination addresses over time"
    words = f"{samples.drawn_note(scan, sample)} of {scan.id}: {what} {_span(name, [row['value'] for row in rows])}."
    return picture(chart, name="order", title=title, words=words)


#: Vega's expression for an axis of 32-bit numbers as dotted decimal.
_AS_ADDRESS: Final = (
    "floor(datum.value/16777216)+'.'+floor(datum.value/65536)%256+'.'+floor(datum.value/256)%256+'.'+datum.value%256"
)


def _followed(scan: Scan) -> str | None:
    """Return the field to follow: the ports where there are several, else the targets."""
    drawn = {one.field: one for one in scan.drawn.spread.columns}
    for name in _PORTS:
        if name in drawn:
            return name
    return "ip_dst" if "ip_dst" in drawn and scan.targets_total > 1 else None


def _span(name: str, values: list[object]) -> str:
    numbers = sorted(value for value in values if isinstance(value, int))
    low, high = numbers[0], numbers[-1]
    if name == "ip_dst":
        return f"from {address_text(4, low, (0, 0, 0))} to {address_text(4, high, (0, 0, 0))}"
    return f"from {low} to {high}"
