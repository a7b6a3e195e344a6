"""Relations hold again when addresses change; the field that gives way is the one that depends."""

from __future__ import annotations

import numpy as np
import pytest

from craftmark.export.relations import copies_of_addresses, equation_in, kept, restore, solved
from craftmark.packets import fields as f
from craftmark.packets.batch import PacketBatch
from craftmark.packets.expressions import parse

NOTHING = np.zeros(200, np.int64)


def probes(seed=1, **planted):
    """Return 200 random TCP probes, in which each planted field is what its expression says."""
    rng = np.random.default_rng(seed)
    words = np.zeros((200, f.WORDS), np.uint32)
    words[:, f.PRESENT] = f.visibility_mask(*f.IPV4_WORDS, *f.TCP_WORDS)
    words[:, f.PROTOCOL], words[:, f.IP_VERSION] = f.TCP, 4
    for name in ("ip_src", "ip_dst", "ip_id", "tcp_sport", "tcp_dport", "tcp_seq", "tcp_ack"):
        words[:, f.FIELDS[name].word] = rng.integers(0, 1 << f.FIELDS[name].bits, 200)
    for name, text in planted.items():
        value = parse(text).evaluate(PacketBatch(words, NOTHING, NOTHING))
        words[:, f.FIELDS[name].word] = value & np.uint32((1 << f.FIELDS[name].bits) - 1)
    return words


def holds(words, text):
    return parse(text).select(PacketBatch(words, NOTHING, NOTHING))


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("tcp_seq", "tcp_seq == ip_dst"),
        ("tcp_seq", "tcp_seq == swap32(ip_dst) + 7"),
        ("ip_id", "ip_id == low16(ip_dst ^ tcp_dport ^ tcp_seq)"),
        ("tcp_sport", "tcp_sport == swap16(high16(ip_dst)) ^ ip_id"),
        ("tcp_seq", "tcp_seq ^ swap32(ip_dst) ^ (tcp_dport << 16) + tcp_sport == 0xA8198A25"),
    ],
)
def test_a_relation_holds_again_after_the_addresses_changed(field, text):
    target = text.partition(" == ")[2] if text.startswith(f"{field} ==") else (
        "swap32(ip_dst) ^ (tcp_dport << 16) + tcp_sport ^ 0xA8198A25"
    )  # fmt: skip
    words = probes(**{field: target})
    assert holds(words, text).all()
    found = kept(words, [parse(text)], [])
    assert [(one.field, len(one.rows)) for one in found] == [(field, 200)]
    words[:, f.IP_DST] ^= np.random.default_rng(2).integers(0, 1 << 32, 200).astype(np.uint32)
    assert holds(words, text).mean() < 0.1
    restore(words, found)
    assert holds(words, text).all()


def test_a_relation_holds_again_only_where_it_held():
    words = probes(tcp_seq="ip_dst")
    words[::2, f.SEQ] = 5
    found = kept(words, [parse("tcp_seq == ip_dst")], [])
    words[:, f.IP_DST] += np.uint32(1)
    restore(words, found)
    assert holds(words, "tcp_seq == ip_dst").tolist() == [False, True] * 100
    assert (words[::2, f.SEQ] == 5).all()


def test_a_relation_that_follows_from_another_is_left_out():
    words = probes(ip_id="low16(ip_dst ^ tcp_dport ^ tcp_seq)")
    stated = parse("ip_id == low16(ip_dst) ^ tcp_dport ^ low16(tcp_seq)")
    ruled = parse("ip_id == low16(ip_dst ^ tcp_dport ^ tcp_seq)")
    assert [one.field for one in kept(words, [stated], [ruled])] == ["ip_id"]


def test_relations_that_build_on_each_other_hold_together():
    words = probes(tcp_seq="swap32(ip_dst)")
    words[:, f.IP_ID] = words[:, f.SEQ] & 0xFFFF ^ words[:, f.DPORT]
    texts = ("ip_id == low16(tcp_seq) ^ tcp_dport", "tcp_seq == swap32(ip_dst)")
    found = kept(words, [parse(text) for text in texts], [])
    words[:, f.IP_DST] ^= np.uint32(0x01020304)
    restore(words, found)
    assert all(holds(words, text).all() for text in texts)


def test_copies_of_addresses_are_found_even_where_all_is_constant():
    words = probes(tcp_ack="swap32(ip_dst)", ip_id="high16(ip_dst)")
    words[:] = words[0]
    found = kept(words, [], copies_of_addresses(f.TCP))
    assert {(one.field, str(one.equation)) for one in found} == {
        ("tcp_ack", "tcp_ack == swap32(ip_dst)"), ("ip_id", "ip_id == high16(ip_dst)"),
    }  # fmt: skip


def test_random_probes_have_no_copies():
    assert not any(kept(probes(seed), [], copies_of_addresses(f.TCP)) for seed in range(20))


def test_what_no_flips_can_give_is_not_solved():
    words = probes()
    assert solved(parse("tcp_seq == ip_dst * ip_dst"), words, "tcp_seq") is not None
    assert solved(parse("low8(tcp_sport) == ip_dst"), words, "tcp_sport") is None


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        ("ip_id = low16(ip_dst) ^ tcp_dport", "ip_id == low16(ip_dst) ^ tcp_dport"),
        ("tcp SYN: tcp_seq = ip_dst", "tcp_seq == ip_dst"),
        ("tcp_seq ^ ip_dst = 0x1234567", "tcp_seq ^ ip_dst == 0x1234567"),
        ("tcp_seq rises by ip_dst", None),
        ("tcp_dport < 1024", None),
    ],
)
def test_statements_of_marks_are_read_as_equations(statement, text):
    found = equation_in(statement)
    assert (None if found is None else str(found)) == text
