"""The TTL: one value, one per source, a path, a range; a wide spread says nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from craftmark.marks import ttl
from tests.marks.dossiers import dossier_from_batch, probes

if TYPE_CHECKING:
    from craftmark.marks.base import Toolmark

RNG = np.random.default_rng(5)


def ttl_marks(count: int, values: object, **columns: object) -> list[Toolmark]:
    return ttl.infer(dossier_from_batch(probes(count, ip_ttl=values, **columns)))


def test_one_value() -> None:
    (mark,) = ttl_marks(3072, 44)
    assert (mark.kind, mark.statement, mark.values, mark.held, mark.seen) == ("ttl", "ip_ttl = 44", (44,), 3072, 3072)


def test_nmaps_range_is_uniform() -> None:
    (mark,) = ttl_marks(500, RNG.integers(33, 56, 500))
    assert mark.name == "uniform"
    assert mark.statement == "ip_ttl uniform over 33..55 (23 values)"
    assert mark.log10_chance < -400


def test_two_paths_are_a_spread_not_uniform() -> None:
    (mark,) = ttl_marks(100, RNG.choice([52, 53], 100))
    assert (mark.name, mark.log10_chance) == ("spread", 0.0)


def test_a_lopsided_range_is_a_spread() -> None:
    values = np.where(RNG.random(500) < 0.9, 50, RNG.integers(40, 60, 500))
    assert [mark.name for mark in ttl_marks(500, values)] == ["spread"]


def test_a_traceroute_is_a_path() -> None:
    (mark,) = ttl_marks(30, np.repeat(np.arange(1, 11), 3))
    assert (mark.name, mark.values) == ("path", (1, 10))


def test_each_source_with_its_own_value_is_per_source() -> None:
    sources = np.tile([1, 2, 3], 20)
    (mark,) = ttl_marks(60, 40 + sources, ip_src=sources)
    assert mark.name == "per-source"


def test_a_random_octet_is_no_mark() -> None:
    assert ttl_marks(500, RNG.integers(0, 256, 500)) == []
