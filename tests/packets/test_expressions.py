"""Expressions: read as Python reads them, evaluated as integers modulo 2**32, and never trusting their text."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from craftmark.errors import ExpressionError
from craftmark.packets.batch import PacketBatch, empty_batch, join
from craftmark.packets.expressions import MAX_CHARACTERS, MAX_DEPTH, Expression, parse
from craftmark.packets.fields import (
    FIELDS,
    IP_VERSION,
    IPV4_WORDS,
    LINK_SRC,
    PRESENT,
    PROTOCOL,
    TCP,
    TCP_WORDS,
    UDP,
    UNSEEN,
    visibility_bit,
    visibility_mask,
)
from tests.naive import expressions as naive

NAMES = ("ip_src", "ip_dst", "ip_id", "tcp_sport", "tcp_dport", "tcp_seq", "tcp_flags", "tcp_mss")
WORD = st.integers(0, 2**32 - 1) | st.sampled_from([0, 1, 31, 32, 33, 0xFFFF, 0x10000, 0x7FFFFFFF, 0xFFFFFFFF])

numbers = WORD.map(str) | WORD.map(hex) | st.ip_addresses(v=4).map(str) | st.sampled_from(["SYN", "RST"])
atoms = st.sampled_from(NAMES) | numbers
networks = st.builds(
    lambda address, prefix: f"{naive.ipaddress.IPv4Network((int(address), prefix), strict=False)}",
    st.ip_addresses(v=4),
    st.integers(0, 32),
)


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return (
        st.builds("({})".format, inner)
        | st.builds("{}({})".format, st.sampled_from(sorted(naive.CALLS)), inner)
        | st.builds("{}{}".format, st.sampled_from("~-"), inner.map(lambda text: f"({text})"))
        | st.builds("{} {} {}".format, inner, st.sampled_from(["|", "^", "&", "<<", ">>", "+", "-", "*", "%"]), inner)
    )


values = st.recursive(atoms, _grown, max_leaves=8)
comparisons = st.builds(
    "{} {} {}".format, values, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), values
) | st.builds("{} {} {}".format, values, st.sampled_from(["in", "not in"]), networks)
predicates = st.recursive(
    comparisons,
    lambda inner: (
        st.builds("({})".format, inner)
        | st.builds("not {}".format, inner)
        | st.builds("{} {} {}".format, inner, st.sampled_from(["and", "or"]), inner)
    ),
    max_leaves=4,
)
rows = st.fixed_dictionaries({name: st.none() | WORD for name in NAMES})


def one_packet(row: dict[str, int | None]) -> PacketBatch:
    """Return a TCP packet with the given fields, None for unseen ones."""
    batch = empty_batch(1)
    words = batch.words[0]
    words[PROTOCOL], words[IP_VERSION] = TCP, 4
    for name, value in row.items():
        word = FIELDS[name].word
        words[PRESENT if value is not None else UNSEEN] |= np.uint32(visibility_bit(word))
        words[word] = value or 0
    return batch


def read(text: str) -> Expression | None:
    """Return the expression, or None for one without a field, which is refused."""
    try:
        return parse(text)
    except ExpressionError as fault:
        assert "names no field" in str(fault) or "more than" in str(fault)  # noqa: PT017
        return None


@given(values, st.lists(rows, min_size=1, max_size=4))
def test_values_equal_those_of_the_naive_twin(text: str, table: list[dict[str, int | None]]) -> None:
    expression = read(text)
    if expression is None:
        return
    for row in table:
        batch = one_packet(row)
        wanted = naive.evaluate(text, {name: value or 0 for name, value in row.items()})
        assert expression.evaluate(batch).tolist() == [wanted]
        assert expression.evaluate(batch).dtype == np.uint32
        assert bool(expression.seen(batch)[0]) == all(row[name] is not None for name in expression.fields)


@given(predicates, rows)
def test_truths_equal_those_of_the_naive_twin(text: str, row: dict[str, int | None]) -> None:
    expression = read(text)
    if expression is None:
        return
    batch = one_packet(row)
    everything = naive.evaluate(text, {name: value or 0 for name, value in row.items()})
    assert expression.evaluate(batch).tolist() == [everything]
    assert expression.select(batch).tolist() == [naive.evaluate(text, row) is True]


@given(values | predicates)
def test_the_canonical_text_reads_back_as_the_same_expression(text: str) -> None:
    expression = read(text)
    if expression is None:
        return
    assert parse(str(expression)) == expression
    assert str(parse(str(expression))) == str(expression)


@given(st.text(max_size=60) | st.text("()~-+ tcp_seq0x.1/=<>&", max_size=80))
def test_any_text_is_read_or_refused_with_a_column_inside_it(text: str) -> None:
    try:
        parse(text)
    except ExpressionError as fault:
        assert 0 <= fault.column <= len(text)  # noqa: PT017


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("ip_id==low16(ip_dst^tcp_seq)^tcp_dport", "ip_id == low16(ip_dst ^ tcp_seq) ^ tcp_dport"),
        ("tcp_seq ^ ((tcp_dport<<16) + tcp_sport)", "tcp_seq ^ (tcp_dport << 16) + tcp_sport"),
        ("tcp_seq == 0xA1d95", "tcp_seq == 0xA1D95"),
        ("ip_id == 0xF2", "ip_id == 242"),
        ("ip_dst not in 10.0.0.0/8", "not ip_dst in 10.0.0.0/8"),
        ("ip_dst in 10.0.0.1", "ip_dst in 10.0.0.1/32"),
        ("tcp_flags & (SYN|ACK) == SYN", "tcp_flags & (2 | 16) == 2"),
        ("((tcp_seq))", "tcp_seq"),
    ],
)
def test_canonical_text(text: str, canonical: str) -> None:
    assert str(parse(text)) == canonical


@pytest.mark.parametrize(
    ("text", "column", "what"),
    [
        ("", 0, "ends"),
        ("tcp_sek == 1", 0, "neither a field nor a function"),
        ("tcp_seq == ", 11, "ends"),
        ("tcp_seq = 1", 8, "cannot be read"),
        ("tcp_seq 1", 8, "not expected"),
        ("(tcp_seq", 8, "')' expected"),
        ("low16 tcp_seq", 6, "'(' expected"),
        ("1 < tcp_seq < 3", 12, "needs a number"),
        ("tcp_seq and tcp_ack == 1", 8, "needs a comparison"),
        ("not tcp_seq", 0, "needs a comparison"),
        ("tcp_seq == 4294967296", 11, "above 0xFFFFFFFF"),
        ("ip_dst in 10.0.0.1/8", 10, "host bits"),
        ("ip_dst in tcp_seq", 10, "network"),
        ("ip_dst == 10.0.0.0/8", 10, "only after 'in'"),
        ("ip_dst == 10.0.0.300", 10, "300"),
        ("1 == 1", 0, "names no field"),
        ("tcp_seq == 12ab", 11, "cannot be read"),
        ("tcp_seq == __import__('os')", 11, "'"),
    ],
)
def test_a_wrong_text_is_refused_at_its_column(text: str, column: int, what: str) -> None:
    with pytest.raises(ExpressionError, match=what.replace("(", r"\(").replace(")", r"\)")) as caught:
        parse(text)
    assert caught.value.column == column or what == "'"


@pytest.mark.parametrize(
    "text",
    [
        "(" * (MAX_DEPTH + 1) + "tcp_seq" + ")" * (MAX_DEPTH + 1),
        "~" * 900 + "tcp_seq",
        "not " * 200 + "tcp_seq == 1",
        "+".join(["tcp_seq"] * 120),
        "tcp_seq == " + "1" * MAX_CHARACTERS,
        "low16(" * 100,
    ],
)
def test_oversized_text_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse(text)


def test_a_field_of_another_protocol_is_not_seen_though_it_shares_the_word() -> None:
    batch = one_packet({"tcp_dport": 53})
    batch.words[0, PROTOCOL] = UDP
    assert parse("udp_dport == 53").select(batch).tolist() == [True]
    assert parse("tcp_dport == 53").select(batch).tolist() == [False]
    assert parse("not tcp_dport == 53").select(batch).tolist() == [False]
    assert parse("tcp_dport == 80 or udp_dport == 53").select(batch).tolist() == [True]


def test_an_ipv6_address_is_in_no_ipv4_network() -> None:
    batch = one_packet({"ip_dst": 0x0A000001})
    batch.words[0, IP_VERSION] = 6
    assert parse("ip_dst in 10.0.0.0/8").select(batch).tolist() == [False]


def test_the_link_address_is_seen_where_there_is_one() -> None:
    batch = empty_batch(2)
    batch.words[1, LINK_SRC] = 7
    assert parse("link_src").seen(batch).tolist() == [False, True]


def test_evaluating_leaves_the_batch_as_it_was() -> None:
    batch = empty_batch(3)
    batch.words[:, PRESENT] = visibility_mask(*IPV4_WORDS, *TCP_WORDS)
    before = batch.words.copy()
    parse("swap32(ip_dst) ^ tcp_seq == -tcp_ack").evaluate(batch)
    assert np.array_equal(batch.words, before)


def test_a_number_selects_nothing_and_says_so() -> None:
    with pytest.raises(TypeError, match="not a predicate"):
        parse("tcp_seq ^ tcp_ack").select(empty_batch(1))


def test_an_equation_is_told_from_other_predicates() -> None:
    assert parse("tcp_seq == ip_dst").is_equation
    assert not parse("tcp_seq < ip_dst").is_equation
    assert not parse("tcp_seq ^ ip_dst").is_equation
    assert parse("tcp_seq < ip_dst").is_predicate
    assert parse("tcp_seq ^ ip_dst").fields == ("tcp_seq", "ip_dst")


def test_a_relation_can_be_about_some_of_the_packets() -> None:
    """Of the others it says nothing: they are not seen, and as a filter it lets none of them through."""
    packets = ({"tcp_dport": port, "ip_id": number} for port, number in ((53, 7), (53, 8), (123, 7)))
    batch = join([one_packet(packet) for packet in packets])
    expression = parse("ip_id == 7 if tcp_dport == 53")
    assert expression.is_equation
    assert expression.fields == ("ip_id", "tcp_dport")
    assert expression.seen(batch).tolist() == [True, True, False]
    assert (expression.seen(batch) & expression.evaluate(batch)).tolist() == [True, False, False]
    assert expression.select(batch).tolist() == [True, False, False]
    assert parse(str(expression)) == expression


@pytest.mark.parametrize(
    "text", ["ip_id == 7 if tcp_dport", "if tcp_dport == 53", "ip_id == 7 if", "(ip_id if ip_ttl == 1)"]
)
def test_a_condition_is_something_true_or_false_behind_the_relation(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse(text)
