"""Writing tables: Parquet where pyarrow is installed, else CSV; and one DuckDB file where duckdb is."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from craftmark.export.csv import inert

if TYPE_CHECKING:
    from pathlib import Path

    from craftmark.study.base import Cell, Table


def csv_of(table: Table) -> bytes:
    """Return a table as CSV, its head first; an unknown cell is empty. No cell is a formula to a spreadsheet."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([column.name for column in table.columns])
    writer.writerows([_cell(cell) for cell in row] for row in table.rows)
    return stream.getvalue().encode()


def _cell(cell: Cell) -> object:
    if isinstance(cell, bool):
        return str(cell).lower()
    return inert(cell) if isinstance(cell, str) else cell


def arrow_of(table: Table) -> Any:
    """Return a table as pyarrow's, the meaning of each column in its metadata; None where pyarrow is not there."""
    try:
        import pyarrow as pa  # noqa: PLC0415 - optional: 170 MB
    except ImportError:
        return None
    kinds: dict[str, Any] = {"int": pa.int64(), "float": pa.float64(), "text": pa.string(), "bool": pa.bool_()}
    fields = [
        pa.field(column.name, kinds[column.kind], metadata={"meaning": column.meaning}) for column in table.columns
    ]
    columns = [pa.array(table.column(field.name), field.type) for field in fields]
    return pa.table(columns, schema=pa.schema(fields))


def parquet_of(table: Table) -> bytes | None:
    """Return a table as Parquet; None where pyarrow is not there."""
    arrow = arrow_of(table)
    if arrow is None:
        return None
    from pyarrow import parquet  # noqa: PLC0415 - as above

    sink = io.BytesIO()
    parquet.write_table(arrow, sink, compression="zstd")
    return sink.getvalue()


def write_duckdb(tables: dict[str, Table], path: Path) -> bool:
    """Write all tables into a new DuckDB file; return False where duckdb or pyarrow is not installed."""
    rows = {name: arrow_of(table) for name, table in tables.items()}
    try:
        import duckdb  # noqa: PLC0415 - optional
    except ImportError:
        return False
    if None in rows.values():
        return False
    with duckdb.connect(str(path)) as database:
        for name, table in tables.items():
            database.register("rows", rows[name])
            database.execute(f'CREATE TABLE "{name}" AS SELECT * FROM rows')  # noqa: S608 - names are our own
            database.unregister("rows")
            for column in table.columns:
                meaning = column.meaning.replace("'", "''")
                database.execute(f'COMMENT ON COLUMN "{name}"."{column.name}" IS \'{meaning}\'')
    return True
