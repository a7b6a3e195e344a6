"""Reading the knowledge about stacks: patterns, tables, and clear words for what is wrong."""

from __future__ import annotations

import pytest

from craftmark.errors import RuleError
from craftmark.packets.fields import ACK_BIT, FIN, RST, SYN
from craftmark.stacks.stack import first_fit, read_pattern, read_rules, read_stack, stacks


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
    assert [first_fit(rules, bits) for bits in (SYN | RST, SYN, FIN)] == ["none", "syn+ack", "rst"]


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


def test_every_stack_has_an_open_and_a_closed_state_and_a_source():
    for stack in stacks():
        assert {"open", "closed"} <= {state.state for state in stack.states if not state.rule}
        assert stack.source.startswith("measured, ")


def test_every_table_answers_all_256_combinations():
    known = {"none", "rst", "rst+ack", "syn+ack", "syn+ack+ece", "icmp 3/3", "icmp 3/13"}
    for stack in stacks():
        for state in stack.states:
            assert {state.answer(bits) for bits in range(256)} <= known
