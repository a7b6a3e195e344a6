"""A whole case as tables for SQL and data frames: a DuckDB file, or a folder of Parquet or Arrow files, one a table.

``packets`` comes beside the tables of ``report/tables.py``: every packet of the inputs, led by the scan it belongs to.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from craftmark.errors import ExitCode, SourceError
from craftmark.export.columns import pyarrow
from craftmark.report.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from craftmark.report.document import Report

FORMS: Final = ("arrow", "duckdb", "parquet")
PACKETS: Final = "packets"


class TablesWriter(Protocol):
    """Takes tables piece by piece; the first piece of a name begins the table."""

    def add(self, name: str, table: Any) -> None:
        """Write a piece of a table (``pyarrow.Table``)."""

    def close(self) -> None:
        """Finish."""


def write_case(report: Report, packets: Iterable[Any], target: str, form: str) -> dict[str, int]:
    """Write a report's tables and its packets (pieces of Arrow tables) and return the rows of each table."""
    writer = _open(target, form)
    rows: dict[str, int] = {}
    try:
        for name in TABLES:
            table = report.table(name).to_arrow()
            writer.add(name, table)
            rows[name] = table.num_rows
        for piece in packets:
            writer.add(PACKETS, piece)
            rows[PACKETS] = rows.get(PACKETS, 0) + piece.num_rows
    except BaseException:
        writer.close()
        _remove(target, form)
        raise
    writer.close()
    return rows


def _remove(target: str, form: str) -> None:
    """Remove tables begun in vain."""
    names = [] if form == "duckdb" else [f"{name}.{form}" for name in (*TABLES, PACKETS)]
    for file in [Path(target, name) for name in names] or [Path(target)]:
        file.unlink(missing_ok=True)


def _open(target: str, form: str) -> TablesWriter:
    arrow = pyarrow(target)
    return _DuckDb(target) if form == "duckdb" else _Folder(arrow, target, is_parquet=form == "parquet")


class _Folder:
    """One file a table in a folder, which is made where it is missing."""

    def __init__(self, arrow: Any, target: str, *, is_parquet: bool) -> None:
        self._arrow = arrow
        self._folder = Path(target)
        self._is_parquet = is_parquet
        self._writers: dict[str, Any] = {}
        self._folder.mkdir(exist_ok=True)

    def add(self, name: str, table: Any) -> None:
        if name not in self._writers:
            self._writers[name] = self._begin(name, table.schema)
        self._writers[name].write_table(table)

    def _begin(self, name: str, schema: Any) -> Any:
        if self._is_parquet:
            from pyarrow import parquet  # noqa: PLC0415 - optional, and only for Parquet

            return parquet.ParquetWriter(self._folder / f"{name}.parquet", schema, compression="zstd")
        return self._arrow.ipc.new_file(str(self._folder / f"{name}.arrow"), schema)

    def close(self) -> None:
        for writer in self._writers.values():
            writer.close()


class _DuckDb:
    """A DuckDB file, new."""

    def __init__(self, target: str) -> None:
        if Path(target).exists():
            what = "exists already, and a DuckDB file is written anew"
            raise SourceError(what, name=target, code=ExitCode.USAGE, remedy="remove it or choose another name")
        self._connection = _duckdb(target).connect(target)
        self._begun: set[str] = set()

    def add(self, name: str, table: Any) -> None:
        how = f"INSERT INTO {name}" if name in self._begun else f"CREATE TABLE {name} AS"
        self._connection.register("piece", table)
        self._connection.execute(f"{how} SELECT * FROM piece")  # noqa: S608 - names of tables are this program's own
        self._connection.unregister("piece")
        self._begun.add(name)

    def close(self) -> None:
        self._connection.close()


def _duckdb(name: str) -> Any:
    try:
        import duckdb  # noqa: PLC0415 - optional, and only for this form
    except ImportError as fault:
        remedy = "pip install 'craftmark[duckdb]', or --as parquet"
        raise SourceError(
            "a DuckDB file needs the Python package duckdb", name=name, code=ExitCode.USAGE, remedy=remedy
        ) from fault
    return duckdb
