"""``craftmark study``: what many captures hold, day by day, as tables, a database and a page."""

from __future__ import annotations

import argparse
import ipaddress
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from craftmark.errors import ExitCode, SourceError
from craftmark.render.escape import visible
from craftmark.sources.inputs import STDIN
from craftmark.verbs.arguments import add_page_arguments, add_reading_arguments
from craftmark.verbs.case import settings_of
from craftmark.verbs.files import write_file
from craftmark.verbs.progress import watched
from craftmark.verbs.screen import deliver, screen_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from craftmark.study.base import Asked
    from craftmark.study.run import Study

#: What a study writes into its folder.
_PAGE: Final = "index.html"
_DATABASE: Final = "study.duckdb"
_TABLES: Final = "tables"
_ALL_IPV4: Final = 1 << 32
_MOST: Final = 1000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("paths", nargs="+", metavar="DIR_OR_FILE", help="captures and logs, or folders of them")
    parser.add_argument(
        "-o", "--output", metavar="DIR", help="folder for tables, database and page; without it, a few sentences alone"
    )
    parser.add_argument(
        "--telescope", metavar="NET", action="append", default=[], type=watched_addresses,
        help="the addresses that are watched, as 198.51.100.0/24, or how many they are",
    )  # fmt: skip
    parser.add_argument("--by", choices=("day", "input"), default="day", help="what one case is; default: day")
    parser.add_argument("--most", metavar="N", type=most, default=_MOST, help="scans of a case to describe")
    add_reading_arguments(parser)
    add_page_arguments(parser)


def run(parsed: argparse.Namespace) -> int:
    """Make the study and write it."""
    from craftmark.study.base import Asked  # noqa: PLC0415 - after the options are known to be right
    from craftmark.study.page import lead  # noqa: PLC0415 - charts are slow to import
    from craftmark.study.run import study  # noqa: PLC0415 - as above

    screen = screen_of(parsed)
    out = Path(parsed.output) if parsed.output is not None else None
    paths = list(files_in(parsed.paths, besides=out))
    if not paths:
        raise SourceError("holds no file", name=parsed.paths[0], code=ExitCode.NO_SUCH_INPUT, remedy="name captures")
    asked = Asked(telescope=sum(parsed.telescope) or None, by=parsed.by, most=parsed.most)
    with watched(shown=screen.shows_progress) as progress:
        made = study(paths, settings_of(parsed), asked, progress=progress)
    said = lead(made.cases, made.tables, asked)
    if out is not None:
        said.append(_write(made, asked, out))
    deliver("".join(f"{visible(line)}\n" for line in said))
    if not screen.quiet:
        _warn(made)
    return ExitCode.DAMAGED if made.damaged else ExitCode.EXAMINED


def files_in(paths: Sequence[str], *, besides: Path | None = None) -> Iterator[str]:
    """Yield the inputs: files as named, of folders every file below them that is not hidden, nor in ``besides``."""
    for name in paths:
        folder = Path(name)
        if name == STDIN or not folder.is_dir():
            yield name
            continue
        for path in sorted(folder.rglob("*")):
            hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
            if path.is_file() and not hidden and besides not in path.parents:
                yield str(path)


def _write(made: Study, asked: Asked, out: Path) -> str:
    """Write tables, database and page; return what was written in one sentence."""
    from craftmark.study.page import page  # noqa: PLC0415 - charts are slow to import
    from craftmark.study.write import csv_of, parquet_of, write_duckdb  # noqa: PLC0415 - with it

    try:
        (out / _TABLES).mkdir(parents=True, exist_ok=True)
        for old in (out / _TABLES).glob("*"):
            if old.suffix in (".parquet", ".csv") and old.stem in made.tables:
                old.unlink()
        (out / _DATABASE).unlink(missing_ok=True)
    except OSError as fault:
        what = f"cannot be written: {fault.strerror or fault}"
        raise SourceError(what, name=str(out), code=ExitCode.UNREADABLE) from fault
    form = "CSV"
    for name, table in made.tables.items():
        content = parquet_of(table)
        form, ending = ("CSV", "csv") if content is None else ("Parquet", "parquet")
        write_file(str(out / _TABLES / f"{name}.{ending}"), csv_of(table) if content is None else content)
    write_file(str(out / _PAGE), page(made.cases, made.tables, asked, made.knowledge).encode("utf-8"))
    database = f", {_DATABASE}" if write_duckdb(made.tables, out / _DATABASE) else ""
    return f"Written to {out}: {_PAGE}, {len(made.tables)} tables as {form}{database}."


def _warn(made: Study) -> None:
    for one in made.inputs:
        if one.damage_total:
            first = one.damage[0].what if one.damage else "not examined"
            sys.stderr.write(visible(f"craftmark: {one.name}: {first}") + "\n")


def watched_addresses(text: str) -> int:
    """Return how many IPv4 addresses a telescope watches: of a network, or the number itself."""
    try:
        if text.isascii() and text.isdigit():
            count = int(text)
        elif text.startswith("/") and text[1:].isascii() and text[1:].isdigit():
            count = 1 << (32 - int(text[1:]))
        else:
            count = ipaddress.IPv4Network(text, strict=False).num_addresses
    except ValueError:
        count = 0
    if not 1 <= count <= _ALL_IPV4:
        msg = f"{text!a} is neither an IPv4 network, such as 198.51.100.0/24, nor its size, such as /8 or 65536"
        raise argparse.ArgumentTypeError(msg)
    return count


def most(text: str) -> int:
    """Return how many scans of a case to describe."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= _MOST):
        msg = f"{text!a} is not a number of scans from 1 to {_MOST:,}"
        raise argparse.ArgumentTypeError(msg)
    return int(text)
