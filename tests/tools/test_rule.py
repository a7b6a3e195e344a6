from __future__ import annotations

from craftmark.packets.expressions import parse
from craftmark.tools.load import load_rules, read_rules
from craftmark.tools.rule import Mode
from tests.tools.test_load import GOOD

CHILD = GOOD.replace('"one"', '"two"').replace('summary = "A tool."', 'summary = "A fork."\nderives_from = ["one"]')


def test_the_set_lists_every_relation_once_in_the_spelling_of_evidence():
    relations = load_rules().relations
    assert "ip_id == low16(ip_dst ^ tcp_dport ^ tcp_seq)" in relations
    assert "tcp_seq == ip_dst" in relations
    assert len(set(relations)) == len(relations)
    assert all(str(parse(text)) == text for text in relations)


def test_a_fork_is_related_to_its_root_and_siblings_are_not_to_each_other():
    rules = read_rules({"one.toml": GOOD, "two.toml": CHILD, "three.toml": CHILD.replace('"two"', '"three"')})
    assert rules.related("one", "two")
    assert rules.related("two", "one")
    assert not rules.related("two", "three")


def test_a_mode_sends_only_its_control_bits():
    syn = Mode("syn", 6, (), bits=(2,))
    without_ack = Mode("flags", 6, (), with_bits=1, without_bits=16)
    assert syn.sends(2)
    assert not syn.sends(13)
    assert without_ack.sends(13)
    assert not without_ack.sends(17)
    assert not without_ack.sends(8)


def test_unseen_control_bits_may_be_any():
    assert Mode("syn", 6, (), bits=(2,)).sends(None)


def test_an_expectation_reads_as_a_phrase():
    modes = load_rules().by_id["zmap"].modes
    texts = {e.text for mode in modes for e in mode.expects}
    assert {"ip_id = 54321", "initial TTL 255", "options none", "tcp_sport in 32768..61000"} <= texts
