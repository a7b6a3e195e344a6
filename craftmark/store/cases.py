"""The store of cases: one folder a case, with the report and, where asked for, its inputs; SQLite knows every scan.

A case's id is the hash of what was examined and how: the same captures kept twice are one case, its report the newer.
Reports are written under another name and renamed, the index follows in one transaction: a process that dies leaves a
case whole or not at all. Several processes may use one store.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from craftmark.errors import ExitCode, SourceError
from craftmark.report.document import Report

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: What a case's id looks like.
CASE_ID: Final = re.compile(r"[0-9a-f]{16}")
_VERSION: Final = 1
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS cases (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, kept_ns INTEGER NOT NULL, packets INTEGER NOT NULL, scans INTEGER NOT NULL,
  floods INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS findings (
  case_id TEXT NOT NULL REFERENCES cases(id) ON DELETE CASCADE, scan TEXT NOT NULL, structure TEXT NOT NULL,
  marked TEXT NOT NULL, tool TEXT, maker TEXT NOT NULL, probes INTEGER NOT NULL, first_ns INTEGER, last_ns INTEGER,
  sources TEXT NOT NULL, sources_total INTEGER NOT NULL, PRIMARY KEY (case_id, scan)
) STRICT;
CREATE INDEX IF NOT EXISTS findings_by_structure ON findings(structure);
"""
#: Source addresses of a finding that the index names.
_SOURCES: Final = 16


@dataclass(frozen=True, slots=True)
class KeptCase:
    """One line of the list of cases. ``kept_ns``: when, since the epoch."""

    id: str
    name: str
    kept_ns: int
    packets: int
    scans: int
    floods: int


@dataclass(frozen=True, slots=True)
class Sighting:
    """One scan or flood that was kept: in which case, when it was sent, from where, its markprint and maker."""

    case: str
    case_name: str
    scan: str
    structure: str
    values: str
    tool: str | None
    maker: str
    probes: int
    first_ns: int | None
    last_ns: int | None
    sources: tuple[str, ...]
    sources_total: int


class Store:
    """The cases in one folder, which is made when the first is kept. Raises SourceError where it cannot be used."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keep(self, report: Report, *, name: str, now_ns: int) -> str:
        """Keep a report and return its case's id; a case of that id is replaced, its inputs stay."""
        case = case_id(report)
        with self._told():
            self._place(case).mkdir(parents=True, exist_ok=True)
            unfinished = self._place(case) / "report.json.part"
            unfinished.write_text(report.to_json(), encoding="utf-8")
            unfinished.replace(self._place(case) / "report.json")
            with self._index() as index:
                index.execute("DELETE FROM cases WHERE id = ?", (case,))
                packets = sum(one.packets for one in report.inputs)
                row = (case, name, now_ns, packets, report.scans_total, report.floods_total)
                index.execute("INSERT INTO cases VALUES (?, ?, ?, ?, ?, ?)", row)
                index.executemany("INSERT INTO findings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", _rows(case, report))
        return case

    def load(self, case: str) -> Report | None:
        """Return the report of a case, None if there is none of that id. Raises ReportError for a damaged one."""
        path = self._place(case) / "report.json" if CASE_ID.fullmatch(case) else None
        if path is None or not path.is_file():
            return None
        with self._told():
            return Report.from_json(path.read_bytes())

    def cases(self) -> tuple[KeptCase, ...]:
        """Return all cases, the newest first."""
        with self._told(), self._index() as index:
            rows = index.execute("SELECT * FROM cases ORDER BY kept_ns DESC, id").fetchall()
        return tuple(KeptCase(*row) for row in rows)

    def sightings(self, *, besides: str | None = None) -> tuple[Sighting, ...]:
        """Return every finding that was kept, the oldest first, those of one case left out where asked."""
        query = (
            "SELECT f.case_id, c.name, f.scan, f.structure, f.marked, f.tool, f.maker, f.probes, f.first_ns, "
            "f.last_ns, f.sources, f.sources_total "
            "FROM findings f JOIN cases c ON c.id = f.case_id WHERE f.case_id IS NOT ? "
            "ORDER BY f.first_ns IS NULL, f.first_ns, f.case_id, f.scan"
        )
        with self._told(), self._index() as index:
            rows = index.execute(query, (besides,)).fetchall()
        return tuple(_sighting(*row) for row in rows)

    def remove(self, case: str) -> bool:
        """Remove a case with its inputs; tell whether there was one."""
        if not CASE_ID.fullmatch(case):
            return False
        with self._told():
            with self._index() as index:
                found = index.execute("DELETE FROM cases WHERE id = ?", (case,)).rowcount > 0
            shutil.rmtree(self._place(case), ignore_errors=True)
        return found

    def inputs(self, case: str) -> tuple[Path, ...]:
        """Return the inputs kept with a case, in the order of the report's."""
        folder = self._place(case) / "inputs"
        return tuple(sorted(folder.iterdir())) if CASE_ID.fullmatch(case) and folder.is_dir() else ()

    def adopt(self, case: str, files: tuple[Path, ...]) -> None:
        """Move files into a case as its inputs, in this order; those it had are replaced."""
        with self._told():
            folder = self._place(case) / "inputs"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            for number, file in enumerate(files, 1):
                shutil.move(file, folder / f"{number:04d}")

    def _place(self, case: str) -> Path:
        return self.folder / "cases" / case

    @contextmanager
    def _index(self) -> Iterator[sqlite3.Connection]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(self.folder / "index.sqlite", timeout=20)) as index:
            index.execute("PRAGMA foreign_keys = ON")
            if index.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
                index.executescript(f"PRAGMA journal_mode = WAL; {_SCHEMA} PRAGMA user_version = {_VERSION};")
            with index:
                yield index

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what the disk or the index refuses into one sentence."""
        try:
            yield
        except (OSError, sqlite3.Error) as fault:
            what = f"the store of cases cannot be used: {getattr(fault, 'strerror', None) or fault}"
            raise SourceError(
                what, name=str(self.folder), code=ExitCode.UNREADABLE, remedy="CRAFTMARK_DATA_DIR names another folder"
            ) from fault


def case_id(report: Report) -> str:
    """Return the id of a report's case: by the inputs' hashes and the conditions, not by the program's version."""
    digest = hashlib.sha256()
    for one in sorted(part.sha256 for part in report.inputs):
        digest.update(one.encode() + b"\0")
    digest.update(repr(report.conditions).encode())
    return digest.hexdigest()[:16]


def _sighting(*row: Any) -> Sighting:
    case, case_name, scan, structure, values, tool, maker, probes, first_ns, last_ns, sources, total = row
    named = tuple(json.loads(sources))
    return Sighting(case, case_name, scan, structure, values, tool, maker, probes, first_ns, last_ns, named, total)


def _rows(case: str, report: Report) -> Iterator[tuple[object, ...]]:
    for scan in (*report.scans, *report.floods):
        sources = json.dumps([one.address for one in scan.sources[:_SOURCES]])
        yield (
            case, scan.id, scan.markprint.structure, scan.markprint.values, scan.maker.tool, scan.maker.kind,
            scan.probes, scan.first_ns, scan.last_ns, sources, scan.sources_total,
        )  # fmt: skip
