"""Timing: rate, regular gaps, bursts; random gaps have no pattern and unknown times no mark."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from craftmark.marks import timing
from craftmark.marks.timing import rate_text
from craftmark.packets.fields import NOTE_NO_TIME, NOTES
from tests.marks.dossiers import dossier_from_batch, probes

if TYPE_CHECKING:
    from craftmark.marks.base import Toolmark

RNG = np.random.default_rng(13)
START = 958_842_405_061_034_003


def timing_marks(gaps: object, **columns: object) -> dict[str, Toolmark]:
    batch = probes(len(gaps) + 1, **columns)  # type: ignore[arg-type]
    batch.ts_ns[:] = START + np.concatenate([[0], np.cumsum(np.asarray(gaps).astype(np.int64))])
    return {mark.name: mark for mark in timing.infer(dossier_from_batch(batch))}


def test_the_rate_is_stated_with_count_and_duration() -> None:
    mark = timing_marks([13_600_000_000 // 1023] * 1023)["rate"]
    assert mark.statement == "1,024 probes in 13.6 s, 75 per second"


def test_regular_gaps_with_jitter_are_regular() -> None:
    mark = timing_marks(RNG.normal(10_000_000, 200_000, 200))["regular"]
    assert mark.statement.startswith("regular gaps of 10.0 ms") or mark.statement.startswith("regular gaps of 9.")
    assert mark.log10_chance < -100


def test_bursts_of_one_size_are_told() -> None:
    gaps = ([1_003] * 63 + [30_000_007]) * 20
    assert timing_marks(gaps)["bursts"].values == (64,)


def test_random_gaps_have_no_pattern() -> None:
    for _ in range(100):
        assert set(timing_marks(RNG.exponential(1e7, 100))) == {"rate"}


def test_a_clock_of_whole_seconds_shows_no_pattern() -> None:
    batch = probes(100)
    batch.ts_ns[:] = (START // 10**9 + np.arange(100)) * 10**9
    assert [mark.name for mark in timing.infer(dossier_from_batch(batch))] == ["rate"]


def test_no_times_no_marks() -> None:
    batch = probes(100)
    batch.words[:, NOTES] = NOTE_NO_TIME
    assert timing.infer(dossier_from_batch(batch)) == []


@pytest.mark.parametrize(
    ("probes_sent", "duration_ns", "text"),
    [
        (3072, 13_600_000_000, "226 per second"),
        (30, 10_000_000_000, "3.0 per second"),
        (10, 36_000_000_000_000, "one every 60.0 min"),
    ],
)
def test_rates_are_written_for_a_reader(probes_sent: int, duration_ns: int, text: str) -> None:
    assert rate_text(probes_sent, duration_ns) == text
