"""Where results are shown: stdout's width and colour, whether stderr is watched, and writing a result whole."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from craftmark.errors import ExitCode, SourceError

if TYPE_CHECKING:
    import argparse

#: Pages wider than this are hard to read.
_WIDEST = 120

#: Columns of a page that no terminal shows.
_PIPED = 100


@dataclass(frozen=True, slots=True)
class Screen:
    """How to write: a page's columns and whether it has colour; ``quiet`` and ``shows_progress`` are about stderr."""

    colour: bool = False
    width: int = _PIPED
    quiet: bool = False
    shows_progress: bool = False


def screen_of(parsed: argparse.Namespace) -> Screen:
    """Return the screen, by the options of ``add_page_arguments`` and the terminal."""
    watched = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    return Screen(
        colour=wants_colour(parsed.color),
        width=_width(),
        quiet=parsed.quiet,
        shows_progress=watched and not parsed.quiet,
    )


def deliver(result: str) -> None:
    """Write a result to stdout, whole; a reader that left is no fault, a full disk is.

    Raises BrokenPipeError, which the command knows, or SourceError.
    """
    try:
        sys.stdout.write(result)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as fault:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - closing the other would fail too
        what = f"cannot be written: {fault.strerror or fault}"
        raise SourceError(what, name="standard output", code=ExitCode.UNREADABLE) from fault


def wants_colour(choice: str) -> bool:
    """Tell whether to write colour: as asked, or what the terminal can and the user wants."""
    if choice != "auto":
        return choice == "always"
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return False
    if os.name == "nt":
        return any(name in os.environ for name in ("WT_SESSION", "ANSICON", "ConEmuANSI", "TERM"))
    return os.environ.get("TERM", "") not in ("", "dumb")


def _width() -> int:
    if not sys.stdout.isatty():
        return _PIPED
    return min(shutil.get_terminal_size((_PIPED, 24)).columns, _WIDEST)
