"""What the main job is asked: its options, and handing them on. Nothing heavy is imported before they are right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from craftmark.verbs import fail_on
from craftmark.verbs.arguments import add_page_arguments, add_reading_arguments
from craftmark.verbs.screen import screen_of

if TYPE_CHECKING:
    import argparse

    from craftmark.verbs.examine import ExamineOptions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the main job."""
    parser.add_argument("paths", nargs="*", metavar="CAPTURE", help="capture or log file; - reads standard input")
    _add_output(parser.add_argument_group("output"))
    add_reading_arguments(parser)


def run(parsed: argparse.Namespace) -> int:
    """Examine the inputs and show the report."""
    from craftmark.verbs.examine import examine_command  # noqa: PLC0415 - after the options are known to be right

    return examine_command(_options(parsed))


def _add_output(group: argparse._ArgumentGroup) -> None:
    form = group.add_mutually_exclusive_group()
    form.add_argument("--json", dest="output", action="store_const", const="json", help="one report document")
    form.add_argument("--jsonl", dest="output", action="store_const", const="jsonl", help="one line per scan")
    form.add_argument("--why", metavar="TOOL", help="the comparison with one tool, line by line")
    group.add_argument("-v", "--verbose", action="count", default=0, help="add evidence; -vv adds every comparison")
    group.add_argument("--only", metavar="ID", help="show one scan or flood, such as S1")
    group.add_argument("-w", "--write", metavar="FILE", help="write the packets of the scan shown, as pcap")
    group.add_argument(
        "--fail-on", metavar="WORD", choices=fail_on.WORDS, help=f"exit 20 on: {', '.join(fail_on.WORDS)}"
    )
    group.add_argument("--keep", action="store_true", help="keep the case, so that its scans are known again")
    add_page_arguments(group)


def _options(parsed: argparse.Namespace) -> ExamineOptions:
    from craftmark.verbs.case import settings_of  # noqa: PLC0415 - as above
    from craftmark.verbs.examine import ExamineOptions  # noqa: PLC0415 - as above

    return ExamineOptions(
        paths=tuple(parsed.paths),
        settings=settings_of(parsed),
        screen=screen_of(parsed),
        output=parsed.output or "text",
        verbosity=parsed.verbose,
        why=parsed.why,
        only=parsed.only,
        write_to=parsed.write,
        fail_on=parsed.fail_on,
        keeps=parsed.keep,
    )
