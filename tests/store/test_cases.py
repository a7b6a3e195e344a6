from __future__ import annotations

import sqlite3
from dataclasses import replace

import pytest

from craftmark.errors import SourceError
from craftmark.store.cases import Store, case_id
from craftmark.store.place import data_dir
from tests.report.fixture_2000 import report


def other_report():
    return replace(report(), conditions=replace(report().conditions, where="tcp_dport < 20"))


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "kept")


def test_a_kept_report_is_read_back_whole(store):
    case = store.keep(report(), name="odd.pcap", now_ns=5)
    assert Store(store.folder).load(case) == report()


def test_the_same_inputs_kept_again_are_one_case_with_the_newer_report(store):
    first = store.keep(report(), name="odd.pcap", now_ns=5)
    newer = replace(report(), craftmark="9.9.9")
    assert store.keep(newer, name="again.pcap", now_ns=6) == first
    assert [one.name for one in store.cases()] == ["again.pcap"]
    assert store.load(first).craftmark == "9.9.9"


def test_other_conditions_make_another_case():
    assert case_id(other_report()) != case_id(report())


def test_cases_are_listed_the_newest_first(store):
    store.keep(report(), name="old", now_ns=1)
    store.keep(other_report(), name="new", now_ns=2)
    assert [one.name for one in store.cases()] == ["new", "old"]


def test_sightings_name_scan_source_and_markprint_and_leave_out_what_is_asked(store):
    case = store.keep(report(), name="odd.pcap", now_ns=5)
    (one,) = store.sightings()
    scan = report().scans[0]
    assert (one.case, one.scan, one.structure, one.values) == (
        case, "S1", scan.markprint.structure, scan.markprint.values,
    )  # fmt: skip
    assert one.sources[0] == scan.sources[0].address
    assert store.sightings(besides=case) == ()


def test_a_removed_case_is_gone_with_its_inputs(store, tmp_path):
    case = store.keep(report(), name="odd.pcap", now_ns=5)
    capture = tmp_path / "one"
    capture.write_bytes(b"x")
    store.adopt(case, (capture,))
    assert [path.read_bytes() for path in store.inputs(case)] == [b"x"]
    assert store.remove(case)
    assert not store.remove(case)
    assert (store.load(case), store.inputs(case), store.cases(), store.sightings()) == (None, (), (), ())


@pytest.mark.parametrize("name", ["..", "../../etc", "", "0123456789abcdeg", "0123456789abcdef/.."])
def test_what_is_no_id_reaches_no_file(store, name):
    assert store.load(name) is None
    assert store.inputs(name) == ()
    assert not store.remove(name)


def test_a_damaged_index_is_told_in_one_sentence(store):
    store.folder.mkdir()
    (store.folder / "index.sqlite").write_bytes(b"not a database at all, though it is long enough" * 40)
    with pytest.raises(SourceError, match="CRAFTMARK_DATA_DIR"):
        store.cases()


def test_two_processes_may_keep_at_once(store):
    store.keep(report(), name="a", now_ns=1)
    other = sqlite3.connect(store.folder / "index.sqlite")
    other.execute("BEGIN")
    other.execute("SELECT * FROM cases").fetchall()
    store.keep(other_report(), name="b", now_ns=2)
    other.close()
    assert len(store.cases()) == 2


def test_the_folder_can_be_chosen(monkeypatch, tmp_path):
    monkeypatch.setenv("CRAFTMARK_DATA_DIR", str(tmp_path))
    assert data_dir() == tmp_path
