from __future__ import annotations

import numpy as np
import pytest

from craftmark.marks.chained import solve
from craftmark.marks.chance import STATED_AT
from craftmark.tools.load import load_rules
from tests.marks import dossiers as d
from tests.naive.prng import glibc

RECIPES = {f"{recipe.tool}/{recipe.id}": recipe for recipe in load_rules().recipes}
FIRST_S = 958_842_405


def chained(count, *, process=8337, late=0, gap_ns=1_000_000, **others):
    """Return packets as packit draws them: each value seeds the next."""
    value, rows = 0, []
    for row in range(count):
        drawn = []
        second = FIRST_S + (61_034_000 + row * gap_ns) // 10**9 + late
        for size in (65535, 2147483647, 65535):
            value = glibc((second ^ process * (value + 1)) & 0xFFFFFFFF, 1)[0] % size
            drawn.append(value)
        rows.append(drawn)
    values = np.array(rows)
    columns = {"tcp_sport": values[:, 0], "tcp_seq": values[:, 1], "ip_id": values[:, 2], "ip_src": 1, "ip_dst": 2}
    return d.probes(count, gap_ns=gap_ns, **columns | others)


def solved(batch, recipe="packit/rand"):
    found = solve(d.dossier_from_batch(batch), RECIPES[recipe])
    return found[0] if found else None


@pytest.mark.parametrize(("count", "process"), [(2, 300), (5, 8337), (100, 4_000_001)])
def test_the_process_is_found_and_predicts_every_value(count, process):
    mark = solved(chained(count, process=process))
    assert (mark.values, mark.held, mark.seen) == ((process,), 3 * count - 1, 3 * count - 1)
    assert mark.recovered[0].checked == 3 * count - 2
    assert mark.log10_chance <= STATED_AT


def test_seconds_pass_and_clocks_differ():
    mark = solved(chained(40, gap_ns=100_000_000, late=1))
    assert mark.held == mark.seen


def test_lost_packets_break_only_the_links_over_them():
    mark = solved(chained(300).take(np.arange(0, 300, 3)))
    assert mark.values == (8337,)
    assert mark.held >= 2 * 100 - 1


def test_a_field_that_the_user_set_is_no_draw():
    value, ids = 0, []
    for _ in range(50):
        value = glibc((FIRST_S ^ 77 * (value + 1)) & 0xFFFFFFFF, 1)[0] % 65535
        ids.append(value)
    mark = solved(d.probes(50, protocol=1, ip_id=ids, ip_dst=3), "packit/rand-icmp")
    assert (mark.fields, mark.values) == (("ip_id",), (77,))


def test_random_values_are_not_chained():
    rng = np.random.default_rng(9)
    for count in (2, 5, 80):
        batch = chained(
            count, tcp_sport=rng.integers(0, 65535, count), tcp_seq=rng.integers(0, 1 << 31, count),
            ip_id=rng.integers(0, 65535, count),
        )  # fmt: skip
        assert solved(batch) is None
        assert solved(d.probes(count, protocol=1, ip_id=batch.column("ip_id")), "packit/rand-icmp") is None


def test_values_kept_for_some_packets_are_no_chain():
    """As where each burst of decoys has one IP ID: a process that seeds a value from itself explains them all."""
    rng = np.random.default_rng(2)
    for _ in range(6):
        ids = np.repeat(rng.integers(0, 65535, 47), 11)
        batch = d.probes(len(ids), ip_id=ids, tcp_sport=4000, tcp_seq=77, ip_src=1, ip_dst=2, gap_ns=10_000)
        assert solved(batch) is None
