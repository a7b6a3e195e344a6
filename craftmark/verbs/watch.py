"""``craftmark watch``: scans of a stream, told as they are over: of a pipe, or of a folder of rotating captures."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

from craftmark.verbs.arguments import add_page_arguments, add_rules_argument, cores, network, year
from craftmark.verbs.screen import deliver, screen_of

if TYPE_CHECKING:
    from craftmark.watch.session import Wanted

_IDLE_S: Final = 900
_STRANDS: Final = 2_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("path", metavar="STREAM", help="- for standard input, or a folder that captures come into")
    parser.add_argument("--jsonl", action="store_true", help="one line of JSON per scan, and per state")
    parser.add_argument("--idle", metavar="S", type=seconds, default=_IDLE_S, help="a scan silent for so long is over")
    parser.add_argument("--every", metavar="S", type=seconds, default=0, help="tell what is open so often")
    parser.add_argument("--strands", metavar="N", type=strands, default=_STRANDS, help="most to keep in memory")
    parser.add_argument("--state", metavar="FILE", help="keep what is open in FILE, and go on from it")
    parser.add_argument("--close", action="store_true", help="conclude what is open at the end, also with --state")
    group = parser.add_argument_group("what is examined")
    group.add_argument("--where", metavar="EXPR", help="only packets for which this holds, as 'tcp_dport < 1024'")
    group.add_argument("--own", metavar="NET", action="append", default=[], type=network, help="a network of yours")
    add_rules_argument(group)
    group.add_argument("--year", metavar="YYYY", type=year, help="the year of logs that have none")
    group.add_argument("--trust-clock", action="store_true", help="let dates count as evidence")
    group.add_argument("--format", metavar="NAME", dest="format_name", help="read all inputs as this format")
    group.add_argument("--cores", metavar="N", type=cores, help="how many to use (default: all, for large captures)")
    add_page_arguments(parser)


def run(parsed: argparse.Namespace) -> int:
    """Watch until the stream ends, or until told to stop."""
    from craftmark.watch.session import watch  # noqa: PLC0415 - after the options are known to be right

    return watch(_wanted(parsed), deliver)


def _wanted(parsed: argparse.Namespace) -> Wanted:
    from craftmark.pipeline import Settings  # noqa: PLC0415 - as above
    from craftmark.watch.session import Wanted  # noqa: PLC0415 - as above

    screen = screen_of(parsed)
    return Wanted(
        path=parsed.path,
        settings=Settings(
            year=parsed.year,
            trust_clock=parsed.trust_clock,
            own=tuple(parsed.own),
            where=parsed.where,
            rules=tuple(parsed.rules),
            format_name=parsed.format_name,
            cores=parsed.cores,
        ),
        is_json=parsed.jsonl,
        idle_s=parsed.idle,
        every_s=parsed.every,
        strands=parsed.strands,
        width=screen.width,
        is_quiet=screen.quiet,
        state=parsed.state,
        closes=parsed.close,
    )


def seconds(text: str) -> float:
    """Return a number of seconds."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.01 <= value <= 1e7:
        msg = f"{text!a} is not a number of seconds"
        raise argparse.ArgumentTypeError(msg)
    return value


def strands(text: str) -> int:
    """Return how many strands to keep."""
    if not (text.isascii() and text.isdigit() and 1000 <= int(text) <= 1 << 28):
        msg = f"{text!a} is not a number of strands from 1000 on"
        raise argparse.ArgumentTypeError(msg)
    return int(text)
