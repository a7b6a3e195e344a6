"""``craftmark tui CASE``: look at a case in the terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from craftmark.errors import ExitCode
from craftmark.tui.app import CaseApp
from craftmark.verbs.arguments import CASE_HELP, add_page_arguments, add_reading_arguments
from craftmark.verbs.base import OptionError
from craftmark.verbs.case import load, settings_of
from craftmark.verbs.screen import screen_of

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("case", metavar="CASE", help=CASE_HELP)
    add_page_arguments(parser)
    add_reading_arguments(parser)


def run(parsed: argparse.Namespace) -> int:
    """Show the case until the user leaves."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise OptionError(
            "tui needs a terminal; craftmark CASE prints the page, craftmark report CASE -o FILE writes it"
        )
    settings = settings_of(parsed)
    report = load(parsed.case, settings, screen_of(parsed))
    CaseApp(report, parsed.case, settings).run()
    return ExitCode.DAMAGED if report.damaged else ExitCode.EXAMINED
