"""The report as tables, for notebooks, spreadsheets and SQL: typed columns, one row a scan, a mark, a claim.

Nothing here imports a table library before it is asked for; text is what the document holds, so a reader that shows
it makes it safe. Missing is null, never 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from craftmark.errors import ReportError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

#: Types of ``report/document.py``, which imports this module for ``Report.table``: circles are not allowed.
Report = Any
Scan = Any

Kind = Literal["int", "float", "text", "bool"]


@dataclass(frozen=True, slots=True)
class Table:
    """A table: the kind of each column by name, and its rows; a value is None where it is missing."""

    name: str
    columns: Mapping[str, Kind]
    rows: tuple[tuple[Any, ...], ...]

    def column(self, name: str) -> list[Any]:
        """Return one column's values."""
        place = list(self.columns).index(name)
        return [_valid(row[place]) for row in self.rows]

    def to_arrow(self) -> Any:
        """Return a ``pyarrow.Table``; needs pyarrow."""
        import pyarrow as pa  # noqa: PLC0415 - optional

        kinds = {"int": pa.int64(), "float": pa.float64(), "text": pa.string(), "bool": pa.bool_()}
        return pa.table({name: pa.array(self.column(name), kinds[kind]) for name, kind in self.columns.items()})

    def to_pandas(self) -> Any:
        """Return a ``pandas.DataFrame`` whose integers may be missing; needs pandas."""
        import pandas as pd  # noqa: PLC0415 - optional

        kinds = {"int": "Int64", "float": "Float64", "text": "string", "bool": "boolean"}
        return pd.DataFrame({
            name: pd.array(self.column(name), dtype=kinds[kind])
            for name, kind in self.columns.items()
        })  # fmt: skip

    def to_polars(self) -> Any:
        """Return a ``polars.DataFrame``; needs polars."""
        import polars as pl  # noqa: PLC0415 - optional

        kinds = {"int": pl.Int64, "float": pl.Float64, "text": pl.String, "bool": pl.Boolean}
        return pl.DataFrame(
            {name: self.column(name) for name in self.columns},
            schema={name: kinds[kind] for name, kind in self.columns.items()},
        )


def table(report: Report, name: str) -> Table:
    """Return one of the report's tables by name; raises ReportError for another name than those of ``TABLES``."""
    if name not in TABLES:
        raise ReportError(f"no table is called {name!a}; there is {', '.join(TABLES)}")
    columns, rows = TABLES[name]
    return Table(name, columns, tuple(rows(report)))


def _valid(value: Any) -> Any:
    """Return a value that every library takes: names of files may hold octets that are no text."""
    return value.encode("utf-8", "backslashreplace").decode("utf-8") if isinstance(value, str) else value


def _every(report: Report) -> tuple[Scan, ...]:
    return (*report.scans, *report.floods)


def _bits(control_bits: tuple[str, ...] | None) -> str | None:
    return None if control_bits is None else "+".join(control_bits)


def _values(markprint: Any) -> str | None:
    return None if markprint is None else str(markprint.values)


def _inputs(report: Report) -> Iterator[tuple[Any, ...]]:
    for number, one in enumerate(report.inputs, 1):
        yield number, one.name, one.sha256, one.bytes, one.format, one.packets, one.first_ns, one.last_ns, one.clock


def _scans(report: Report) -> Iterator[tuple[Any, ...]]:
    for one in _every(report):
        best = one.sender.hops[0] if one.sender.hops else None
        yield (
            one.id, one.id.startswith("F"), one.shape, one.protocol, _bits(one.control_bits), one.probes, one.first_ns,
            one.last_ns, one.duration_ns, one.sources_total, one.targets_total, one.ports.total if one.ports else None,
            one.ports.ranges if one.ports else None, one.maker.kind, one.maker.conclusion, one.maker.tool,
            one.maker.version, one.maker.confidence, best.hops if best else None, best.weight if best else None,
            one.sender.spoofing.verdict, one.sender.one_sender.verdict, one.answers.reach, one.markprint.structure,
            _values(one.markprint),
        )  # fmt: skip


def _kinds(report: Report) -> Iterator[tuple[Any, ...]]:
    for scan in _every(report):
        for number, one in enumerate(scan.parts, 1):
            icmp = (one.icmp.type, one.icmp.code) if one.icmp else (None, None)
            structure = one.markprint.structure if one.markprint else None
            yield (
                scan.id, number, one.protocol, _bits(one.control_bits), *icmp, one.probes, structure,
                _values(one.markprint),
            )  # fmt: skip


def _toolmarks(report: Report) -> Iterator[tuple[Any, ...]]:
    for scan in _every(report):
        for one in scan.toolmarks:
            yield (
                scan.id, one.id, one.kind, one.level, one.statement, " ".join(one.fields), one.held, one.seen,
                one.sampled, one.log10_chance,
            )  # fmt: skip


def _tools(report: Report) -> Iterator[tuple[Any, ...]]:
    for scan in _every(report):
        for one in scan.maker.tools:
            yield (
                scan.id, one.tool, one.conclusion, one.reason, len(one.agrees), len(one.disagrees), len(one.silent),
                one.settings_needed, one.price_log10, one.log10_chance,
            )  # fmt: skip


def _sources(report: Report) -> Iterator[tuple[Any, ...]]:
    for scan in _every(report):
        yield from ((scan.id, one.address, one.probes, one.spoofing) for one in scan.sources)


def _targets(report: Report) -> Iterator[tuple[Any, ...]]:
    for scan in _every(report):
        yield from ((scan.id, one.address, one.probes) for one in scan.targets)


def _claims(report: Report) -> Iterator[tuple[Any, ...]]:
    for one in report.claims:
        yield (
            one.about,
            one.id,
            one.statement,
            one.confidence,
            "\n".join(one.for_),
            "\n".join(one.against),
            one.settled_by,
        )


def _columns(told: str) -> dict[str, Kind]:
    """Return the columns of ``name:kind`` words; text where no kind is said."""
    words = (word.partition(":") for word in told.split())
    return {name: kind or "text" for name, _, kind in words}  # type: ignore[misc]


#: The tables by name: their columns, and what yields their rows of a report.
TABLES: Final[Mapping[str, tuple[dict[str, Kind], Callable[[Report], Iterable[tuple[Any, ...]]]]]] = {
    "inputs": (
        _columns("input:int name sha256 bytes:int format packets:int first_ns:int last_ns:int clock"),
        _inputs,
    ),
    "scans": (
        _columns(
            "scan is_flood:bool shape protocol control_bits probes:int first_ns:int last_ns:int duration_ns:int "
            "sources:int targets:int ports:int port_ranges maker conclusion tool version confidence:float hops:int "
            "hops_weight:float spoofing one_sender reach markprint markprint_values"
        ),
        _scans,
    ),
    "kinds": (
        _columns(
            "scan number:int protocol control_bits icmp_type:int icmp_code:int probes:int markprint markprint_values"
        ),
        _kinds,
    ),
    "toolmarks": (
        _columns("scan mark kind level statement fields held:int seen:int sampled:bool log10_chance:float"),
        _toolmarks,
    ),
    "tools": (
        _columns(
            "scan tool conclusion reason agrees:int disagrees:int silent:int settings_needed:int price_log10:float "
            "log10_chance:float"
        ),
        _tools,
    ),
    "sources": (_columns("scan address probes:int spoofing"), _sources),
    "targets": (_columns("scan address probes:int"), _targets),
    "claims": (_columns("scan claim statement confidence speaks_for speaks_against settled_by"), _claims),
}
