from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from craftmark.kernels.prng import GENERATORS
from craftmark.marks.base import Recipe
from craftmark.marks.chance import STATED_AT
from craftmark.marks.draws import Draw, clear_bits
from craftmark.marks.streams import solve
from craftmark.tools.load import load_rules
from tests.marks import dossiers as d
from tests.naive.prng import BY_NAME

START = 958_842_405  # the second of d.probes' first packet
RECIPES = {f"{recipe.tool}/{recipe.id}": recipe for recipe in load_rules().recipes if recipe.kind == "libc-rand"}
HPING, LIBNET = RECIPES["hping/rand"], RECIPES["libnet-1.1-samples/prand"]
DRAWS = [{"field": "tcp_seq"}, {"field": "tcp_ack"}, {"field": "ip_id"}]
PLAIN = Recipe("plain", "libc-rand", "tool", "src", {"protocol": "tcp", "seed": "second", "draws": DRAWS})


def crafted(count, *, library="glibc", seed=START - 2, skip=0, kept=slice(None), **others):
    """Return packets as hping makes them: source port from the first output, then seq, ack, id in turn."""
    outputs = BY_NAME[library](seed, 1 + 3 * (skip + count))
    base, rest = 1024 + outputs[0] % 2000, np.array(outputs[1:]).reshape(-1, 3)[skip:]
    columns = {
        "ip_src": 0x0A000001, "ip_dst": 0x0A000002, "tcp_dport": 80, "tcp_flags": 2,
        "tcp_sport": (base + skip + np.arange(count)) % 65536,
        "tcp_seq": rest[:, 0], "tcp_ack": rest[:, 1], "ip_id": rest[:, 2] & 0xFFFF,
    }  # fmt: skip
    return d.probes(count, **columns | others).take(kept)


def solved(batch, recipe=HPING):
    found = solve(d.dossier_from_batch(batch), recipe)
    return found[0] if found else None


def told(mark):
    return {one.name: one.value for one in mark.recovered}


@pytest.mark.parametrize("count", [1, 2, 5, 100])
def test_the_start_second_is_found_and_predicts_fields_it_was_not_fitted_on(count):
    mark = solved(crafted(count))
    assert (mark.kind, mark.held, mark.seen, mark.level) == ("generator", count, count, "individual")
    assert told(mark)["seed"] == told(mark)["start_s"] == START - 2
    assert mark.recovered[0].checked == 2 * (count - 1) + count
    assert mark.log10_chance <= STATED_AT


@pytest.mark.parametrize("library", [name for name, one in GENERATORS.items() if one.bits == 31])
def test_the_library_is_told(library):
    mark = solved(crafted(4, library=library))
    assert GENERATORS[library].says in told(mark)["generator"]


def test_a_start_hours_ago_is_found():
    assert told(solved(crafted(8, seed=START - 70_000)))["start_s"] == START - 70_000


def test_lost_reordered_and_foreign_packets_hide_nothing():
    rng = np.random.default_rng(5)
    kept = np.sort(rng.permutation(3000)[:30])
    batch = crafted(3000, kept=kept)
    batch.ts_ns[:] = batch.ts_ns[rng.permutation(30)]
    foreign = rng.integers(0, 1 << 31, 4)
    batch.words[:4, 15] = foreign
    mark = solved(batch)
    assert mark.held == 26
    assert told(mark)["seed"] == START - 2


def test_a_field_that_the_user_set_saves_its_draw():
    outputs = np.array(BY_NAME["glibc"](START, 40)).reshape(-1, 2)
    batch = d.probes(
        20, ip_src=1, ip_dst=2, tcp_sport=31337, tcp_dport=np.arange(20), tcp_seq=outputs[:, 0], tcp_ack=outputs[:, 1],
        ip_id=242,
    )  # fmt: skip
    mark = solved(batch)
    assert mark.fields == ("tcp_seq", "tcp_ack")
    assert mark.recovered[0].checked == 19


def test_many_sources_in_one_stream_are_said_to_be_one_sender():
    mark = solved(crafted(30, ip_src=np.random.default_rng(3).integers(1, 1 << 32, 30)))
    assert "30 sources in one stream" in mark.statement
    assert mark.one_stream == 30


def test_ports_rewritten_on_the_way_are_not_counted_as_predicted():
    mark = solved(crafted(10, tcp_sport=np.random.default_rng(4).integers(1024, 65536, 10)))
    assert (mark.held, mark.recovered[0].checked) == (10, 18)


