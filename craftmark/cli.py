"""The command line: find the verb, read its options, turn what goes wrong into one sentence and an exit code.

Nothing but the parser is imported before the options of the main job are known: ``craftmark --help`` answers at once.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

from craftmark import __version__
from craftmark.errors import CraftmarkError, ExitCode, ExpressionError, RuleError, SourceError
from craftmark.verbs.base import EXAMINE, VERBS, Listed, OptionError, verb_named

if TYPE_CHECKING:
    from collections.abc import Sequence

_DESCRIPTION = """\
Decipher odd network scans: what was sent, which code made it and which did not,
from how far, and what it could learn. Reads captures and logs, told by content."""

_EXAMPLES = """\
exit codes:
  0 examined   3 examined, but an input was damaged or partly unreadable
  10 no such input   11 unreadable   12 unknown format   13 no packets   14 link type not supported
  20 --fail-on found its word   1 internal fault   2 usage   130 interrupted

examples:
  craftmark odd.pcap                  what is in it
  craftmark -v odd.pcap log.txt.gz    several inputs are one case; with evidence
  craftmark --why nmap odd.pcap       why nmap was eliminated, or not
  craftmark --only S1 -w s1.pcap odd.pcap"""


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one sentence, like all others; so are those of the parsers below it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"formatter_class": argparse.RawDescriptionHelpFormatter, "allow_abbrev": False, **options})

    def error(self, message: str) -> NoReturn:
        _complain(f"{message}; {self.prog} --help lists the options")
        raise SystemExit(ExitCode.USAGE)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    _make_streams_safe()
    words = list(sys.argv[1:] if arguments is None else arguments)
    listed = verb_named(words[0]) if words else None
    try:
        return _guarded(listed or EXAMINE, words[1:] if listed else words)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else ExitCode.EXAMINED
    except BrokenPipeError:
        return _after_broken_pipe()


def parser(listed: Listed = EXAMINE) -> argparse.ArgumentParser:
    """Return the parser of a verb's options; raises OptionError where the verb cannot be loaded."""
    if listed is EXAMINE:
        made = _Parser(
            prog="craftmark",
            description=_DESCRIPTION,
            epilog=f"{_verbs_list()}\n\n{_EXAMPLES}",
            usage="craftmark [examine] [options] CAPTURE...\n       craftmark VERB --help",
        )
        made.add_argument("--version", action="version", version=f"craftmark {__version__}")
    else:
        made = _Parser(prog=f"craftmark {listed.name}", description=f"{listed.help[0].upper()}{listed.help[1:]}.")
    listed.load().add_arguments(made)
    return made


def _verbs_list() -> str:
    lines = [f"  {listed.name:<10} {listed.help}" for listed in VERBS]
    return "\n".join(["verbs (a file named like one: ./tools):", *lines])


def _parsed(listed: Listed, words: Sequence[str]) -> argparse.Namespace:
    try:
        options = parser(listed)
        parsed = options.parse_args(words)
        if listed is EXAMINE and not parsed.paths:
            options.error("name a capture or a log to examine")
        return parsed
    finally:
        sys.stdout.flush()  # --help into a closed pipe fails here, where it is caught


def _guarded(listed: Listed, words: Sequence[str]) -> int:
    """Run the verb; every way it can end is an exit code here."""
    try:
        return listed.load().run(_parsed(listed, words))
    except BrokenPipeError:
        return _after_broken_pipe()
    except KeyboardInterrupt:
        return _interrupted()
    except (OptionError, RuleError, ExpressionError) as fault:
        for each in getattr(fault, "errors", (fault,)):
            _complain(str(each))
        return ExitCode.USAGE
    except SourceError as fault:
        _complain(str(fault))
        return fault.code
    except CraftmarkError as fault:
        _complain(str(fault))
        return ExitCode.INTERNAL_FAULT
    except Exception as fault:  # noqa: BLE001 - the last line of defence: told in one sentence, never hidden
        return _interrupted() if _is_interrupt(fault) else _internal_fault(fault)


def _interrupted() -> int:
    _complain("interrupted; nothing was concluded")
    return ExitCode.INTERRUPTED


def _is_interrupt(fault: BaseException | None) -> bool:
    """Tell whether Ctrl-C is behind a fault: of one during their import, libraries make an error of their own."""
    while fault is not None and not isinstance(fault, KeyboardInterrupt):
        fault = fault.__cause__ or fault.__context__
    return fault is not None


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
