"""``craftmark study``: the tables hold what the captures hold, in any order of inputs, and damage is told."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from craftmark import cli, examine
from craftmark.pipeline import Settings
from craftmark.study import write
from craftmark.study.base import Asked
from craftmark.study.run import study
from craftmark.verbs.study import files_in, watched_addresses

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "odd-scan-2000.pcap"
DAY_S = 86_400


def _shifted(days, *, spare=0):
    """Return the example with its packets some days later, and without the last ``spare`` octets."""
    octets = bytearray(EXAMPLE.read_bytes())
    at = 24
    while at < len(octets):
        seconds, _, captured, _ = struct.unpack_from("<IIII", octets, at)
        struct.pack_into("<I", octets, at, seconds + days * DAY_S)
        at += 16 + captured
    return bytes(octets[: len(octets) - spare])


@pytest.fixture(scope="module")
def captures(tmp_path_factory):
    """Two days of the same scan, the second in two files, one of them cut; a hidden file; a file that is no capture."""
    folder = tmp_path_factory.mktemp("captures")
    (folder / "deep").mkdir()
    (folder / "b-first.pcap").write_bytes(_shifted(0))
    (folder / "a-second.pcap").write_bytes(_shifted(1))
    (folder / "deep" / "cut.pcap").write_bytes(_shifted(1, spare=30))
    (folder / ".hidden").write_bytes(b"nothing")
    (folder / "=note.txt").write_bytes(b"<b>no capture</b>\n")
    return folder


@pytest.fixture(scope="module")
def made(captures, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    assert cli.main(["study", str(captures), "-o", str(out), "--telescope", "/8", "--quiet"]) == 3
    return out


@pytest.fixture(scope="module")
def whole(captures):
    return study(sorted(files_in([str(captures)])), Settings(), Asked(telescope=1 << 24))


def _rows(made, name):
    return made.tables[name].dicts()


def test_each_day_is_a_case(whole):
    assert [row["case"] for row in _rows(whole, "cases")] == ["2000-05-20", "2000-05-21"]
    assert [row["packets"] for row in _rows(whole, "cases")] == [3072, 2 * 3072 - 1]
    assert [row["sources"] for row in _rows(whole, "cases")] == [3, 3]


def test_a_case_is_what_the_main_job_finds_in_its_packets(whole):
    report = examine(EXAMPLE)
    row = next(row for row in _rows(whole, "scans") if row["case"] == "2000-05-20")
    scan = report.scans[0]
    assert (row["id"], row["probes"], row["tool"]) == (scan.id, scan.probes, scan.maker.tool)
    assert (row["markprint"], row["values"]) == (scan.markprint.structure, scan.markprint.values)
    assert (row["first_ns"], row["port_ranges"]) == (scan.first_ns, scan.ports.ranges)


def test_a_markprint_is_new_once(whole):
    assert [(row["markprints"], row["new_markprints"]) for row in _rows(whole, "cases")] == [(1, 1), (1, 0)]
    (row,) = _rows(whole, "markprints")
    assert (row["first_case"], row["last_case"], row["scans"]) == ("2000-05-20", "2000-05-21", 2)


def test_every_port_has_its_probes(whole):
    rows = _rows(whole, "ports")
    assert {row["port"] for row in rows} == set(range(1, 1025))
    assert sum(row["probes"] for row in rows) == 3 * 3072 - 1
    assert all(row["scans"] == 2 and row["sources"] == 6 for row in rows)


def test_roles_add_up_to_all_packets(whole):
    for row in _rows(whole, "cases"):
        roles = ("probe", "answer", "backscatter", "flood", "ordinary", "undecoded")
        assert sum(row[role] for role in roles) == row["packets"]


def test_nothing_is_extrapolated_from_a_port_scan_of_one_host(whole):
    assert {row["coverage"] for row in _rows(whole, "scans")} == {None}


def test_damage_and_what_is_no_capture_are_rows(whole, captures):
    damage = {Path(row["input"]).name: row["damage"] for row in _rows(whole, "inputs")}
    assert "record is cut" in damage["cut.pcap"]
    assert "not examined" in damage["=note.txt"]
    assert damage["b-first.pcap"] is None
    assert ".hidden" not in damage
    assert whole.damaged


def test_the_order_of_the_inputs_changes_nothing(whole, captures):
    paths = sorted(files_in([str(captures)]), reverse=True)
    again = study(paths, Settings(), Asked(telescope=1 << 24))
    assert again.tables == whole.tables


def test_an_input_can_be_the_case(captures):
    paths = [str(captures / "b-first.pcap"), str(captures / "a-second.pcap")]
    found = study(paths, Settings(), Asked(by="input"))
    assert [row["case"] for row in _rows(found, "cases")] == paths


def test_the_page_needs_nothing_else_and_escapes(made):
    page = (made / "index.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "default-src 'none'" in page
    assert page.count("<svg") == 4
    assert "2 scans in 9,215 packets of 2 days" in page
    assert "<b>no capture" not in page


def test_tables_are_parquet_with_meanings_and_duckdb_holds_the_same(made, whole):
    parquet = pytest.importorskip("pyarrow.parquet")
    duckdb = pytest.importorskip("duckdb")
    with duckdb.connect(str(made / "study.duckdb"), read_only=True) as database:
        for name, table in whole.tables.items():
            read = parquet.read_table(made / "tables" / f"{name}.parquet")
            assert read.column_names == [column.name for column in table.columns]
            assert read.num_rows == len(table.rows)
            assert database.sql(f'SELECT * FROM "{name}"').fetchall() == [tuple(row) for row in table.rows]
    assert read.schema.field("values").metadata[b"meaning"].startswith(b"what they share")


def test_a_second_study_replaces_the_first_and_does_not_read_it(captures, made, capsys):
    before = {path.name: path.read_bytes() for path in (made / "tables").iterdir()}
    page = (made / "index.html").read_bytes()
    assert cli.main(["study", str(captures), "-o", str(made), "--telescope", "/8", "--quiet"]) == 3
    assert {path.name: path.read_bytes() for path in (made / "tables").iterdir()} == before
    assert (made / "index.html").read_bytes() == page
    assert "Written to" in capsys.readouterr().out
    assert not list(files_in([str(made)], besides=made))


def test_without_pyarrow_tables_are_csv_that_no_spreadsheet_runs(captures, tmp_path, monkeypatch):
    monkeypatch.setattr(write, "arrow_of", lambda table: None)
    monkeypatch.chdir(captures)
    assert cli.main(["study", "=note.txt", "b-first.pcap", "-o", str(tmp_path), "--quiet"]) == 3
    assert {path.suffix for path in (tmp_path / "tables").iterdir()} == {".csv"}
    assert not (tmp_path / "study.duckdb").exists()
    assert "'=note.txt," in (tmp_path / "tables" / "inputs.csv").read_text()


@pytest.mark.parametrize(
    ("text", "count"), [("198.51.100.0/24", 256), ("/8", 1 << 24), ("65536", 65536), ("203.0.113.9", 1)]
)
def test_a_telescope_is_a_network_or_a_size(text, count):
    assert watched_addresses(text) == count


@pytest.mark.parametrize("text", ["0", "/33", "2001:db8::/32", "many", "-5", "99999999999"])
def test_what_is_no_telescope_is_a_usage_error(text, capsys):
    assert cli.main(["study", str(EXAMPLE), f"--telescope={text}"]) == 2
    assert "is neither" in capsys.readouterr().err


def test_an_empty_folder_is_told(tmp_path, capsys):
    assert cli.main(["study", str(tmp_path)]) == 10
    assert "holds no file" in capsys.readouterr().err
