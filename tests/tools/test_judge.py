from __future__ import annotations

import numpy as np
import pytest

from craftmark.marks.base import Toolmark
from craftmark.tools.judge import judge
from craftmark.tools.rule import Expectation
from craftmark.tools.sight import Sight
from tests.tools import dossiers as d

SHUFFLED = np.random.default_rng(1).permutation(65536)


def expect(field: str, **form) -> Expectation:
    bits = {"tcp_seq": 32, "tcp_ack": 32}.get(field, 16)
    return Expectation(field, "no", "src", **{"bits": bits, **form})


def verdict(made, expected: Expectation, *marks: Toolmark) -> str:
    texts = [expected.relation] if expected.relation else []
    return judge(expected, Sight(d.with_relations(made, texts), marks)).verdict


def test_a_constant_agrees_with_its_value_and_disagrees_with_another():
    made = d.tcp(100, tcp_win=1024)
    assert verdict(made, expect("tcp_win", values=(1024,))) == "agrees"
    assert verdict(made, expect("tcp_win", values=(512,))) == "disagrees"


def test_an_unseen_field_is_silent_and_never_zero():
    made = d.unseen(d.tcp(100, tcp_ack=0), "tcp_ack")
    assert verdict(made, expect("tcp_ack", values=(0,))) == "silent"
    assert verdict(made, expect("tcp_ack", behaviour="nonzero")) == "silent"


def test_unseen_options_are_silent():
    made = d.unseen(d.tcp(100), "tcp_options")
    assert verdict(made, Expectation("tcp_options", "no", "src", options=())) == "silent"


def test_one_stray_probe_in_a_hundred_does_not_deny_a_value():
    windows = np.full(100, 1024)
    windows[3] = 65535
    assert verdict(d.tcp(100, tcp_win=windows), expect("tcp_win", values=(1024,))) == "agrees"


@pytest.mark.parametrize(("strays", "answer"), [(2, "agrees"), (7, "silent"), (15, "silent"), (16, "disagrees")])
def test_a_part_of_other_probes_neither_agrees_nor_denies(strays: int, answer: str):
    """The probes of a traced route among a port scan's."""
    windows = np.full(100, 1024)
    windows[:strays] = np.arange(strays) * 997 + 5000
    assert verdict(d.tcp(100, tcp_win=windows), expect("tcp_win", values=(1024,))) == answer


def test_a_drawn_ttl_is_not_denied_by_the_few_probes_of_a_traced_route():
    drawn = SHUFFLED[:100] % 23 + 33
    expected = Expectation("ip_ttl", "no", "src", initial_ttl_range=(37, 59))
    assert verdict(d.tcp(107, ip_ttl=np.concatenate([drawn, np.arange(7, 0, -1)])), expected) == "silent"
    assert verdict(d.tcp(140, ip_ttl=np.concatenate([drawn, np.arange(40) + 80])), expected) == "disagrees"


@pytest.mark.parametrize(("arrival", "initial", "answer"), [
    (44, 48, "agrees"), (44, 64, "agrees"), (44, 255, "disagrees"), (60, 48, "disagrees"), (251, 255, "agrees"),
])  # fmt: skip
def test_an_initial_ttl_allows_up_to_32_routers(arrival: int, initial: int, answer: str):
    assert verdict(d.tcp(50, ip_ttl=arrival), expect("ip_ttl", initial_ttl=initial)) == answer


def test_a_ttl_drawn_per_packet_fits_its_window_wherever_the_sender_stands():
    ttl = np.random.default_rng(2).integers(37, 60, 300)
    for hops in (0, 4, 20):
        assert verdict(d.tcp(300, ip_ttl=ttl - hops), expect("ip_ttl", initial_ttl_range=(37, 59))) == "agrees"


def test_a_ttl_drawn_per_packet_is_no_single_initial_ttl():
    ttl = np.random.default_rng(2).integers(37, 60, 300) - 4
    assert verdict(d.tcp(300, ip_ttl=ttl), expect("ip_ttl", initial_ttl=64)) == "disagrees"


def test_one_ttl_denies_a_draw_per_packet_only_with_enough_probes():
    assert verdict(d.tcp(2, ip_ttl=44), expect("ip_ttl", initial_ttl_range=(37, 59))) == "silent"
    assert verdict(d.tcp(200, ip_ttl=44), expect("ip_ttl", initial_ttl_range=(37, 59))) == "disagrees"


def test_ttls_wider_than_the_window_deny_it():
    ttl = np.random.default_rng(3).integers(20, 120, 300)
    assert verdict(d.tcp(300, ip_ttl=ttl), expect("ip_ttl", initial_ttl_range=(37, 59))) == "disagrees"


def test_one_ip_id_denies_a_draw_per_probe_with_its_odds():
    made = d.tcp(3 * 1024, ip_src=np.arange(3 * 1024) % 3 + 1, ip_id=242)
    judged = judge(expect("ip_id", behaviour="varies"), Sight(made, ()))
    assert judged.verdict == "disagrees"
    assert round(judged.against) == -4927


def test_copies_of_each_packet_do_not_deny_a_draw_per_probe():
    made = d.tcp(400, ip_id=np.repeat(SHUFFLED[:100], 4))
    assert verdict(made, expect("ip_id", behaviour="varies")) == "agrees"


def test_a_counter_is_no_draw_and_a_draw_no_counter():
    counted, drawn = d.tcp(200, ip_id=np.arange(200) + 900), d.tcp(200, ip_id=SHUFFLED[:200])
    assert verdict(counted, expect("ip_id", behaviour="counter")) == "agrees"
    assert verdict(counted, expect("ip_id", behaviour="varies")) == "disagrees"
    assert verdict(drawn, expect("ip_id", behaviour="counter")) == "disagrees"
    assert verdict(drawn, expect("ip_id", behaviour="varies")) == "agrees"


