"""The command line: read the options, hand them to a verb, turn what goes wrong into one sentence and an exit code.

Nothing but the parser is imported before the options are known: ``craftmark --help`` answers at once.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from typing import TYPE_CHECKING, NoReturn, TextIO

from craftmark import __version__
from craftmark.errors import CraftmarkError, ExitCode, ExpressionError, RuleError, SourceError
from craftmark.verbs import fail_on

if TYPE_CHECKING:
    from collections.abc import Sequence

    from craftmark.verbs.examine import ExamineOptions

_DESCRIPTION = """\
Decipher odd network scans: what was sent, which code made it and which did not,
from how far, and what it could learn. Reads captures and logs, told by content."""

_EPILOG = """\
exit codes:
  0 examined   3 examined, but an input was damaged or partly unreadable
  10 no such input   11 unreadable   12 unknown format   13 no packets   14 link type not supported
  20 --fail-on found its word   1 internal fault   2 usage   130 interrupted

examples:
  craftmark odd.pcap                  what is in it
  craftmark -v odd.pcap log.txt.gz    several inputs are one case; with evidence
  craftmark --why nmap odd.pcap       why nmap was eliminated, or not
  craftmark --only S1 -w s1.pcap odd.pcap"""

#: Pages wider than this are hard to read.
_WIDEST = 120


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one sentence, like all others."""

    def error(self, message: str) -> NoReturn:
        _complain(f"{message}; craftmark --help lists the options")
        raise SystemExit(ExitCode.USAGE)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    _make_streams_safe()
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == ["examine"]:
        words = words[1:]
    try:
        return _guarded(_parsed(words))
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else ExitCode.EXAMINED
    except BrokenPipeError:
        return _after_broken_pipe()


def _parsed(words: Sequence[str]) -> argparse.Namespace:
    try:
        options = parser()
        parsed = options.parse_args(words)
        if not parsed.paths:
            options.error("name a capture or a log to examine")
        return parsed
    finally:
        sys.stdout.flush()  # --help into a closed pipe fails here, where it is caught


def parser() -> argparse.ArgumentParser:
    """Return the parser of the main job's options."""
    made = _Parser(
        prog="craftmark",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        usage="craftmark [examine] [options] CAPTURE...",
    )
    made.add_argument("paths", nargs="*", metavar="CAPTURE", help="capture or log file; - reads standard input")
    made.add_argument("--version", action="version", version=f"craftmark {__version__}")
    _add_output(made.add_argument_group("output"))
    _add_selection(made.add_argument_group("what is examined"))
    return made


def _add_output(group: argparse._ArgumentGroup) -> None:
    form = group.add_mutually_exclusive_group()
    form.add_argument("--json", dest="output", action="store_const", const="json", help="one report document")
    form.add_argument("--jsonl", dest="output", action="store_const", const="jsonl", help="one line per scan")
    form.add_argument("--why", metavar="TOOL", help="the comparison with one tool, line by line")
    group.add_argument("-v", "--verbose", action="count", default=0, help="add evidence; -vv adds every comparison")
    group.add_argument("--only", metavar="ID", help="show one scan or flood, such as S1")
    group.add_argument("-w", "--write", metavar="FILE", help="write the packets of the scan shown, as pcap")
    group.add_argument("--color", choices=("auto", "always", "never"), default="auto", help="default: auto")
    group.add_argument("--quiet", action="store_true", help="no progress and no warnings on stderr; errors stay")
    group.add_argument(
        "--fail-on", metavar="WORD", choices=fail_on.WORDS, help=f"exit 20 on: {', '.join(fail_on.WORDS)}"
    )


