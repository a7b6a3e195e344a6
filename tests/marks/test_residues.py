"""Targets shared out among sources by their remainder; not shared out otherwise."""

from __future__ import annotations

import numpy as np
import pytest

from craftmark.marks import residues
from tests.marks import planting
from tests.marks.dossiers import dossier_from_batch, probes

RNG = np.random.default_rng(12)
DST = RNG.integers(0, 2**32, 400)


def found(**columns) -> list[str]:
    return [mark.statement for mark in residues.infer(dossier_from_batch(probes(400, **columns)))]


@pytest.mark.parametrize("sources", [2, 3, 5, 16])
def test_the_remainder_by_the_number_of_sources_is_found(sources: int) -> None:
    assert found(ip_src=7 + DST % sources, ip_dst=DST) == [
        f"ip_dst % {sources} is one value per source, another for each"
    ]


def test_the_other_byte_order_is_tried() -> None:
    assert found(ip_src=7 + planting.swap32(DST) % 7, ip_dst=DST) == [
        "swap32(ip_dst) % 7 is one value per source, another for each"
    ]


def test_a_source_that_was_not_seen_does_not_hide_it() -> None:
    seen = DST % 5 != 2
    batch = probes(400, ip_src=7 + DST % 5, ip_dst=DST).take(seen)
    assert residues.infer(dossier_from_batch(batch))[0].values == (5,)


def test_a_few_foreign_probes_do_not_hide_it() -> None:
    source = DST % 4
    source[:8] = RNG.integers(0, 4, 8)
    (mark,) = residues.infer(dossier_from_batch(probes(400, ip_src=7 + source, ip_dst=DST)))
    assert mark.held >= 392


def test_random_sources_ranges_and_repeated_targets_share_nothing_out() -> None:
    assert found(ip_src=7 + RNG.integers(0, 4, 400), ip_dst=DST) == []
    assert found(ip_src=7 + np.arange(400) // 100, ip_dst=np.arange(400)) == []
    assert found(ip_src=7 + np.arange(400) % 4, ip_dst=90 + np.arange(400) % 4) == []
    assert found(ip_src=7, ip_dst=DST) == []


def test_another_programs_source_does_not_hide_it() -> None:
    batch = planting.mixed(planting.shared_out, np.random.default_rng(1), 300, 0.05)
    (mark,) = residues.infer(dossier_from_batch(batch))
    assert mark.values == (5,)


def test_one_source_with_even_targets_and_a_stray_share_nothing_out() -> None:
    source = np.full(400, 7)
    source[3] = 8
    assert found(ip_src=source, ip_dst=DST & ~1) == []
