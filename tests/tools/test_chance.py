from __future__ import annotations

from math import comb, log10

from hypothesis import given
from hypothesis import strategies as st

from craftmark.packets.fields import FIELDS
from craftmark.tools import chance


def test_one_value_in_1024_free_draws_of_an_ip_id_has_chance_10_to_minus_4927():
    assert round(chance.few_values(1024, 1, 16)) == -4927


def test_the_seed_case_is_ten_to_the_minus_4927_and_not_a_digit_less_exact():
    assert abs(chance.few_values(1024, 1, 16) - -1023 * 16 * log10(2)) < 1e-9


def test_as_many_values_as_draws_are_no_surprise():
    assert chance.few_values(500, 500, 16) == 0.0


@given(st.integers(2, 40), st.integers(1, 12), st.integers(4, 8))
def test_the_bound_is_never_below_the_true_chance(draws: int, distinct: int, bits: int):
    if distinct >= draws:
        return
    space = 2**bits
    at_most = comb(space, distinct) * (distinct / space) ** draws
    if distinct == 1:
        at_most = space ** (1 - draws)
    assert chance.few_values(draws, distinct, bits) >= log10(min(at_most, 1.0)) - 1e-9


@given(st.sampled_from(sorted(FIELDS)), st.integers(0, 0xFFFFFFFF))
def test_every_value_has_a_chance_between_0_and_1(name: str, value: int):
    assert 0.0 < chance.value_chance(name, value & ((1 << FIELDS[name].bits) - 1)) <= 1.0


def test_an_odd_value_is_dearer_than_a_round_one_and_32_bits_dearer_than_16():
    assert chance.value_chance("tcp_win", 1480) < chance.value_chance("tcp_win", 1024)
    assert chance.value_chance("tcp_seq", 0xA1D95) < chance.value_chance("ip_id", 242)


def test_a_full_window_of_ttls_is_dearer_than_a_few_draws_inside_it():
    assert chance.drawn_ttl_chance(500, 23, full=True) < chance.drawn_ttl_chance(5, 23, full=False)


def test_confidence_is_ninety_percent_at_the_bound_and_never_certainty():
    assert chance.confidence(chance.BOUND, 0, sampled=False) == 0.96
    assert chance.confidence(-5000.0, 0, sampled=False) <= 0.99
    assert chance.confidence(-20.0, 3, sampled=True) < chance.confidence(-20.0, 0, sampled=False)


def test_what_a_standard_demands_says_nothing_about_the_tool():
    """An SCTP INIT has verification tag 0 whoever sends it; zero is the commonest constant of all."""
    assert chance.value_chance("sctp_vtag", 0) > 0.5
    assert chance.value_chance("payload_head", 0) == chance.value_chance("payload_head", 1)
