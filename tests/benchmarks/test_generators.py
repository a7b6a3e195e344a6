"""The table of generators: shares are counted, pages rewritten between their marks, nothing found in random headers."""

from __future__ import annotations

import pytest

from benchmarks import generators


@pytest.mark.parametrize(("title", "make"), generators.FAMILIES, ids=[title for title, _ in generators.FAMILIES])
def test_every_family_is_found_from_a_hundred_probes(title, make):
    assert generators.cell(make, 100, 1.0, 1).startswith("100 %"), title


def test_tables_are_written_between_their_marks(monkeypatch):
    monkeypatch.setattr(generators, "FAMILIES", generators.FAMILIES[1:2])
    monkeypatch.setattr(generators, "SIZES", (2,))
    monkeypatch.setattr(generators, "KEPT", (1.0,))
    written = generators.written("a\n<!-- table: sizes -->\nold\n<!-- end -->\n<!-- table: loss -->\n<!-- end -->\n", 1)
    assert "old" not in written
    assert written.count("| hping, rand() seeded with the second | 100 %") == 2


def test_every_family_has_its_rows_in_the_docs():
    page = generators.PAGE.read_text(encoding="utf-8")
    for title, _ in generators.FAMILIES:
        assert page.count(f"| {title} |") == 2


def test_random_headers_have_no_generator():
    assert generators.alarms(60, seed=5) == []
