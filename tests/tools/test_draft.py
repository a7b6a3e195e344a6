"""Drafted rules hold what was planted, load, pass the lints, and say nothing that runs contradict."""

from __future__ import annotations

import tomllib

import numpy as np
import pytest

from craftmark.marks.infer import infer
from craftmark.tools.draft import draft
from craftmark.tools.lint import lint
from craftmark.tools.load import load_rules, read_extra
from tests.marks.dossiers import dossier_from_batch, probes

COUNT = 400


def a_run(seed=1, **columns):
    rng = np.random.default_rng(seed)
    dst, seq = rng.integers(0, 2**32, COUNT), rng.integers(0, 2**32, COUNT)
    fields = {
        "ip_src": 9, "ip_dst": dst, "tcp_seq": seq, "tcp_dport": 23, "tcp_flags": 2, "tcp_sport": 31000 + seed,
        "tcp_win": 777, "ip_ttl": 58, "ip_id": rng.integers(0, 2**16, COUNT),
    }  # fmt: skip
    dossier = dossier_from_batch(probes(COUNT, **{**fields, **columns}))
    return [(dossier, infer(dossier))]


def drafted(*runs, **how):
    made = draft("mine", "scanner", runs, "captures", **how)
    rules = read_extra(load_rules(), {"mine.toml": made.text})
    assert [str(one) for one in lint(rules) if one.path == "mine.toml"] == []
    return made, tomllib.loads(made.text)["mode"][0]


def of(mode, field):
    return [
        {key: value for key, value in line.items() if key not in ("field", "settable")}
        for line in mode["expect"]
        if line.get("field") == field
    ]


def test_constants_layout_ttl_and_control_bits_are_expected():
    _, mode = drafted(a_run())
    assert (mode["id"], mode["protocol"], mode["control_bits"]) == ("tcp-syn", "tcp", ["SYN"])
    assert (of(mode, "tcp_win"), of(mode, "tcp_sport"), of(mode, "ip_ttl")) == (
        [{"value": 777}], [{"value": 31001}], [{"initial_ttl": 64}],
    )  # fmt: skip
    assert {"options": [], "settable": "option"} in mode["expect"]
    assert (of(mode, "ip_id"), of(mode, "ip_dst"), of(mode, "tcp_dport")) == ([{"behaviour": "varies"}], [], [])


def test_a_relation_is_expected_instead_of_what_it_explains():
    dst = np.random.default_rng(5).integers(0, 2**32, COUNT)
    _, mode = drafted(a_run(ip_dst=dst, tcp_seq=dst))
    assert of(mode, "tcp_seq") == [{"equals": "ip_dst"}]
    _, mode = drafted(a_run(ip_dst=dst, tcp_seq=dst ^ 0x1234567))
    assert of(mode, "tcp_seq")[0] == {"constant_of": "tcp_seq ^ ip_dst", "bits": 32}


def test_a_counter_has_its_step():
    _, mode = drafted(a_run(ip_id=(np.arange(COUNT) * 3 + 7) & 0xFFFF))
    assert of(mode, "ip_id") == [{"behaviour": "counter", "step": 3}]


def test_what_runs_do_not_share_is_one_per_run_or_left_out():
    made, mode = drafted(a_run(1), a_run(2, tcp_urp=9))
    assert of(mode, "tcp_sport") == [{"behaviour": "one per run"}]
    assert of(mode, "tcp_win") == [{"value": 777}]
    assert of(mode, "tcp_urp") == []
    assert made.left_out == ("tcp_urp",)


def test_headers_of_a_stack_are_no_marks_of_the_tool():
    _, mode = drafted(a_run(tcp_dport=np.arange(COUNT) + 1, ip_dst=7), is_stack=True)
    assert mode["headers"] == "stack"
    assert mode["expect"][-1] == {"order": "rising", "settable": "option"}
    assert {line.get("field", "order") for line in mode["expect"]} <= {"order", "payload_len", "payload_hash"}


@pytest.mark.parametrize("citation", ['a "quoted" \\ name', "cafe\u0301 \U0001f600", "x\\x1b[2J"])
def test_any_text_is_written_as_toml(citation):
    text = draft("mine", "scanner", [a_run()], citation).text
    assert tomllib.loads(text)["source"][0]["citation"] == citation


def test_a_draft_rules_nothing_out():
    _, mode = drafted(a_run())
    assert {line["settable"] for line in mode["expect"]} <= {"option", "path"}