def _add_selection(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--where", metavar="EXPR", help="only packets for which this holds, as 'tcp_dport < 1024'")
    group.add_argument("--own", metavar="NET", action="append", default=[], type=_network, help="a network of yours")
    group.add_argument("--rules", metavar="DIR", action="append", default=[], type=_folder, help="add or replace rules")
    group.add_argument("--year", metavar="YYYY", type=_year, help="the year of logs that have none")
    group.add_argument("--trust-clock", action="store_true", help="let dates count as evidence")
    group.add_argument("--format", metavar="NAME", dest="format_name", help="read all inputs as this format")


def _network(text: str) -> str:
    import ipaddress  # noqa: PLC0415 - only where the option is used

    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        msg = f"{text!a} is not a network, such as 192.0.2.0/24"
        raise argparse.ArgumentTypeError(msg) from None


def _folder(text: str) -> str:
    if not os.path.isdir(text):  # noqa: PTH112 - pathlib would be imported for this alone
        msg = f"{text!a} is not a folder"
        raise argparse.ArgumentTypeError(msg)
    try:
        names = os.listdir(text)  # noqa: PTH208 - as above
    except OSError as fault:
        msg = f"{text!a} cannot be read: {fault.strerror}"
        raise argparse.ArgumentTypeError(msg) from None
    if not any(name.endswith(".toml") for name in names):
        msg = f"{text!a} holds no rules, files that end in .toml"
        raise argparse.ArgumentTypeError(msg)
    return text


def _year(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1970 <= int(text) <= 2261):
        msg = f"{text!a} is not a year from 1970 to 2261"
        raise argparse.ArgumentTypeError(msg)
    return int(text)


def _options(parsed: argparse.Namespace) -> ExamineOptions:
    from craftmark.verbs.examine import ExamineOptions  # noqa: PLC0415 - after the options are known to be right

    return ExamineOptions(
        paths=tuple(parsed.paths),
        output=parsed.output or "text",
        verbosity=parsed.verbose,
        why=parsed.why,
        only=parsed.only,
        write_to=parsed.write,
        rules=tuple(parsed.rules),
        year=parsed.year,
        trust_clock=parsed.trust_clock,
        own=tuple(parsed.own),
        where=parsed.where,
        format_name=parsed.format_name,
        fail_on=parsed.fail_on,
        colour=_wants_colour(parsed.color),
        width=_width(),
        quiet=parsed.quiet,
        shows_progress=not parsed.quiet and sys.stderr.isatty() and os.environ.get("TERM") != "dumb",
    )


def _guarded(parsed: argparse.Namespace) -> int:
    """Run the verb; every way it can end is an exit code here."""
    try:
        from craftmark.verbs.examine import OptionError, examine_command  # noqa: PLC0415 - after the options are right

        try:
            code = examine_command(_options(parsed))
        except (OptionError, RuleError, ExpressionError) as fault:
            for each in getattr(fault, "errors", (fault,)):
                _complain(str(each))
            return ExitCode.USAGE
    except BrokenPipeError:
        return _after_broken_pipe()
    except KeyboardInterrupt:
        _complain("interrupted; nothing was concluded")
        return ExitCode.INTERRUPTED
    except SourceError as fault:
        _complain(str(fault))
        return fault.code
    except CraftmarkError as fault:
        _complain(str(fault))
        return ExitCode.INTERNAL_FAULT
    except Exception as fault:  # noqa: BLE001 - the last line of defence: told in one sentence, never hidden
        return _internal_fault(fault)
    return code


def _internal_fault(fault: Exception) -> int:
    import traceback  # noqa: PLC0415 - only when something is broken

    if os.environ.get("CRAFTMARK_TRACE"):
        sys.stderr.write("".join(traceback.format_exception(fault)).encode("ascii", "backslashreplace").decode("ascii"))
    frames = [frame for frame in traceback.extract_tb(fault.__traceback__) if "craftmark" in frame.filename]
    where = f" in {os.path.basename(frames[-1].filename)} line {frames[-1].lineno}" if frames else ""  # noqa: PTH119
    _complain(
        f"internal fault{where}: {type(fault).__name__}: {fault}; please report this line with the output of "
        "craftmark --version (CRAFTMARK_TRACE=1 shows more)"
    )
    return ExitCode.INTERNAL_FAULT


def _after_broken_pipe() -> int:
    """Keep quiet: the reader has seen enough. Closing stdout later must not complain either."""
    sys.stdout = _nowhere()
    return ExitCode.EXAMINED


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 - lives as long as the process


def _complain(sentence: str) -> None:
    from craftmark.render.escape import visible  # noqa: PLC0415 - only where something is wrong

    sys.stderr.write(f"craftmark: {visible(sentence)}\n")


def _make_streams_safe() -> None:
    """A terminal that cannot show a character shows its code instead of failing; a closed stream shows nothing."""
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _wants_colour(choice: str) -> bool:
    if choice != "auto":
        return choice == "always"
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return False
    if os.name == "nt":
        return any(name in os.environ for name in ("WT_SESSION", "ANSICON", "ConEmuANSI", "TERM"))
    return os.environ.get("TERM", "") not in ("", "dumb")


def _width() -> int:
    """Return the columns of the page: the terminal's, or 100 where there is none."""
    if not sys.stdout.isatty():
        return 100
    return min(shutil.get_terminal_size((100, 24)).columns, _WIDEST)
