from __future__ import annotations

import numpy as np
import pytest

from craftmark.marks.chance import STATED_AT
from craftmark.marks.reseeded import solve
from craftmark.tools.load import load_rules
from tests.marks import dossiers as d
from tests.naive.prng import glibc

RECIPES = {f"{recipe.tool}/{recipe.id}": recipe for recipe in load_rules().recipes}
FIRST_S = 958_842_405


def one_shots(count, *, late_us=4_000, off_s=0, **others):
    """Return packets as nemesis sends them, each from a process that started ``late_us`` before."""
    batch = d.probes(count, gap_ns=11_000_000)
    rows = []
    for row in range(count):
        moment = int(batch.ts_ns[row]) // 1000 - late_us + off_s * 1_000_000
        rows.append(glibc(moment // 1_000_000 ^ moment % 1_000_000, 7))
    drawn = np.array(rows)
    columns = {
        "ip_src": drawn[:, 0].astype(np.uint32).byteswap(), "ip_dst": 7, "ip_id": drawn[:, 2] % 65535,
        "tcp_sport": drawn[:, 3] % 65535, "tcp_dport": np.arange(count), "tcp_seq": drawn[:, 5], "tcp_ack": drawn[:, 6],
    }  # fmt: skip
    return d.probes(count, gap_ns=11_000_000, **columns | others)


def solved(batch, recipe="nemesis/prand"):
    found = solve(d.dossier_from_batch(batch), RECIPES[recipe])
    return found[0] if found else None


@pytest.mark.parametrize("count", [1, 2, 5, 30])
def test_each_packet_tells_the_moment_its_process_started(count):
    mark = solved(one_shots(count))
    assert mark.held == mark.seen == min(count, 8)
    assert mark.log10_chance <= STATED_AT
    assert {one.name: one.value for one in mark.recovered}["start_s"] == FIRST_S
    assert mark.recovered[0].checked >= 4 * mark.held


def test_an_address_that_the_user_gave_is_not_counted():
    free, given = solved(one_shots(6)), solved(one_shots(6, ip_src=5))
    assert "ip_src" in free.fields
    assert "ip_src" not in given.fields


def test_a_sender_whose_clock_is_hours_off_is_found():
    mark = solved(one_shots(10, off_s=-7200))
    assert mark.held == 8
    assert "start_s" not in {one.name for one in mark.recovered}, "which second it was cannot be told"


def test_random_packets_have_no_seed():
    rng = np.random.default_rng(8)
    for count in (1, 2, 8, 60):
        numbers = rng.integers(1, 1 << 31, (2, count))
        ports = rng.integers(0, 65535, (2, count))
        batch = one_shots(count, tcp_seq=numbers[0], tcp_ack=numbers[1], ip_id=ports[0], tcp_sport=ports[1])
        assert solved(batch) is None


def test_udp_packets_show_enough():
    made = one_shots(5)
    batch = d.probes(
        5, protocol=17, gap_ns=11_000_000, ip_id=made.column("ip_id"), udp_sport=made.column("tcp_sport"), ip_dst=9
    )
    assert solved(batch, "nemesis/prand-udp").held == 5
