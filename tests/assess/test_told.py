"""What answers told: the table of stacks read backwards."""

from __future__ import annotations

from craftmark.assess.base import AnswersSeen
from craftmark.assess.told import gives, meaning_of, what_can_be_told, what_was_told
from craftmark.packets.fields import ACK_BIT, FIN, ICMP, PSH, RST, SYN, TCP, UDP
from craftmark.stacks.respond import predict

FRP = FIN | RST | PSH


def test_each_answer_to_a_syn_means_one_state():
    rows = predict(TCP, SYN)
    assert meaning_of("syn+ack", rows) == ("open", "by the standard")
    assert meaning_of("rst+ack", rows) == ("closed", "by the standard")
    assert meaning_of("none", rows) == ("filtered", "by the standard")


def test_silence_to_a_fin_leaves_open_and_filtered():
    assert meaning_of("none", predict(TCP, FIN))[0] == "open or filtered"
    assert meaning_of("rst+ack", predict(TCP, FIN))[0] == "closed"


def test_a_reset_to_an_ack_tells_no_state_of_the_port():
    assert meaning_of("rst", predict(TCP, ACK_BIT))[0] == "open or closed"


def test_an_answer_outside_the_standard_names_who_gives_it():
    meaning, why = meaning_of("rst+ack", predict(TCP, FRP))
    assert meaning == "open or closed"
    assert why == "not by the standard, but by libslirp 4.7.0"
    assert "REJECT with icmp-port-unreachable" in meaning_of("icmp 3/3", predict(TCP, FRP))[1]


def test_an_answer_nobody_gives_is_unclear():
    assert meaning_of("syn+ack", predict(TCP, FRP)) == ("unclear", "no known stack answers such a probe so")


def test_messages_of_filters_and_routers_say_what_they_are():
    assert meaning_of("icmp 3/10", predict(TCP, SYN))[0] == "filtered"
    assert meaning_of("icmp 3/1", predict(UDP, None))[0] == "host not reached"
    assert meaning_of("echo reply", predict(ICMP, None, icmp=(8, 0)))[0] == "open"


def test_alternatives_and_unnamed_bits_count_as_the_same_answer():
    assert gives("udp reply or none", "none")
    assert gives("syn+ack+ece", "syn+ack")
    assert gives("reset", "rst+ack")
    assert not gives("rst", "rst+ack")


def test_answers_are_told_port_by_port_and_silence_last(plant):
    answers = AnswersSeen(
        counts={"rst+ack": 2, "syn+ack": 1}, ports={"rst+ack": (21, 22), "syn+ack": (80,)}, answered_probes=3,
        both_ways=True,
    )  # fmt: skip
    subject = plant({"tcp_dport": [21, 22, 80, 81, 82]}, answers=answers)
    told = what_was_told(subject, predict(TCP, SYN))
    assert [(one.answer, one.ports, one.packets, one.meaning) for one in told] == [
        ("rst+ack", (21, 22), 2, "closed"), ("syn+ack", (80,), 1, "open"), ("none", (81, 82), 2, "filtered"),
    ]  # fmt: skip


def test_silence_tells_nothing_where_answers_would_not_be_seen(plant):
    assert what_was_told(plant({"tcp_dport": [1, 2]}), predict(TCP, SYN)) == ()


def test_each_stack_is_told_apart_by_its_own_answers(plant):
    apart = {one.stack: one for one in what_can_be_told(plant({"tcp_dport": [1]}), predict(TCP, SYN))}
    assert apart["Linux 6.18.44"].groups == "open | closed | filtered"
    odd = {one.stack: one for one in what_can_be_told(plant({"tcp_dport": [1]}), predict(TCP, FRP))}
    assert (odd["Linux 6.18.44"].groups, odd["Linux 6.18.44"].alive) == ("open, closed, filtered", False)
    assert odd["picoTCP 1.7.0-15-g46120abe"].groups == "open, filtered | closed"
    assert odd["libslirp 4.7.0"].groups == "open, closed | filtered"
