"""Reading the knowledge about stacks: patterns, tables, and clear words for what is wrong."""

from __future__ import annotations

import pytest

from craftmark.errors import RuleError
from craftmark.packets.fields import ACK_BIT, FIN, RST, SYN
from craftmark.stacks.stack import StackState, read_pattern, read_rules, read_stack, stacks


def test_a_pattern_names_bits_that_are_set_and_bits_that_are_clear():
    assert read_pattern("+S-FRA", path="x") == (SYN, FIN | RST | ACK_BIT)
    assert read_pattern("*", path="x") == (0, 0)


@pytest.mark.parametrize("text", ["S", "+X", "+s", "*+S"])
def test_an_unreadable_pattern_is_refused(text):
    with pytest.raises(RuleError, match="pattern"):
        read_pattern(text, path="odd.toml")


@pytest.mark.parametrize("lines", [None, [], [["+S"]], [["+S", 3]], "none"])
def test_a_table_of_another_form_is_refused(lines):
    with pytest.raises(RuleError, match=r"odd\.toml"):
        read_rules(lines, path="odd.toml")


def test_a_table_must_cover_all_control_bits():
    with pytest.raises(RuleError, match="256"):
        read_rules([["+S", "syn+ack"]], path="odd.toml")


def test_the_first_rule_that_fits_wins():
    rules = read_rules([["+R", "none"], ["+S", "syn+ack"], ["*", "rst"]], path="x")
    state = StackState("open", "", rules)
    assert [state.answer(bits) for bits in (SYN | RST, SYN, FIN)] == ["none", "syn+ack", "rst"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("id = 3", "states"),
        ("states = 1", "states"),
        ('[[states]]\nstate = "ajar"\ntcp = [["*", "none"]]', "ajar"),
        ('[[states]]\nstate = "open"\ntcp = [["*", "none"]]', "id"),
        ("=", "line 1"),
    ],
)
def test_a_broken_file_is_refused_by_name(tmp_path, text, words):
    path = tmp_path / "odd.toml"
    path.write_text(text)
    with pytest.raises(RuleError, match=words) as caught:
        read_stack(path)
    assert "odd.toml" in str(caught.value)


def test_every_measured_stack_has_an_open_and_a_closed_state_and_every_stack_a_source():
    for stack in stacks():
        if stack.basis == "measured":
            assert {"open", "closed"} <= {state.state for state in stack.states if not state.rule}
        assert stack.source.startswith("measured, ") == (stack.basis == "measured")
        assert len(stack.source) > 20


def test_every_measured_table_answers_all_256_combinations():
    known = {"none", "rst", "rst+ack", "syn+ack", "syn+ack+ece", "ack", "icmp 3/3", "icmp 3/13"}
    for stack in stacks():
        for state in stack.states if stack.basis == "measured" else ():
            assert {state.answer(bits) for bits in range(256)} <= known


def test_a_documented_table_may_leave_combinations_open(tmp_path):
    text = 'id="x"\nname="x"\nversion="1"\nsource="a book, page 1"\n[[states]]\nstate="open"\ntcp=[["+F-A", "none"]]\n'
    path = tmp_path / "odd.toml"
    path.write_text(text)
    with pytest.raises(RuleError, match="does not cover all 256"):
        read_stack(path)
    path.write_text('basis = "documented"\n' + text)
    assert [read_stack(path).states[0].answer(bits) for bits in (1, 16)] == ["none", None]


def test_a_form_with_an_unknown_number_is_refused(tmp_path):
    path = tmp_path / "odd.toml"
    path.write_text(
        'id="x"\nname="x"\nversion="1"\nsource="s"\n[[states]]\nstate="open"\ntcp=[["*", "rst"]]\n[forms.rst]\n'
        'seq="guess"\nack="0"\nttl=64\nip_id="0"\ndf=true\ntos=0\noptions=""\n'
    )
    with pytest.raises(RuleError, match="guess"):
        read_stack(path)
