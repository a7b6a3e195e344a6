"""The power table: shares are counted, pages rewritten between their marks, and nothing is found in random headers."""

from __future__ import annotations

from benchmarks import power
from tests.marks import planting


def test_a_share_is_all_from_thirty_probes_and_none_from_two():
    stated = planting.STATED[planting.masscan]
    assert power.share(planting.masscan, 30, stated, 2) == 1
    assert power.share(planting.masscan, 2, stated, 2) == 0


def test_tables_are_written_between_their_marks(monkeypatch):
    monkeypatch.setattr(power, "FAMILIES", power.FAMILIES[:1])
    monkeypatch.setattr(power, "SIZES", (5, 30))
    page = "a\n<!-- table: sizes -->\nold\n<!-- end -->\nb\n<!-- table: spoiled -->\n<!-- end -->\n"
    written = power.written(page, 1)
    assert "old" not in written
    assert "| masscan's IP ID | 100 % | 100 % |" in written
    assert "| regularity | probes | loss 10 % |" in written


def test_every_family_has_its_row_in_the_docs():
    page = power.PAGE.read_text(encoding="utf-8")
    for family in power.FAMILIES:
        assert page.count(f"| {family.title} |") == 2


def test_random_headers_say_nothing():
    assert power.alarms(300, seed=5) == []
