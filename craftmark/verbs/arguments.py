"""Arguments that many verbs take, each spelled and checked in one place. Imports nothing heavy."""

from __future__ import annotations

import argparse
import os

#: What a CASE may be, for the help of verbs that take one.
CASE_HELP = "a capture or log, a saved report (--json) or a kept case's id; - reads standard input"

#: More would take memory, not save time.
MOST_CORES = 256


def add_page_arguments(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """Add how the result is shown: ``screen_of`` reads it."""
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto", help="default: auto")
    parser.add_argument("--quiet", action="store_true", help="no progress and no warnings on stderr; errors stay")


def add_rules_argument(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """Add ``--rules``, for verbs that work by rules."""
    parser.add_argument(
        "--rules", metavar="DIR", action="append", default=[], type=rules_folder, help="add or replace rules"
    )


def add_reading_arguments(parser: argparse.ArgumentParser) -> None:
    """Add how captures and logs are read and examined: ``settings_of`` reads it. Saved reports stay as they are."""
    group = parser.add_argument_group("what is examined")
    group.add_argument("--where", metavar="EXPR", help="only packets for which this holds, as 'tcp_dport < 1024'")
    group.add_argument("--own", metavar="NET", action="append", default=[], type=network, help="a network of yours")
    group.add_argument(
        "--path", metavar="FILE", action="append", default=[], help="a route you traced (traceroute, mtr)"
    )
    group.add_argument("--surveys", metavar="FILE", action="append", default=[], help="networks known to survey others")
    add_rules_argument(group)
    group.add_argument("--year", metavar="YYYY", type=year, help="the year of logs that have none")
    group.add_argument("--trust-clock", action="store_true", help="let dates count as evidence")
    group.add_argument("--format", metavar="NAME", dest="format_name", help="read all inputs as this format")
    group.add_argument("--cores", metavar="N", type=cores, help="how many to use (default: all, for large captures)")


def network(text: str) -> str:
    """Return a network in its canonical form."""
    import ipaddress  # noqa: PLC0415 - only where the option is used

    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        msg = f"{text!a} is not a network, such as 192.0.2.0/24"
        raise argparse.ArgumentTypeError(msg) from None


def folder(text: str) -> str:
    """Return the name of a folder that is there."""
    if not os.path.isdir(text):  # noqa: PTH112 - pathlib would be imported for this alone
        msg = f"{text!a} is not a folder"
        raise argparse.ArgumentTypeError(msg)
    return text


def rules_folder(text: str) -> str:
    """Return the name of a folder that holds rules."""
    folder(text)
    try:
        names = os.listdir(text)  # noqa: PTH208 - as above
    except OSError as fault:
        msg = f"{text!a} cannot be read: {fault.strerror}"
        raise argparse.ArgumentTypeError(msg) from None
    if not any(name.endswith(".toml") for name in names):
        msg = f"{text!a} holds no rules, files that end in .toml"
        raise argparse.ArgumentTypeError(msg)
    return text


def cores(text: str) -> int:
    """Return a number of cores."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MOST_CORES):
        msg = f"{text!a} is not a number of cores from 1 to {MOST_CORES}"
        raise argparse.ArgumentTypeError(msg)
    return int(text)


def year(text: str) -> int:
    """Return a year that packets can be of."""
    if not (len(text) == 4 and text.isascii() and text.isdigit() and 1970 <= int(text) <= 2261):
        msg = f"{text!a} is not a year from 1970 to 2261"
        raise argparse.ArgumentTypeError(msg)
    return int(text)
