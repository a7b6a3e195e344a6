"""What tools do with the answers to their probes, read from ``knowledge/reactions.toml``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from craftmark.errors import RuleError
from craftmark.stacks.stack import read_table, tables_of, text_of


@dataclass(frozen=True, slots=True)
class Window:
    """A tool that sends ``probes`` at once, and more only as answers come in."""

    tool: str
    probes: int
    source: str


def window_of(tool: str | None) -> Window | None:
    """Return the window of a tool whose pace follows the answers, None for any other."""
    return windows().get(tool or "")


@lru_cache(maxsize=1)
def windows() -> dict[str, Window]:
    """Return the tools whose pace follows the answers, read once."""
    entry = resources.files("craftmark").joinpath("knowledge").joinpath("reactions.toml")
    found = {}
    for row in tables_of(read_table(entry), "window", path=entry.name):
        probes = row.get("probes")
        if not isinstance(probes, int):
            raise RuleError("'probes' of a window is no number", path=entry.name)
        tool, source = (text_of(row, key, path=entry.name) for key in ("tool", "source"))
        found[tool] = Window(tool, probes, source)
    return found
