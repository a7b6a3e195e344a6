"""Fill the blocks of the documentation that the program itself writes: outputs of commands, the table of the report.

A block stands between two comments: ``<!-- output: COMMAND -->`` (or ``<!-- report fields -->``) and
``<!-- end -->``. A command is ``craftmark ...``, run from the checkout's root, with ``| head -n N`` where only its
beginning is shown. A test holds every block to what the program says today.

    python docs/fill.py          write all blocks again
"""

from __future__ import annotations

import contextlib
import inspect
import io
import os
import re
import shlex
import sys
from dataclasses import is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from craftmark.cli import main
from craftmark.report.codec import members, type_name
from craftmark.report.document import Report

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("README.md", "docs/index.md", "docs/reference.md", "docs/study.md", "docs/watch.md")

_BLOCK = re.compile(r"<!-- (output: (?P<command>[^\n]+)|report fields) -->\n.*?<!-- end -->", re.DOTALL)


def filled(text: str) -> str:
    """Return a page with every block as the program writes it today."""
    return _BLOCK.sub(_block, text)


def _block(match: re.Match[str]) -> str:
    command = match["command"]
    body = _fields_table() if command is None else _output(command)
    return f"<!-- {match[1]} -->\n{body}<!-- end -->"


def _output(command: str) -> str:
    program, _, cut = command.partition(" | head -n ")
    program, _, given = program.partition(" < ")
    words = shlex.split(program)
    written = io.StringIO()
    with contextlib.chdir(ROOT), contextlib.redirect_stdout(written), open(given or os.devnull, "rb") as stdin:  # noqa: PTH123
        before, sys.stdin = sys.stdin, stdin
        try:
            code = main(words[1:])
        finally:
            sys.stdin = before
    lines = written.getvalue().splitlines()
    shown = lines[: int(cut)] if cut else lines
    told = f"(exit code {code})\n" if code else ""
    return "```text\n" + "\n".join([f"$ {command}", *shown]) + f"\n{told}```\n"


def _fields_table() -> str:
    return "\n".join(_class_section(kind) for kind in _classes(Report))


def _classes(root: type) -> Iterator[type]:
    """Yield the classes of the document, each before those inside it, each once."""
    waiting, seen = [root], set()
    while waiting:
        kind = waiting.pop(0)
        if kind in seen:
            continue
        seen.add(kind)
        yield kind
        waiting += [found for member in members(kind) for found in _inside(member.hint)]


def _inside(hint: object) -> Iterator[type]:
    if isinstance(hint, type) and is_dataclass(hint):
        yield hint
    for part in getattr(hint, "__args__", ()):
        yield from _inside(part)


def _class_section(kind: type) -> str:
    rows = [f"| `{member.key}` | {type_name(member.hint)} |" for member in members(kind)]
    said = inspect.cleandoc(kind.__doc__ or "").replace("``", "`")
    return "\n".join([f"### {kind.__name__}", "", said, "", "| key | type |", "| --- | --- |", *rows, ""])


def write_all() -> None:
    """Write every page's blocks again."""
    os.environ["NO_COLOR"] = "1"
    for name in PAGES:
        page = ROOT / name
        page.write_text(filled(page.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    write_all()
