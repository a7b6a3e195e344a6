"""What a study is made of: tables with typed columns, each of them told in words; and what was asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

Kind = Literal["int", "float", "text", "bool"]
Cell = int | float | str | bool | None


class Column(NamedTuple):
    """One column: its name, the kind of its cells, and what they mean."""

    name: str
    kind: Kind
    meaning: str


@dataclass(frozen=True, slots=True)
class Table:
    """One table; a cell that is not known is None."""

    name: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def column(self, name: str) -> list[Cell]:
        """Return the cells of one column."""
        place = [column.name for column in self.columns].index(name)
        return [row[place] for row in self.rows]

    def dicts(self) -> list[dict[str, Cell]]:
        """Return the rows by the names of their columns."""
        names = [column.name for column in self.columns]
        return [dict(zip(names, row, strict=True)) for row in self.rows]


def table(name: str, columns: Sequence[tuple[str, Kind, str]], rows: Sequence[Sequence[Cell]]) -> Table:
    """Return a table from plain values."""
    return Table(name, tuple(Column(*column) for column in columns), tuple(tuple(row) for row in rows))


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked of a study.

    telescope: addresses that are watched, None where unknown: then nothing is extrapolated. by: what one case is, all
    packets of a day of UTC or all of an input. most: scans of a case that are described.
    """

    telescope: int | None = None
    by: Literal["day", "input"] = "day"
    most: int = 1000
