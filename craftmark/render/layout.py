"""A page of wrapped lines in columns, with or without colour. Every text goes through ``visible`` on its way in.

Colour only repeats what the words say. The palette (cyan, yellow, magenta, bold, dim) is told apart by colour-blind
readers on dark and light grounds.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Literal

from craftmark.render.escape import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

Style = Literal["plain", "bold", "dim", "found", "open", "warning"]

_CODES = {"bold": "1", "dim": "2", "found": "1;36", "open": "33", "warning": "1;35"}

#: Width of the column of labels, and of the names beside it.
LABEL = 16
NAME = 20

#: Below this many columns text would be broken into words.
NARROWEST = 56


class Page:
    """Lines as they are written, wrapped to a width."""

    def __init__(self, *, width: int, colour: bool) -> None:
        self._width = max(width, NARROWEST)
        self._colour = colour
        self._lines: list[str] = []

    def text(self) -> str:
        """Return the page, one newline at its end."""
        return "\n".join(self._lines).strip("\n") + "\n"

    def gap(self) -> None:
        """Leave one empty line, never two."""
        if self._lines and self._lines[-1]:
            self._lines.append("")

    def paragraph(self, text: str, *, indent: int = 0, hanging: int = 0, style: Style = "plain") -> None:
        """Write a text over the whole width."""
        first, rest = " " * indent, " " * (indent + hanging)
        for place, line in enumerate(self._wrap(text, self._width - indent - hanging)):
            self._lines.append((rest if place else first) + self._paint(line, style))

    def row(self, label: str, text: str, *, style: Style = "plain") -> None:
        """Write a text with a label in the margin."""
        self._columns(((label, LABEL, "dim"),), text, style)

    def named(self, label: str, name: str, text: str, *, style: Style = "bold") -> None:
        """Write a text with a label and a name before it."""
        self._columns(((label, LABEL, "dim"), (name, NAME, style)), text, "plain")

    def grid(self, label: str, items: Sequence[str], *, style: Style = "plain") -> None:
        """Write short items in as many columns as fit."""
        shown = [visible(item) for item in items]
        room = self._width - LABEL
        cell = min(max(map(len, shown), default=1) + 3, room)
        across = max(room // cell, 1)
        if any(len(item) > room for item in shown):
            self.row(label, "   ".join(items), style=style)
            return
        for start in range(0, len(shown), across):
            line = "".join(item.ljust(cell) for item in shown[start : start + across]).rstrip()
            self._lines.append(self._margin(label if start == 0 else "", LABEL, "dim") + self._paint(line, style))

    def _columns(self, heads: Sequence[tuple[str, int, Style]], text: str, style: Style) -> None:
        """Write heads in their columns and the text beside them; heads too long for that get lines of their own."""
        shown = [(visible(head), width, head_style) for head, width, head_style in heads]
        indent = sum(width for _, width, _ in shown)
        if all(len(head) < width for head, width, _ in shown):
            margin = "".join(self._margin(*head) for head in shown)
        else:
            margin = " " * indent
            spaced = "".join(head.ljust(width - 1) + " " for head, width, _ in shown)
            self._lines += self._wrap(spaced.rstrip(), self._width)
        for line in self._wrap(text, self._width - indent):
            self._lines.append((margin + self._paint(line, style)).rstrip())
            margin = " " * indent

    def _margin(self, text: str, width: int, style: Style) -> str:
        """Return a head painted and padded: what is painted never counts as width."""
        return self._paint(text, style) + " " * max(width - len(text), 1)

    def _wrap(self, text: str, width: int) -> list[str]:
        return textwrap.wrap(visible(text), max(width, 20), break_on_hyphens=False) or [""]

    def _paint(self, text: str, style: Style) -> str:
        if not self._colour or style == "plain" or not text:
            return text
        return f"\x1b[{_CODES[style]}m{text}\x1b[0m"
