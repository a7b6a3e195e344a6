"""Fields that vary, against time and their own next value: counters are lines, generators lattices or clouds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import altair as alt

from craftmark.render.pictures import samples
from craftmark.render.pictures.charts import WIDTH, picture, stand_in, table

if TYPE_CHECKING:
    from craftmark.render.pictures.base import Picture
    from craftmark.report.document import Report, Scan
    from craftmark.report.drawn import Sample

#: Fields in which code shows how it draws numbers, the most telling first; at most so many are drawn.
_TELLING: Final = (
    "ip_id", "tcp_seq", "tcp_sport", "tcp_ack", "udp_sport", "icmp_seq", "icmp_id", "tcp_win", "ip6_flow", "icmp6_seq",
    "sctp_sport", "sctp_vtag",
)  # fmt: skip
_MOST: Final = 3
_HEIGHT: Final = 170
_FEWEST: Final = 3


def draw(report: Report, scan: Scan) -> Picture | None:
    """Return the picture, None where none of these fields varies."""
    del report
    run = scan.drawn.run if scan.drawn.run.rows else scan.drawn.spread
    names = [name for name in _TELLING if samples.column(run, name) is not None][:_MOST]
    if not names or run.rows < _FEWEST:
        return None
    rows = [alt.hconcat(_over_time(run, name), _next(run, name)) for name in names]
    kind = "consecutive " if run.consecutive else ""
    words = f"{run.rows:,} {kind}probes of {scan.id}: {', '.join(names)} against time, and each value against the next."
    return picture(alt.vconcat(*rows), name="streams", title="Fields that vary", words=words)


def _over_time(run: Sample, name: str) -> Any:
    values = samples.column(run, name) or ()
    rows = [
        {"at": at, "value": value} for at, value in zip(samples.moments(run), values, strict=True) if value is not None
    ]
    return _dots(rows, "at", samples.time_title(run), "value", name)


def _next(run: Sample, name: str) -> Any:
    rows = [{"value": earlier, "next": later} for earlier, later in samples.pairs(run, name)]
    return _dots(rows, "value", f"{name} of one probe", "next", "of the next")


def _dots(rows: list[dict[str, Any]], x: str, x_title: str, y: str, y_title: str) -> Any:
    wide = alt.Axis(format="~s", tickCount=5)
    across = alt.Axis(tickCount=5) if x == "at" else wide
    return (
        alt.Chart(table(rows), width=WIDTH // 2 - 40, height=_HEIGHT)
        .mark_point(filled=True, size=8, opacity=0.7, color=stand_in("constant"))
        .encode(
            x=alt.X(f"{x}:Q", title=x_title, axis=across, scale=alt.Scale(zero=False)),
            y=alt.Y(f"{y}:Q", title=y_title, axis=wide, scale=alt.Scale(zero=False)),
        )
    )
