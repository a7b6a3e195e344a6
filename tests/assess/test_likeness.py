"""Comparing markprints: what contradicts, what weighs, and what it may mean."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from craftmark.assess.likeness import compare
from craftmark.errors import ReportError
from craftmark.marks.markprint import printed
from craftmark.packets.fields import TCP

SEEN = (
    "ip_ihl", "ip_tos", "ip_len", "ip_id", "ip_flags", "ip_frag", "ip_ttl", "tcp_sport", "tcp_seq", "tcp_ack",
    "tcp_flags", "tcp_win", "tcp_urp",
)  # fmt: skip
SAMPLE = {
    "ip_tos": 16,
    "ip_id": 242,
    "tcp_sport": 1000,
    "tcp_seq": 662933,
    "tcp_ack": 83,
    "tcp_flags": 2,
    "tcp_win": 1024,
}


def a_print(values=SAMPLE, *, layout="none", orders="?,?", set_by_user=(), functions="-", **letters):
    """Return a print of TCP probes: all of SEEN constant, but for the letters given."""
    told = {name: "c" if name in SEEN else "-" for name in printed(TCP)} | letters
    own = ",".join(f"{name}={value}" for name, value in values.items() if told[name] == "c" and name not in set_by_user)
    chosen = ",".join(f"{name}={values[name]}" if told[name] == "c" else name for name in set_by_user)
    return SimpleNamespace(
        structure=f"cm2:tcp:{''.join(told.values())}:{layout}:{orders}:{functions}",
        values=own + (f";{chosen}" if chosen else ""),
    )


def test_a_print_is_alike_to_itself_and_comparing_goes_both_ways():
    one, other = a_print(), a_print(tcp_seq="r")
    assert compare(one, one).meaning == "alike"
    assert compare(one, other).bits == compare(other, one).bits < compare(one, one).bits


@pytest.mark.parametrize("letters", ["cp", "kr", "kg", "fr", "fg", "tr", "ft", "gr", "?c", "?r", "uc", "uk", "-r"])
def test_what_may_go_together_is_no_contradiction(letters):
    function = "tcp_seq(ip_dst)"
    one, other = (a_print(tcp_seq=letter, functions=function if letter == "f" else "-") for letter in letters)
    assert compare(one, other).same_structure


@pytest.mark.parametrize("letters", ["cr", "pr", "ck", "kf", "kt"])
def test_keeping_and_moving_contradict_and_so_do_a_counter_and_a_function(letters):
    function = "tcp_seq(ip_dst)"
    one, other = (a_print(tcp_seq=letter, functions=function if letter == "f" else "-") for letter in letters)
    found = compare(one, other)
    assert not found.same_structure
    assert found.named("differs") == ("tcp_seq",)


def test_functions_contradict_only_without_a_common_argument():
    whole, part, other = (
        a_print(tcp_seq="f", functions=f"tcp_seq({names})") for names in ("ip_dst,tcp_dport", "ip_dst", "tcp_sport")
    )
    assert compare(whole, part).same_structure
    assert not compare(part, other).same_structure


def test_layouts_and_orders_contradict_where_both_are_known():
    assert not compare(a_print(layout="MSS"), a_print(layout="none")).same_structure
    assert compare(a_print(layout="?"), a_print(layout="none")).same_structure
    assert not compare(a_print(orders="rising,?"), a_print(orders="shuffled,?")).same_structure
    assert compare(a_print(orders="popular-first,?"), a_print(orders="shuffled,?")).same_structure


def test_other_constants_leave_the_structure_and_cost_bits_unless_a_run_draws_them():
    base = compare(a_print(), a_print())
    run = compare(a_print(), a_print({**SAMPLE, "tcp_seq": 77}))
    built_in = compare(a_print(), a_print({**SAMPLE, "tcp_win": 512}))
    assert run.same_structure
    assert built_in.same_structure
    weights = {field.name: field.bits for field in (*run.fields, *built_in.fields) if field.finding == "differs"}
    assert weights == {"tcp_seq": 0.0, "tcp_win": pytest.approx(-3.32, abs=0.01)}
    assert built_in.bits < base.bits


def test_a_template_is_told_with_what_was_inherited_and_what_was_changed():
    edited = a_print({**SAMPLE, "tcp_flags": 13, "tcp_sport": 31337}, set_by_user=("tcp_sport",))
    found = compare(a_print(), edited)
    assert found.meaning == "template"
    assert found.inherited == ("ip_id", "tcp_seq", "tcp_ack", "tcp_win")
    assert found.named("differs") == ("tcp_flags",)
    assert found.named("set by the user") == ("tcp_sport",)


def test_habits_make_nobody_alike():
    """Zero fields, a round window and no options are what anybody sends."""
    habit = {"ip_tos": 0, "ip_id": 0, "tcp_ack": 0, "tcp_flags": 2, "tcp_urp": 0}
    one, other = (
        a_print(habit, tcp_seq="r", tcp_sport="r", tcp_win="u"),
        a_print(habit, tcp_seq="g", tcp_sport="k", tcp_win="u"),
    )
    assert compare(one, other).meaning == "undecided"


def test_prints_without_letters_are_never_alike_or_unlike():
    few = a_print(**dict.fromkeys(SEEN, "?"))
    assert compare(few, a_print(tcp_seq="r")).meaning == "undecided"


def test_other_protocols_share_only_what_every_packet_has():
    udp = SimpleNamespace(structure="cm2:udp:ccccccc-ccccc:-:?,?:-", values="ip_id=242")
    found = compare(a_print(), udp)
    assert not found.same_structure
    assert {field.name.partition("_")[0] for field in found.fields} <= {
        "ip",
        "ip6",
        "payload",
        "options",
        "order of ports",
        "order of targets",
    }


@pytest.mark.parametrize(
    ("structure", "values"),
    [
        ("", ""), ("cm1:tcp:ccc:none:?,?", ""), ("cm2:tcp:ccc:none:?,?:-", ""), ("cm2:xyz:c:none:?,?:-", ""),
        ("cm2:47:cccccccccc:-:?:-", ""), ("cm2:47:cccccccccc:-:?,\x1b[2J:-", ""), ("cm2:47:ccccccccc!:-:?,?:-", ""),
        ("cm2:47:cccccccccc:-:?,?:ip_id(ip_dst)", ""), ("cm2:47:cccfcccccc:-:?,?:-", ""),
        ("cm2:47:cccfcccccc:-:?,?:ip_id()", ""), ("cm2:47:cccccccccc:-:?,?:-", "ip_id=-1"),
        ("cm2:47:cccccccccc:-:?,?:-", "nothing=1"), ("cm2:47:cccccccccc:-:?,?:-", "ip_id"),
        ("cm2:47:cccccccccc:-:?,?:-", ";nothing"), ("cm2:47:cccccccccc:-:?,?:-" + "x" * 5000, ""),
    ],
)  # fmt: skip
def test_what_is_no_markprint_is_refused_with_a_reason(structure, values):
    with pytest.raises(ReportError, match="markprint") as fault:
        compare(SimpleNamespace(structure=structure, values=values), a_print())
    assert str(fault.value).isprintable()
    assert len(str(fault.value)) < 200
