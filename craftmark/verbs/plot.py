"""``craftmark plot``: one picture of a scan as a file, or the names of those there are."""

from __future__ import annotations

import sys
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from craftmark.errors import ExitCode
from craftmark.render.escape import visible
from craftmark.verbs.arguments import add_page_arguments, add_reading_arguments
from craftmark.verbs.base import OptionError
from craftmark.verbs.case import load_finding, settings_of
from craftmark.verbs.files import write_file
from craftmark.verbs.screen import deliver, screen_of

if TYPE_CHECKING:
    import argparse

    from craftmark.render.pictures.base import Picture
    from craftmark.verbs.case import Finding

#: Pixels per unit of the drawing in PNG: sharp on paper and on fine screens.
_SCALE: Final = 2
_ENDINGS: Final = (".svg", ".png", ".pdf")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("case", metavar="CASE", help="a case, or CASE:S1 for one scan of several")
    parser.add_argument("name", metavar="NAME", nargs="?", help="which picture; without it, those there are")
    parser.add_argument("-o", "--output", metavar="FILE", help="ends in .svg, .png or .pdf; default: SVG on stdout")
    parser.add_argument("--dark", action="store_true", help="dark paper, in PNG and PDF; SVG follows its reader")
    add_reading_arguments(parser)
    add_page_arguments(parser)


def run(parsed: argparse.Namespace) -> int:
    """Draw the picture, or list the names."""
    ending = PurePath(parsed.output).suffix.lower() if parsed.output else ".svg"
    if ending not in _ENDINGS:
        raise OptionError(f"-o {visible(parsed.output)}: the file's name must end in {', '.join(_ENDINGS)}")
    screen = screen_of(parsed)
    found = load_finding(parsed.case, settings_of(parsed), screen)
    if parsed.name is None:
        deliver(_names(found))
    elif parsed.output is None:
        deliver(_picture(found, parsed.name).svg + "\n")
    else:
        content = _drawn(_picture(found, parsed.name), ending, dark=parsed.dark)
        write_file(parsed.output, content)
        if not screen.quiet:
            sys.stderr.write(f"craftmark: wrote {visible(parsed.output)}, {len(content):,} bytes\n")
    return ExitCode.DAMAGED if found.report.damaged else ExitCode.EXAMINED


def _names(found: Finding) -> str:
    from craftmark.render.pictures.every import pictures_of  # noqa: PLC0415 - charts are slow to import

    return "".join(f"{one.name:10} {one.title}\n" for one in pictures_of(found.report, found.scan))


def _picture(found: Finding, name: str) -> Picture:
    from craftmark.render.pictures.every import PICTURES  # noqa: PLC0415 - as above

    if name not in PICTURES:
        raise OptionError(f"no picture is called {visible(name)}; there are {', '.join(PICTURES)}")
    picture = PICTURES[name](found.report, found.scan)
    if picture is None:
        raise OptionError(f"{found.scan.id} has nothing to show as {name}")
    return picture


def _drawn(picture: Picture, ending: str, *, dark: bool) -> bytes:
    import vl_convert  # noqa: PLC0415 - as above

    from craftmark.render.pictures.theme import literal  # noqa: PLC0415 - as above

    if ending == ".svg":
        return picture.svg.encode("utf-8")
    svg = literal(picture.svg, dark=dark)
    content: bytes = vl_convert.svg_to_png(svg, scale=_SCALE) if ending == ".png" else vl_convert.svg_to_pdf(svg)
    return content
