"""Linear forms: equal to evaluating the expression on random packets, bit by bit."""

from __future__ import annotations

import numpy as np
import pytest

from craftmark.packets.batch import empty_batch
from craftmark.packets.expressions import parse
from craftmark.packets.fields import FIELDS, WORDS
from craftmark.packets.linear import linear_form

RNG = np.random.default_rng(4)


def packets(count: int):
    batch = empty_batch(count)
    batch.words[:] = RNG.integers(0, 2**32, (count, WORDS))
    for name in ("ip_id", "tcp_dport", "tcp_sport", "tcp_win"):
        batch.words[:, FIELDS[name].word] &= 0xFFFF
    return batch


@pytest.mark.parametrize(
    "text",
    [
        "ip_id", "~tcp_seq", "low16(ip_dst ^ tcp_seq) ^ tcp_dport ^ ip_id", "high16(tcp_seq) ^ low16(tcp_seq)",
        "tcp_seq ^ swap32(ip_dst) ^ (tcp_dport << 16) + tcp_sport", "swap16(tcp_seq >> 3)", "high8(tcp_seq << 5)",
        "low31(tcp_seq) | (ip_id & 0) ", "tcp_seq & 0xF0F0", "tcp_seq % 1024", "ip_id * 16 ^ 77", "low24(~ip_dst)",
        "low15(tcp_ack) ^ low8(tcp_win) ^ 0x12345678", "tcp_seq << 40",
    ],
)  # fmt: skip
def test_the_form_gives_the_value(text: str) -> None:
    batch, expression = packets(50), parse(text)
    form = linear_form(expression)
    assert form is not None
    for row, value in zip(batch.words, expression.evaluate(batch), strict=True):
        bits = int.from_bytes(row.astype("<u4").tobytes(), "little")
        got = sum(((mask & bits).bit_count() & 1) << place for place, mask in enumerate(form.rows))
        assert got ^ form.constant == int(value)


def test_an_equation_is_the_xor_of_its_sides() -> None:
    one, other = parse("ip_id == low16(tcp_seq)"), parse("low16(tcp_seq) ^ ip_id")
    assert linear_form(one) == linear_form(other)


@pytest.mark.parametrize(
    "text", ["ip_id + tcp_win", "ip_id - 1", "-ip_id", "ip_id * 3", "ip_id % 10", "ip_id & tcp_win", "ip_id < 5",
             "ip_id << tcp_win", "ip_id | tcp_win", "ip_dst in 10.0.0.0/8", "ip_id != 3"],
)  # fmt: skip
def test_what_is_not_linear_has_no_form(text: str) -> None:
    assert linear_form(parse(text)) is None
