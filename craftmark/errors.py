"""The exceptions that stop the work.

CraftmarkError
 +- SourceError (ValueError)      an input cannot be examined; carries the exit code the command ends with
 +- RuleError (ValueError)        a knowledge file is wrong; carries path, line and remedy
 +- ExpressionError (ValueError)  a relation or a --where text cannot be read; carries the column
 +- ReportError (ValueError)      a saved report cannot be read back
 +- EvidenceError (ValueError)    saved evidence cannot be read back

A malformed packet is data, never an exception: it is counted, kept and reported.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of the command, fixed for scripts."""

    EXAMINED = 0
    INTERNAL_FAULT = 1
    USAGE = 2
    DAMAGED = 3
    NO_SUCH_INPUT = 10
    UNREADABLE = 11
    UNKNOWN_FORMAT = 12
    NO_PACKETS = 13
    LINK_TYPE = 14
    FOUND = 20
    INTERRUPTED = 130


class CraftmarkError(Exception):
    """Base of all errors that craftmark raises on purpose."""


class SourceError(CraftmarkError, ValueError):
    """An input cannot be examined: says what is wrong, where, and what to do."""

    def __init__(self, what: str, *, name: str, code: ExitCode, remedy: str = "") -> None:
        self.what = what
        self.name = name
        self.code = code
        self.remedy = remedy
        super().__init__(f"{name}: {what}" + (f"; {remedy}" if remedy else ""))


class RuleError(CraftmarkError, ValueError):
    """A knowledge file is wrong at a known line."""

    def __init__(self, what: str, *, path: str, line: int | None = None, remedy: str = "") -> None:
        self.what = what
        self.path = path
        self.line = line
        self.remedy = remedy
        where = path if line is None else f"{path}:{line}"
        super().__init__(f"{where}: {what}" + (f"; {remedy}" if remedy else ""))


class ExpressionError(CraftmarkError, ValueError):
    """A relation or comparison over fields cannot be read."""

    def __init__(self, what: str, *, text: str, column: int) -> None:
        self.what = what
        self.text = text
        self.column = column
        super().__init__(f"{what}, at column {column + 1} of {text!r}")


class ReportError(CraftmarkError, ValueError):
    """A saved report is not one this version can read."""


class EvidenceError(CraftmarkError, ValueError):
    """Saved evidence is not one this version can read."""
