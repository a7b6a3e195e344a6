"""Limited values: libc's 31 bits, port ranges, remainders, few values; full-width and rising fields give none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from craftmark.marks import widths
from tests.marks.dossiers import dossier_from_batch, probes

if TYPE_CHECKING:
    from craftmark.marks.base import Toolmark

RNG = np.random.default_rng(10)


def width_marks(count: int, **columns: object) -> list[Toolmark]:
    return widths.infer(dossier_from_batch(probes(count, **columns)))


@pytest.mark.parametrize(
    ("columns", "statement", "name"),
    [
        ({"tcp_seq": RNG.integers(0, 2**31, 300)}, "tcp_seq < 2^31", "31-bit"),
        ({"tcp_win": RNG.integers(0, 2**15, 300)}, "tcp_win < 2^15", "15-bit"),
        ({"tcp_sport": RNG.choice([49000, 49016], 300)}, "tcp_sport in {49000, 49016}", "few"),
        ({"tcp_sport": RNG.integers(0, 30000, 300) * 2 + 1}, "tcp_sport % 2 = 1", "remainder"),
    ],
)
def test_a_planted_limit_is_told(columns: dict[str, object], statement: str, name: str) -> None:
    (mark,) = width_marks(300, **columns)
    assert (mark.kind, mark.statement, mark.name) == ("generator", statement, name)
    assert (mark.held, mark.seen) == (300, 300)


def test_a_range_of_ports_is_told_from_enough_values_on() -> None:
    (mark,) = width_marks(1000, tcp_sport=RNG.integers(32768, 61001, 1000))
    assert mark.name == "range"
    assert 32768 <= mark.values[0] < 33000
    assert 60800 < mark.values[1] <= 61000


def test_full_width_values_give_none() -> None:
    for count in (5, 20, 300):
        for _ in range(50):
            assert width_marks(count, tcp_seq=RNG.integers(0, 2**32, count), ip_id=RNG.integers(0, 2**16, count)) == []


def test_a_counter_is_left_to_the_counters() -> None:
    assert width_marks(300, ip_id=np.arange(300), tcp_seq=np.arange(300) * 256) == []


def test_ten_values_below_2_to_the_31_prove_nothing() -> None:
    assert width_marks(10, tcp_seq=RNG.integers(0, 2**31, 10)) == []