def test_a_narrow_field_in_part_of_the_packets_is_chance():
    """Of random 16-bit values many stand somewhere in any long stream."""
    rng = np.random.default_rng(11)
    recipe = RECIPES["hping/rand-id"]
    for count in (3, 40, 600):
        batch = d.probes(
            count, protocol=17, ip_id=rng.integers(0, 65536, count), udp_sport=rng.integers(0, 65536, count)
        )
        assert solved(batch, recipe) is None


def test_random_fields_have_no_seed():
    rng = np.random.default_rng(7)
    for count in (1, 2, 5, 40):
        numbers = rng.integers(1, 1 << 31, (2, count))
        batch = crafted(count, tcp_seq=numbers[0], tcp_ack=numbers[1], ip_id=rng.integers(0, 65536, count))
        assert solved(batch) is None


def test_one_number_shared_by_many_decoys_counts_once():
    """nmap's decoys: one sequence number for all, an IP ID for the eleven packets of each probe."""
    rng = np.random.default_rng(8)
    for _ in range(4):
        shared = np.repeat(rng.integers(0, 65536, 2), 11)
        batch = crafted(22, tcp_seq=np.full(22, 0x94C9DD65), tcp_ack=np.zeros(22, np.int64), ip_id=shared)
        assert solved(batch) is None


def test_a_seed_of_second_and_microsecond_is_found():
    seed = START - 1 ^ 871_234
    outputs = np.array(BY_NAME["glibc"](seed, 4 * 12)).reshape(-1, 4)
    moment = (START - 1) * 10**9 + 872_000_000
    batch = d.probes(
        12, ip_src=1, ip_dst=2, tcp_dport=80, tcp_win=outputs[:, 0] % 65535, tcp_ack=outputs[:, 1],
        tcp_seq=outputs[:, 2], tcp_sport=outputs[:, 3] % 65535,
    )  # fmt: skip
    batch.ts_ns[:] += moment - batch.ts_ns[0]
    mark = solved(batch, LIBNET)
    assert told(mark)["seed"] == seed
    assert told(mark)["start_s"] == START - 1


def test_a_flood_of_juno_tells_its_start_and_what_got_lost():
    """As published: srandom(time), then source address, id, one bit of the port, seq and ack from random() in turn."""
    outputs = np.array(BY_NAME["glibc"](START, 5 * 400)).reshape(-1, 5)[::7]
    count = len(outputs)
    batch = d.probes(
        count, ip_src=outputs[:, 0], ip_dst=7, ip_id=0x02FE, tcp_win=8192, tcp_dport=80,
        tcp_sport=1024 + (outputs[:, 2] & 2048), tcp_seq=outputs[:, 3], tcp_ack=outputs[:, 4],
    )  # fmt: skip
    mark = solved(batch, RECIPES["juno/random"])
    assert told(mark)["start_s"] == START
    assert (mark.held, mark.recovered[0].checked) == (count, count - 1)
    assert "58 sources in one stream" in mark.statement
    assert told(mark)["position"] == 5 * 7 * 57 + 5


def test_a_seed_that_explains_one_packet_of_many_is_none():
    """A program that seeds anew with second xor microsecond has numbers that are seconds, of another day or hour."""
    rng = np.random.default_rng(4)
    rows = np.array([BY_NAME["glibc"](START - int(back), 4)[1:3] for back in rng.integers(0, 80_000, 40)])
    batch = d.probes(40, ip_src=1, ip_dst=2, tcp_dport=80, tcp_sport=9, ip_id=4, tcp_seq=rows[:, 0], tcp_ack=rows[:, 1])
    assert solved(batch) is None


def test_fifteen_bit_libraries_are_searched_too():
    outputs = np.array(BY_NAME["msvcrt"](START, 60)).reshape(-1, 3)
    batch = d.probes(20, ip_src=1, ip_dst=2, tcp_seq=outputs[:, 0], tcp_ack=outputs[:, 1], ip_id=outputs[:, 2])
    assert "Microsoft C" in solved(batch, PLAIN).statement


def test_one_value_in_many_packets_shows_no_clear_bits():
    made = crafted(300, tcp_seq=0x12345678)
    assert clear_bits([Draw("tcp_seq"), Draw("ip_id")], made, 31) == 1


def test_without_a_clock_nothing_is_searched():
    made = d.dossier_from_batch(crafted(5))
    assert solve(replace(made, has_time=False), HPING) == []


def test_the_mark_has_the_name_that_rules_expect():
    rule = load_rules().by_id["hping"]
    expected = {expected.recipe for mode in rule.modes for expected in mode.expects if expected.recipe}
    assert solved(crafted(3)).name in expected