def test_a_counter_wraps_at_the_width_of_its_field():
    made = d.tcp(200, ip_id=(np.arange(200) + 65500) & 0xFFFF)
    assert verdict(made, expect("ip_id", behaviour="counter")) == "agrees"


def test_two_probes_are_too_few_for_a_behaviour():
    made = d.tcp(2, ip_id=[5, 9])
    assert {verdict(made, expect("ip_id", behaviour=b)) for b in ("varies", "one per run", "counter")} == {"silent"}


def test_one_value_per_source_is_one_per_run():
    sources = np.arange(90) % 3 + 1
    assert verdict(d.tcp(90, ip_src=sources, ip_id=sources * 77), expect("ip_id", behaviour="one per run")) == "agrees"


def test_a_value_from_2_to_the_31_denies_a_31_bit_generator():
    low, high = np.random.default_rng(4).integers(0, 1 << 31, 100), np.random.default_rng(4).integers(0, 1 << 32, 100)
    assert verdict(d.tcp(100, tcp_seq=low), expect("tcp_seq", behaviour="below 2^31")) == "agrees"
    assert verdict(d.tcp(100, tcp_seq=high), expect("tcp_seq", behaviour="below 2^31")) == "disagrees"
    assert verdict(d.tcp(2, tcp_seq=low[:2]), expect("tcp_seq", behaviour="below 2^31")) == "silent"


def test_values_that_repeat_far_more_than_chance_are_repeats():
    seq = np.random.default_rng(5).integers(0, 1 << 31, 40).repeat(5)
    assert verdict(d.tcp(200, tcp_seq=seq), expect("tcp_seq", behaviour="repeats")) == "agrees"
    fresh = np.random.default_rng(5).integers(0, 1 << 31, 200)
    assert verdict(d.tcp(200, tcp_seq=fresh), expect("tcp_seq", behaviour="repeats")) == "silent"


def test_a_relation_that_holds_in_all_agrees_and_its_chance_grows_with_the_inputs():
    seq = np.random.default_rng(6).integers(0, 1 << 32, 100, dtype=np.uint64)
    equation = expect("ip_id", equals="low16(tcp_seq)")
    made = d.with_relations(d.tcp(100, ip_id=seq & 0xFFFF, tcp_seq=seq), [equation.relation])
    judged = judge(equation, Sight(made, ()))
    assert (judged.verdict, judged.held, judged.seen) == ("agrees", 100, 100)
    assert judged.base == pytest.approx(-300.0)
    assert verdict(d.tcp(100, ip_id=SHUFFLED[:100], tcp_seq=seq), equation) == "disagrees"


def test_counters_that_rise_together_are_no_key():
    """Sequence number 0, port and target both counting: their exclusive-or stays the same without any relation."""
    key = expect("tcp_seq", constant_of="tcp_seq ^ ip_dst ^ tcp_sport", bits=32)
    made = d.tcp(16, tcp_seq=0, ip_dst=0x0A000000 + np.arange(16), tcp_sport=0x4000 + np.arange(16))
    assert verdict(made, key) == "silent"


def test_a_key_over_a_field_that_never_changes_says_little():
    key = expect("tcp_seq", constant_of="high16(tcp_seq) ^ low16(tcp_seq)", bits=16)
    judged = judge(key, Sight(d.with_relations(d.tcp(300, tcp_seq=0x5A175A17), [key.relation]), ()))
    assert judged.verdict == "agrees"
    assert judged.base >= -1.0


def test_an_order_agrees_by_its_name_and_is_silent_without_marks():
    mark = Toolmark("order", "common ports first", ("tcp_dport",), 100, 100, -40.0, "subclass", name="popular-first")
    expected = Expectation("", "option", "src", order="popular-first")
    assert verdict(d.tcp(100), expected, mark) == "agrees"
    assert verdict(d.tcp(100), expected) == "silent"


def test_what_is_shuffled_never_rises():
    """A look-alike of a scanner that permutes its targets goes through them one by one."""
    expected = Expectation("ip_dst", "no", "src", order="shuffled")
    rising = Toolmark("order", "ip_dst rises by 1", ("ip_dst",), 199, 199, -372.0, "subclass", name="rising")
    few = Toolmark("order", "ip_dst rises by 1", ("ip_dst",), 4, 4, -1.4, "subclass", name="rising")
    ports = Toolmark("order", "tcp_dport rises by 1", ("tcp_dport",), 199, 199, -372.0, "subclass", name="rising")
    shuffled = Toolmark("order", "ip_dst is shuffled", ("ip_dst",), 199, 199, -7.0, "class", name="shuffled")
    assert verdict(d.tcp(199), expected, rising) == "disagrees"
    assert verdict(d.tcp(4), expected, few) == "silent"
    assert verdict(d.tcp(199), expected, ports) == "silent"
    judged = judge(expected, Sight(d.tcp(199), (shuffled,)))
    assert (judged.verdict, round(judged.base, 2)) == ("agrees", -0.52)


def test_where_options_are_unseen_a_minority_may_be_another_kind_of_probe():
    """nmap -O cut after 54 octets: 35 of 135 SYNs are those of its OS detection."""
    ack = np.where(np.arange(135) < 100, 0, 0x4FDF19AF)
    expected = expect("tcp_ack", values=(0,))
    assert verdict(d.tcp(135, tcp_ack=ack, options=("MSS",)), expected) == "disagrees"
    assert verdict(d.unseen(d.tcp(135, tcp_ack=ack), "tcp_options"), expected) == "silent"
