"""The report as one HTML page that needs nothing else: no network, no script, no other file; light, dark and on paper.

Pure: the same report gives the same page, with or without the capture at hand. Jinja escapes every text; pictures come
escaped. What could reorder or hide text is made visible first, as everywhere.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import jinja2

from craftmark.render.conclusion import headline, sentences
from craftmark.render.escape import visible
from craftmark.render.numbers import counted, duration, moment, packet_refs, percent, power
from craftmark.render.pictures.every import pictures_of
from craftmark.render.pictures.theme import literal
from craftmark.render.summary import method, summary

if TYPE_CHECKING:
    from craftmark.report.document import Report, Scan

#: Scans and floods that get pictures; a page with hundreds of them opens in no browser.
PICTURED = 12

_ORDER = ("identification", "inconclusive", "unsuitable", "elimination")


def render_html(report: Report, *, for_paper: bool = False) -> str:
    """Return the whole page; ``for_paper`` writes colours out, for programs that know no CSS variables in SVG."""
    return environment().get_template("report.html.jinja").render(page_of(report, for_paper=for_paper))


def page_of(report: Report, *, for_paper: bool = False, draws: bool = True) -> dict[str, Any]:
    """Return what the templates need of a report; pictures only where it ``draws``."""
    findings = [*report.scans, *report.floods]
    most = PICTURED if draws else 0
    return {
        "report": report,
        "summary": summary(report),
        "method": method(report),
        "findings": [
            _finding(report, scan, draws=place < most, for_paper=for_paper) for place, scan in enumerate(findings)
        ],
        "several": len(report.inputs) > 1,
        "title": _title(report),
    }


def environment(*folders: str) -> jinja2.Environment:
    """Return the templates of reports, and of other folders of the package before them; all of them escape."""
    made = jinja2.Environment(
        loader=jinja2.ChoiceLoader(
            [jinja2.PackageLoader("craftmark", folder) for folder in (*folders, "render/templates")]
        ),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        finalize=_shown,
    )
    made.filters.update(
        percent=percent,
        power=power,
        duration=duration,
        moment=moment,
        counted=counted,
        packets=_packets,
        numbers=_numbers,
    )
    return made


def _shown(value: Any) -> Any:
    """Make every text of the report visible on its way into the page; markup made here stays as it is."""
    return value if hasattr(value, "__html__") or not isinstance(value, str) else visible(value)


def _packets(refs: Any, *, several: bool) -> str:
    return packet_refs(refs, inputs=2 if several else 1)


def _numbers(refs: Any) -> str:
    """Return packets as a program reads them: input and packet, both counted from 1."""
    return " ".join(f"{ref.input}:{ref.packet}" for ref in refs)


def _title(report: Report) -> str:
    names = [one.name.rsplit("/", 1)[-1] for one in report.inputs]
    return (
        f"craftmark: {names[0]}" + (f" and {len(names) - 1} more" if len(names) > 1 else "") if names else "craftmark"
    )


def _finding(report: Report, scan: Scan, *, draws: bool, for_paper: bool) -> dict[str, Any]:
    pictures = list(pictures_of(report, scan)) if draws else []
    flood = scan.id.startswith("F")
    return {
        "scan": scan,
        "flood": flood,
        "headline": headline(scan, flood=flood),
        "sentences": list(sentences(scan, flood=flood)),
        "pictures": [replace(one, svg=literal(one.svg)) for one in pictures] if for_paper else pictures,
        "claims": [claim for claim in report.claims if claim.about == scan.id],
        "tools": sorted(
            (one for one in scan.maker.tools if one.kind != "stack"),
            key=lambda one: (_ORDER.index(one.conclusion), -len(one.agrees), one.tool),
        ),
    }
