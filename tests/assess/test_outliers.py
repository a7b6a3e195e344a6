"""Probes that stand out are named with their packets; what a scan draws, counts or repeats is no background."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from craftmark.assess.base import MakerView
from craftmark.assess.conclude import conclude
from craftmark.assess.outliers import claim_of_outliers, outliers
from tests.assess.planting import plant_dossier

N = 600
SWEEP = {"tcp_dport": np.arange(N), "ip_ttl": 60, "tcp_win": 1024, "tcp_seq": 0xA1D95, "ip_id": 242}


@pytest.mark.parametrize(("name", "odd"), [("tcp_seq", 0xDEADBEEF), ("ip_id", 31337), ("tcp_win", 0)])
def test_one_probe_with_another_value_is_named_with_its_packet(plant, name, odd):
    values = np.full(N, SWEEP[name])
    values[321] = odd
    claim = claim_of_outliers(plant({**SWEEP, name: values}))
    assert claim.statement.startswith(f"1 probe stands out from the sweep: {name} is ")
    assert claim.statement.endswith(f"where {N - 1} probes have {'0xA1D95' if name == 'tcp_seq' else SWEEP[name]}")
    assert claim.packets == (322,)


def test_a_claim_of_it_is_among_the_conclusions(plant):
    values = np.full(N, 242)
    values[5] = 7
    assert any("stands out" in claim.statement for claim in conclude(plant({**SWEEP, "ip_id": values})).claims)


def test_a_kind_of_probe_hardly_ever_sent_stands_out(plant):
    subject = plant(SWEEP, control_bits=13)
    rare = plant_dossier({"tcp_dport": np.array([22])}, control_bits=2)
    (found,) = outliers(replace(subject, parts=(*subject.parts, rare)))
    assert found.words == f"tcp SYN, where {N} probes are of another kind"
    assert found.packets == (1,)


def test_ordinary_sweeps_have_nothing_that_stands_out(plant):
    """Constant, drawn, counted and few-valued fields, in any mixture."""
    rng = np.random.default_rng(12)
    for _ in range(100):
        columns = dict(SWEEP)
        for name, bits in (("ip_id", 16), ("tcp_seq", 32), ("tcp_sport", 16), ("tcp_win", 16)):
            columns[name] = (
                int(rng.integers(1 << bits)), rng.integers(0, 1 << bits, N), (np.arange(N) * 3) % (1 << bits),
                rng.choice([1024, 2048, 3072, 4096], N),
            )[rng.integers(4)]  # fmt: skip
        assert outliers(plant(columns)) == ()


def test_a_tenth_of_the_probes_does_not_stand_out(plant):
    values = np.where(np.arange(N) % 10 == 0, 7, 242)
    assert outliers(plant({**SWEEP, "ip_id": values})) == ()


def test_floods_small_scans_and_standard_stacks_are_not_looked_at(plant):
    values = np.full(N, 242)
    values[5] = 7
    columns = {**SWEEP, "ip_id": values}
    few = {name: one[:40] if np.size(one) == N else one for name, one in columns.items()}
    assert outliers(plant(columns, is_flood=True)) == outliers(plant(few)) == ()
    assert outliers(plant(columns, maker=MakerView("stack"))) == ()
