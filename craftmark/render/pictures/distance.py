"""How far away the sender is: each hypothesis with its weight, beside the TTLs that arrived."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt

from craftmark.render.pictures import samples
from craftmark.render.pictures.charts import WIDTH, picture, stand_in, table

if TYPE_CHECKING:
    from craftmark.render.pictures.base import Picture
    from craftmark.report.document import Report, Scan

_HEIGHT = 150
#: Weights below this have no bar that could be seen.
_LEAST = 0.002


def draw(report: Report, scan: Scan) -> Picture | None:
    """Return the picture, None where no distance can be told."""
    del report
    hops = sorted(scan.sender.hops, key=lambda hop: hop.hops)
    if not hops:
        return None
    ttls = _arrived(scan)
    chart = alt.hconcat(_weights(scan), _histogram(ttls)) if ttls else _weights(scan)
    best = max(hops, key=lambda hop: hop.weight)
    words = (
        f"{scan.id}: {best.hops} hops from initial TTL {best.initial_ttl} with weight {best.weight:.2f}; "
        + "; ".join(f"{hop.hops} hops from {hop.initial_ttl}: {hop.weight:.2f}" for hop in hops if hop is not best)
    )
    return picture(chart, name="hops", title="How many hops away", words=words.rstrip("; ") + ".")


def _weights(scan: Scan) -> Any:
    rows = [
        {"hops": f"{hop.hops} (from {hop.initial_ttl})", "weight": hop.weight, "place": hop.hops}
        for hop in scan.sender.hops
        if hop.weight >= _LEAST
    ]
    bars = alt.Chart(table(rows), width=WIDTH // 2 - 40, height=_HEIGHT, title="weight of each distance")
    return bars.mark_bar(color=stand_in("constant"), size=30).encode(
        x=alt.X("hops:N", title="hops (initial TTL)", sort=alt.SortField("place"), axis=alt.Axis(labelAngle=-25)),
        y=alt.Y("weight:Q", title="weight", scale=alt.Scale(domain=[0, 1])),
    )


def _histogram(ttls: dict[int, int]) -> Any:
    rows = [{"ttl": ttl, "probes": count} for ttl, count in sorted(ttls.items())]
    bars = alt.Chart(table(rows), width=WIDTH // 2 - 40, height=_HEIGHT, title="TTLs on arrival")
    return bars.mark_bar(color=stand_in("accent")).encode(
        x=alt.X("ttl:O", title="ip_ttl", axis=alt.Axis(labelAngle=0, labelOverlap=True)),
        y=alt.Y("probes:Q", title="probes drawn"),
    )


def _arrived(scan: Scan) -> dict[int, int]:
    """Return how often each TTL arrived: in the sample where it varies, else in all probes."""
    values = samples.column(scan.drawn.spread, "ip_ttl")
    if values is not None:
        known = [value for value in values if value is not None]
        return {ttl: known.count(ttl) for ttl in set(known)}
    constant = [field for field in scan.drawn.header if field.name == "ip_ttl" and field.role == "constant"]
    return {constant[0].always: constant[0].seen} if constant else {}
