"""The pages as text: from the store and its reports, through templates that escape everything."""

from __future__ import annotations

from collections import OrderedDict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from craftmark import __version__
from craftmark.assess.likeness import compare
from craftmark.render.html import environment, page_of
from craftmark.render.likeness import render_likeness
from craftmark.render.pictures.every import PICTURES
from craftmark.render.text import render_why
from craftmark.verbs.export import FORMATS

if TYPE_CHECKING:
    import jinja2

    from craftmark.report.document import Report, Scan
    from craftmark.store.cases import KeptCase, Sighting
    from craftmark.web.jobs import Job

#: Rendered cases kept at hand: pictures take a second or two.
_AT_HAND: Final = 8
#: Characters in a line of what is shown as plain text.
_WIDE: Final = 110


class Side(NamedTuple):
    """One of two scans that are compared, and the case it is of."""

    case: str
    scan: Scan


class Pages:
    """All pages of one server."""

    def __init__(self, *, upload_limit: int, folder: str | None) -> None:
        self._templates = environment("web/templates")
        self._templates.filters["day"] = _day
        self._common = {"version": __version__, "upload_limit": upload_limit, "folder": folder}
        self._at_hand: OrderedDict[object, str] = OrderedDict()

    def index(self, cases: tuple[KeptCase, ...], active: list[Job]) -> str:
        """Return the page on which files are dropped."""
        return self._template("index.html.jinja").render(
            self._common, cases=cases, active=[job.view() for job in active], title="craftmark"
        )

    def case(
        self,
        case: str,
        report: Report,
        *,
        has_inputs: bool,
        earlier: tuple[Sighting, ...],
        others: tuple[Sighting, ...] = (),
    ) -> str:
        """Return the page of a case.

        earlier: findings of other cases with the same markprint structure. others: all that can be compared with.
        """
        key = (case, report.craftmark, report.knowledge, len(report.checks), has_inputs, earlier, others)
        if key not in self._at_hand:
            while len(self._at_hand) >= _AT_HAND:
                self._at_hand.popitem(last=False)
            self._at_hand[key] = self._case(case, report, has_inputs, earlier, others)
        return self._at_hand[key]

    def why(self, case: str, report: Report, tool: str) -> str:
        """Return the comparison of every scan with one tool."""
        text = render_why(report, tool, width=_WIDE)
        return self._template("why.html.jinja").render(self._common, case=case, tool=tool, text=text, title=tool)

    def picture(self, report: Report, scan_id: str, name: str) -> str | None:
        """Return one picture of a scan as SVG, None where there is no such scan or nothing to show."""
        scan = next((one for one in (*report.scans, *report.floods) if one.id == scan_id), None)
        drawn = PICTURES[name](report, scan) if scan is not None and name in PICTURES else None
        return drawn.svg if drawn is not None else None

    def compared(self, one: Side, other: Side) -> str:
        """Return how alike the code behind two scans is; raises ReportError for markprints that are not read."""
        cases = (one.case, one.scan), (other.case, other.scan)
        text = render_likeness(compare(one.scan.markprint, other.scan.markprint), cases, width=_WIDE, colour=False)
        title = f"{one.scan.id} beside {other.scan.id}"
        return self._template("why.html.jinja").render(self._common, case=one.case, tool=title, text=text, title=title)

    def _case(
        self,
        case: str,
        report: Report,
        has_inputs: bool,  # noqa: FBT001 - passed on by ``case``
        earlier: tuple[Sighting, ...],
        others: tuple[Sighting, ...],
    ) -> str:
        data = {scan.id: _drawn(scan) for scan in (*report.scans, *report.floods)}
        own = {scan.markprint.values for scan in report.scans}
        return self._template("case.html.jinja").render(
            self._common,
            case=case,
            has_inputs=has_inputs,
            earlier=earlier,
            others=others,
            formats=FORMATS,
            data=data,
            own_values=own,
            pictures=tuple(PICTURES),
            **page_of(report, draws=False),
        )

    def _template(self, name: str) -> jinja2.Template:
        return self._templates.get_template(name)


def _drawn(scan: Any) -> dict[str, Any]:
    """Return what the linked plots of a scan draw, as plain values."""
    sample = scan.drawn.spread
    return {
        "offset_ns": list(sample.offset_ns),
        "columns": {one.field: list(one.values) for one in sample.columns},
        "probes": scan.probes,
    }


def _day(ns: int | None) -> str:
    if ns is None:
        return "no date"
    return datetime.fromtimestamp(ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M UTC")
