"""Gaps between consecutive probes on a logarithmic axis: pacing shows as a peak, bursts as two."""

from __future__ import annotations

from typing import TYPE_CHECKING

import altair as alt

from craftmark.render.numbers import duration
from craftmark.render.pictures.charts import HEIGHT, WIDTH, picture, stand_in, table

if TYPE_CHECKING:
    from craftmark.render.pictures.base import Picture
    from craftmark.report.document import Report, Scan

#: A gap of nothing has no place on a logarithmic axis: it stands below the least that a capture's clock tells.
_NOTHING_S = 1e-9


def draw(report: Report, scan: Scan) -> Picture | None:
    """Return the picture, None where no times are told or there are no two probes."""
    del report
    bins = scan.drawn.gaps
    if not bins:
        return None
    rows = [
        {
            "from": max(one.from_ns / 1e9, _NOTHING_S / 2),
            "to": max(one.to_ns / 1e9, _NOTHING_S),
            "gaps": one.gaps,
            "none": 0,
        }
        for one in bins
    ]
    chart = (
        alt.Chart(table(rows), width=WIDTH, height=HEIGHT // 2)
        .mark_rect(color=stand_in("constant"))
        .encode(
            x=alt.X("from:Q", title="seconds between probes", scale=alt.Scale(type="log"), axis=alt.Axis(format="~g")),
            x2="to:Q",
            y=alt.Y("gaps:Q", title="gaps"),
            y2="none:Q",
        )
    )
    most = max(bins, key=lambda one: one.gaps)
    total = sum(one.gaps for one in bins)
    words = (
        f"{total:,} gaps between consecutive probes of {scan.id}, from {duration(bins[0].from_ns)} to "
        f"{duration(bins[-1].to_ns)}; most, {most.gaps:,}, between {duration(most.from_ns)} and {duration(most.to_ns)}."
    )
    return picture(chart, name="gaps", title="Gaps between probes", words=words)
