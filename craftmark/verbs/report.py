"""``craftmark report``: a case as a document to hand on, its form told by the file's ending."""

from __future__ import annotations

import sys
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from craftmark.errors import ExitCode
from craftmark.render.escape import visible
from craftmark.verbs.arguments import CASE_HELP, add_page_arguments, add_reading_arguments
from craftmark.verbs.base import OptionError
from craftmark.verbs.case import load, settings_of
from craftmark.verbs.files import write_file
from craftmark.verbs.screen import screen_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping

    from craftmark.report.document import Report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("case", metavar="CASE", help=CASE_HELP)
    parser.add_argument("-o", "--output", metavar="FILE", required=True, help="ends in .html, .pdf, .md or .json")
    add_reading_arguments(parser)
    add_page_arguments(parser)


def run(parsed: argparse.Namespace) -> int:
    """Write the document."""
    form = _FORMS.get(PurePath(parsed.output).suffix.lower())
    if form is None:
        raise OptionError(f"-o {visible(parsed.output)}: the file's name must end in {', '.join(_FORMS)}")
    screen = screen_of(parsed)
    report = load(parsed.case, settings_of(parsed), screen)
    content = form(report)
    write_file(parsed.output, content)
    if not screen.quiet:
        sys.stderr.write(f"craftmark: wrote {visible(parsed.output)}, {len(content):,} bytes\n")
    return ExitCode.DAMAGED if report.damaged else ExitCode.EXAMINED


def _html(report: Report) -> bytes:
    from craftmark.render.html import render_html  # noqa: PLC0415 - charts are slow to import: only for these forms

    return render_html(report).encode("utf-8")


def pdf_of(report: Report) -> bytes:
    """Return the report as PDF; raises OptionError where WeasyPrint is not installed."""
    from craftmark.render.html import render_html  # noqa: PLC0415 - as above

    try:
        import weasyprint  # type: ignore[import-untyped]  # noqa: PLC0415 - an optional library
    except (ImportError, OSError) as fault:
        what = f"PDF needs WeasyPrint and Pango ({fault}); pip install 'craftmark[pdf]', or write .html and print it"
        raise OptionError(visible(what)) from fault
    page: bytes = weasyprint.HTML(string=render_html(report, for_paper=True), url_fetcher=_refuse).write_pdf()
    return page


def _refuse(url: str) -> dict[str, object]:
    """Fetch nothing: the page needs nothing else, and a report must not reach for a network."""
    msg = f"not fetched: {url}"
    raise ValueError(msg)


def _markdown(report: Report) -> bytes:
    from craftmark.render.markdown import render_markdown  # noqa: PLC0415 - only for this form

    return render_markdown(report).encode("utf-8")


def _json(report: Report) -> bytes:
    return report.to_json().encode("utf-8")


_FORMS: Final[Mapping[str, Callable[[Report], bytes]]] = {
    ".html": _html, ".htm": _html, ".pdf": pdf_of, ".md": _markdown, ".json": _json,
}  # fmt: skip
