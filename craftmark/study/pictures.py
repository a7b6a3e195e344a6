"""The pictures of a study: packets by case and role, tools, ports, and how often markprints are new."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt

from craftmark.render.escape import visible
from craftmark.render.numbers import counted
from craftmark.render.pictures.charts import HEIGHT, SERIES, WIDTH, picture, stand_in, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from craftmark.render.pictures.base import Picture
    from craftmark.study.base import Table

#: Bars that can be told apart on one picture.
_BARS = 20
_ROLES = ("probe", "answer", "backscatter", "flood", "ordinary", "undecoded")


def pictures_of(tables: dict[str, Table]) -> Iterator[Picture]:
    """Yield the pictures that there is something to draw for."""
    if tables["cases"].rows:
        yield _roles(tables["cases"])
    if tables["tools"].rows:
        yield _tools(tables["tools"])
        yield _new(tables["cases"])
    if tables["ports"].rows:
        yield _ports(tables["ports"])


def _roles(cases: Table) -> Picture:
    rows = [
        {"case": visible(str(one["case"])), "role": role, "packets": one[role], "place": place}
        for one in cases.dicts()
        for place, role in enumerate(_ROLES)
        if one[role]
    ]
    chart = alt.Chart(table(rows)).mark_bar().encode(
        x=alt.X("case:N", sort=None, title=None),
        y=alt.Y("packets:Q", title="packets"),
        color=alt.Color("role:N", scale=alt.Scale(domain=list(_ROLES), range=list(SERIES)), title=None),
        order=alt.Order("place:Q"),
    )  # fmt: skip
    words = (
        f"Packets of {counted(len(cases.rows), 'case')}, by their role; backscatter and floods stand apart from probes."
    )
    return picture(_sized(chart), name="roles", title="Packets by their role", words=words)


def _tools(tools: Table) -> Picture:
    rows = [
        {
            "tool": visible(f"{one['tool']} {one['version'] or ''}".strip()),
            "share": one["share"], "low": one["share_low"], "high": one["share_high"],
        }
        for one in tools.dicts()[:_BARS]
    ]  # fmt: skip
    base = alt.Chart(table(rows))
    y = alt.Y("tool:N", sort=None, title=None)
    bars = base.mark_bar(color=stand_in("constant")).encode(
        x=alt.X("share:Q", axis=alt.Axis(format="%"), title="share of scans, with its interval of 95 %"), y=y
    )
    spans = base.mark_rule(color=stand_in("ink")).encode(x="low:Q", x2="high:Q", y=y)
    words = " ".join(f"{row['tool']}: {float(row['share']):.1%}." for row in rows)  # type: ignore[arg-type]
    return picture(_sized(bars + spans, rows=len(rows)), name="tools", title="What made the scans", words=words)


def _new(cases: Table) -> Picture:
    kinds = ("seen before", "new")
    rows = []
    for one in cases.dicts():
        new = int(one["new_markprints"] or 0)
        counts = (int(one["markprints"] or 0) - new, new)
        rows += [
            {"case": visible(str(one["case"])), "kind": kind, "markprints": count}
            for kind, count in zip(kinds, counts, strict=True)
        ]
    chart = alt.Chart(table(rows)).mark_bar().encode(
        x=alt.X("case:N", sort=None, title=None),
        y=alt.Y("markprints:Q", title="structures of markprint"),
        color=alt.Color("kind:N", scale=alt.Scale(domain=list(kinds), range=list(SERIES[:2])), title=None),
    )  # fmt: skip
    words = "How many structures of markprint each case has, and how many of them no earlier case had."
    return picture(_sized(chart), name="new", title="Markprints first seen", words=words)


def _ports(ports: Table) -> Picture:
    rows = [
        {"port": f"{one['protocol']} {one['port']}", "scans": one["scans"], "probes": one["probes"]}
        for one in ports.dicts()[:_BARS]
    ]
    chart = alt.Chart(table(rows)).mark_bar(color=stand_in("relation")).encode(
        x=alt.X("scans:Q", title="scans", axis=alt.Axis(tickMinStep=1, format="d")),
        y=alt.Y("port:N", sort=None, title=None),
    )  # fmt: skip
    words = " ".join(f"{row['port']}: {row['scans']} scans." for row in rows)
    return picture(_sized(chart, rows=len(rows)), name="ports", title="Ports that most scans probed", words=words)


def _sized(chart: Any, *, rows: int | None = None) -> Any:
    return chart.properties(width=WIDTH, height=HEIGHT if rows is None else 24 + 18 * rows)
