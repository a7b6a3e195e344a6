"""A case as tables: the same rows by every library, packets led by their scan, nothing half written."""

from __future__ import annotations

import builtins
import sys
from dataclasses import replace

import pytest

from craftmark import cli, examine
from craftmark.errors import ExitCode, ReportError
from craftmark.report.tables import TABLES
from tests.cases.captures import KEPT, ROOT

PCAP, MIX = ROOT / "examples" / "odd-scan-2000.pcap", KEPT / "mix_zmap_masscan.pcap.gz"


@pytest.fixture(scope="module")
def report():
    return examine(PCAP)


@pytest.mark.parametrize("name", TABLES)
def test_every_library_gets_the_same_table(report, name):
    table = report.table(name)
    rows = table.to_arrow().to_pylist()
    assert [tuple(row.values()) for row in rows] == [tuple(row) for row in table.rows]
    assert table.to_polars().rows() == [tuple(row.values()) for row in rows]
    frame = table.to_pandas()
    assert list(frame.columns) == list(table.columns)
    assert [[None if value is frame.isna else value for value in row] for row in frame.fillna(0).values.tolist()] == [
        [0 if value is None else value for value in row.values()] for row in rows
    ]


def test_an_empty_table_keeps_its_kinds(report):
    empty = replace(report, scans=(), claims=()).table("scans")
    assert str(empty.to_arrow().schema.field("probes").type) == "int64"
    assert str(empty.to_pandas()["probes"].dtype) == "Int64"
    assert str(empty.to_polars()["probes"].dtype) == "Int64"


def test_names_that_are_no_text_and_tables_that_are_none(report):
    odd = replace(report, inputs=(replace(report.inputs[0], name="odd\udcff.pcap", first_ns=None),))
    row = odd.table("inputs").to_arrow().to_pylist()[0]
    assert (row["name"], row["first_ns"]) == ("odd\\udcff.pcap", None)
    with pytest.raises(ReportError, match="inputs, scans, kinds"):
        report.table("packets; drop")


def test_a_duckdb_file_answers_in_sql(capsys, tmp_path):
    duckdb = pytest.importorskip("duckdb")
    target = tmp_path / "case.duckdb"
    assert cli.main(["export", str(MIX), "--as", "duckdb", "-o", str(target)]) == ExitCode.EXAMINED
    assert "toolmarks: " in capsys.readouterr().out
    with duckdb.connect(str(target), read_only=True) as connection:
        counted = connection.sql("SELECT scan, count(*) FROM packets WHERE scan IS NOT NULL GROUP BY scan").fetchall()
        told = connection.sql("SELECT scan, probes FROM scans").fetchall()
        packets = connection.execute("SELECT count(*), count(DISTINCT packet) FROM packets").fetchone()
    assert sorted(counted) == sorted(told)
    assert len(told) == 2
    assert packets == (examine(MIX).inputs[0].packets,) * 2
    assert cli.main(["export", str(MIX), "--as", "duckdb", "-o", str(target)]) == ExitCode.USAGE
    assert "exists already" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["parquet", "arrow"])
def test_a_folder_has_a_file_a_table(capsys, form, tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import feather, parquet

    assert cli.main(["export", str(PCAP), "--as", form, "-o", str(tmp_path / "case")]) == ExitCode.EXAMINED
    assert {file.stem for file in (tmp_path / "case").iterdir()} == {*TABLES, "packets"}
    read = parquet.read_table if form == "parquet" else feather.read_table
    packets = read(tmp_path / "case" / f"packets.{form}")
    assert packets.num_rows == 3072
    assert pyarrow.compute.unique(packets["scan"]).to_pylist() == ["S1"]
    assert packets["ip_src"][0].as_py() == "192.160.13.4"


def test_a_saved_report_has_every_table_but_the_packets(capsys, report, tmp_path):
    (tmp_path / "saved.json").write_text(report.to_json())
    assert cli.main(["export", str(tmp_path / "saved.json"), "--as", "parquet", "-o", str(tmp_path / "case")]) == 0
    assert "no table packets" in capsys.readouterr().out
    assert not (tmp_path / "case" / "packets.parquet").exists()


@pytest.mark.parametrize(("form", "library"), [("duckdb", "duckdb"), ("parquet", "pyarrow"), ("arrow", "pyarrow")])
def test_a_missing_library_is_named_with_the_remedy(capsys, form, library, monkeypatch, tmp_path):
    real = builtins.__import__

    def without(name, *rest):
        if name.split(".")[0] == library:
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    assert cli.main(["export", str(PCAP), "--as", form, "-o", str(tmp_path / "case")]) == ExitCode.USAGE
    assert f"Python package {library}" in (err := capsys.readouterr().err)
    assert "pip install 'craftmark[" in err
    assert not list(tmp_path.iterdir())


def test_tables_need_a_place(capsys):
    assert cli.main(["export", str(PCAP), "--as", "duckdb"]) == ExitCode.USAGE
    assert "needs -o" in capsys.readouterr().err


def test_no_table_library_is_imported_before_it_is_asked_for():
    import subprocess

    program = (
        f"import sys, craftmark; craftmark.examine({str(PCAP)!r}).table('scans')\n"
        "print([name for name in ('pandas', 'polars', 'pyarrow', 'duckdb') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "[]"
