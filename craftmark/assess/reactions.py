"""What tools do with the answers to their probes, read from ``knowledge/reactions.toml``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from craftmark.errors import RuleError
from craftmark.packets.expressions import Expression, parse
from craftmark.stacks.stack import read_table, tables_of, text_of


@dataclass(frozen=True, slots=True)
class Window:
    """A tool that sends ``probes`` at once, and more only as answers come in."""

    tool: str
    probes: int
    source: str


@dataclass(frozen=True, slots=True)
class ResetLaw:
    """A tool that itself resets the connections it is offered, by a law that no stack's own reset follows."""

    tool: str
    law: Expression
    source: str


def window_of(tool: str | None) -> Window | None:
    """Return the window of a tool whose pace follows the answers, None for any other."""
    return windows().get(tool or "")


@lru_cache(maxsize=1)
def windows() -> dict[str, Window]:
    """Return the tools whose pace follows the answers, read once."""
    found = {}
    for row in _rows("window"):
        probes = row.get("probes")
        if not isinstance(probes, int):
            raise RuleError("'probes' of a window is no number", path=_FILE)
        tool, source = (text_of(row, key, path=_FILE) for key in ("tool", "source"))
        found[tool] = Window(tool, probes, source)
    return found


@lru_cache(maxsize=1)
def reset_laws() -> tuple[ResetLaw, ...]:
    """Return the tools that reset what they are offered by a law of their own, read once."""
    found = []
    for row in _rows("reset"):
        tool, law, source = (text_of(row, key, path=_FILE) for key in ("tool", "law", "source"))
        found.append(ResetLaw(tool, parse(law), source))
    return tuple(found)


_FILE = "reactions.toml"


def _rows(kind: str) -> list[dict[str, object]]:
    entry = resources.files("craftmark").joinpath("knowledge").joinpath(_FILE)
    return tables_of(read_table(entry), kind, path=_FILE)
