"""What pictures are drawn from: bounded, and true to the evidence."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from craftmark.marks.infer import infer
from craftmark.report.excerpt import ROWS_AT_LEAST, ROWS_AT_MOST, ROWS_IN_ALL, drawn_of, rows_each
from tests.tools import rows


def made(name: str, **changes):
    dossier = getattr(rows, name)(**changes)
    return dossier, drawn_of(dossier, infer(dossier), 100)


def test_many_scans_share_the_rows_of_one_report():
    assert rows_each(1) == ROWS_AT_MOST
    assert rows_each(10_000) == ROWS_AT_LEAST
    assert all(rows_each(n) * n <= max(ROWS_IN_ALL, ROWS_AT_LEAST * n) for n in range(1, 300))


def test_the_spread_is_bounded_and_in_the_order_of_time():
    dossier, drawn = made("masscan")
    assert drawn.spread.rows == min(100, len(dossier.sample))
    assert list(drawn.spread.offset_ns) == sorted(drawn.spread.offset_ns)
    assert all(len(column.values) == drawn.spread.rows for column in drawn.spread.columns)


def test_ones_are_the_share_of_packets_with_the_bit_set():
    dossier, drawn = made("masscan")
    field = next(one for one in drawn.header if one.name == "tcp_seq")
    column = dossier.sample.column("tcp_seq")
    for place, thousandths in enumerate(field.ones):
        share = np.mean(column >> np.uint32(31 - place) & np.uint32(1))
        assert thousandths == pytest.approx(share * 1000, abs=1)


def test_constant_fields_have_no_ones_and_say_their_value():
    _, drawn = made("masscan")
    field = next(one for one in drawn.header if one.name == "tcp_win")
    assert (field.role, field.ones) == ("constant", ())
    assert field.formula.startswith("tcp_win = ")


def test_gaps_are_all_those_between_consecutive_probes():
    dossier, drawn = made("masscan")
    assert sum(one.gaps for one in drawn.gaps) == len(dossier.consecutive) - 1
    assert all(one.from_ns < one.to_ns for one in drawn.gaps)
    assert [one.from_ns for one in drawn.gaps] == sorted(one.from_ns for one in drawn.gaps)


def test_without_a_clock_no_time_is_drawn():
    drawn = drawn_of(replace(rows.masscan(), has_time=False), (), 50)
    assert (drawn.gaps, drawn.spread.offset_ns) == ((), ())
