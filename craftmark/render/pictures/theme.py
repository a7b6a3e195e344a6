"""Colours of pictures: names that stand for one colour on light paper and another on dark.

The hues are those of Okabe and Ito (2008), told apart by all kinds of colour vision; no picture speaks by hue alone.
"""

from __future__ import annotations

from typing import Final

#: Name: (light, dark).
COLOURS: Final = {
    "ink": ("#1b1f24", "#e6e9ed"),
    "faint": ("#6a737d", "#9aa4af"),
    "line": ("#d0d7de", "#3d444d"),
    "paper": ("#ffffff", "#16191d"),
    "constant": ("#0072b2", "#4aa8e0"),
    "relation": ("#009e73", "#2fc79b"),
    "counter": ("#b86e00", "#e69f00"),
    "generator": ("#a8518a", "#d98ebf"),
    "varies": ("#8b949e", "#7d8590"),
    "accent": ("#d55e00", "#ff8a3d"),
}

FONT: Final = "system-ui, Arial, sans-serif"

STYLE: Final = (
    "svg.picture{"
    + "".join(f"--{name}:{light};" for name, (light, _) in COLOURS.items())
    + "background:var(--paper)}"
    + "@media(prefers-color-scheme:dark){svg.picture{"
    + "".join(f"--{name}:{dark};" for name, (_, dark) in COLOURS.items())
    + "}}"
)


def colour(name: str) -> str:
    """Return a colour as SVG refers to it."""
    return f"var(--{name})"


def literal(svg: str, *, dark: bool = False) -> str:
    """Return an SVG with every colour written out: for programs that know no CSS variables."""
    for name, pair in COLOURS.items():
        svg = svg.replace(f"var(--{name})", pair[dark])
    return svg
