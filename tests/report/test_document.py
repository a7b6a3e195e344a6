from __future__ import annotations

import json
from dataclasses import fields, is_dataclass, replace

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from craftmark.errors import ReportError
from craftmark.report import document
from craftmark.report.codec import members
from craftmark.report.document import PacketRef, Report
from craftmark.report.examined import Damage
from tests.report.fixture_2000 import log_report, report
from tests.report.strategies import reports


@pytest.mark.parametrize("made", [report(), log_report()])
def test_a_report_round_trips_exactly(made):
    assert Report.from_json(made.to_json()) == made
    assert Report.from_json(made.to_json()).to_json() == made.to_json()


@settings(
    max_examples=40,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # shrinking a whole report takes minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(reports())
def test_any_report_round_trips_exactly(made):
    text = made.to_json()
    assert Report.from_json(text) == made
    assert Report.from_json(text).to_json() == text


def test_an_integer_of_more_than_64_bits_is_refused():
    tree = json.loads(report().to_json())
    tree["scans"][0]["first_ns"] = 10**30
    with pytest.raises(ReportError, match="first_ns"):
        Report.from_json(json.dumps(tree))


def test_a_report_is_read_from_bytes_too():
    assert Report.from_json(report().to_json().encode()) == report()


def test_the_key_of_a_python_word_is_the_word_itself():
    purpose = json.loads(report().to_json())["scans"][0]["purposes"][0]
    assert "for" in purpose
    assert "for_" not in purpose


def test_unseen_is_null_and_never_zero():
    tree = json.loads(log_report().to_json())
    assert tree["inputs"][0]["first_ns"] is None
    assert tree["scans"][0]["first_ns"] is None


def test_text_of_any_kind_becomes_plain_ascii_and_comes_back():
    name = "a\x1b[31m\x7f\x9b\u202e\u200b\udc80\U0001f600\n.pcap"
    hostile = replace(report(), inputs=(replace(report().inputs[0], name=name),))
    text = hostile.to_json()
    assert all(char == "\n" or " " <= char <= "~" for char in text)
    assert Report.from_json(text).inputs[0].name == name


def test_numbers_of_numpy_become_numbers_of_json():
    made = replace(report(), scans_total=np.int64(1))
    assert made.to_json() == report().to_json()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_json_has_not_is_refused_with_its_path(value):
    campaign = document.Campaign("K1", ("S1",), "one operator", value, ())
    with pytest.raises(ReportError, match=r"report\.campaigns\[0\]\.log10_chance"):
        replace(report(), campaigns=(campaign,)).to_json()


def test_a_builder_with_a_wrong_word_is_told_where():
    bad = replace(report().scans[0], shape="vertical")
    with pytest.raises(ReportError, match=r'report\.scans\[0\]\.shape: \'vertical\' is not one of "port"'):
        replace(report(), scans=(bad,)).to_json()


def _spoiled(change):
    tree = json.loads(report().to_json())
    change(tree)
    return json.dumps(tree)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.update(schema="craftmark.report/2"), r"report\.schema: 'craftmark\.report/2' is not"),
        (lambda t: t.pop("schema"), r"report\.schema: None is not"),
        (lambda t: t.pop("traffic"), r"report: the key 'traffic' is missing"),
        (lambda t: t["scans"][0]["maker"].update(score=1), r"report\.scans\[0\]\.maker: unknown key 'score'"),
        (lambda t: t["inputs"][0].update(bytes="many"), r"report\.inputs\[0\]\.bytes: 'many' is not integer"),
        (lambda t: t["inputs"][0].update(packets=True), r"report\.inputs\[0\]\.packets: True is not integer"),
        (lambda t: t["inputs"][0].update(packets=1.5), r"report\.inputs\[0\]\.packets: 1\.5 is not integer"),
        (lambda t: t["scans"][0].update(sources={}), r"report\.scans\[0\]\.sources: \{\} is not list of Source"),
        (lambda t: t["scans"][0].update(ports=7), r"report\.scans\[0\]\.ports: 7 is not Ports or null"),
        (lambda t: t["scans"][0]["maker"].update(parameters=[]), r"maker\.parameters: \[\] is not object of Parameter"),
        (lambda t: t["conditions"].update(trust_clock=0), r"conditions\.trust_clock: 0 is not true or false"),
    ],
)
def test_a_document_that_is_not_the_schemas_is_refused_with_its_path(change, words):
    with pytest.raises(ReportError, match=words):
        Report.from_json(_spoiled(change))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not a report: Expecting value, at line 1 column 1"),
        ("[]", "holds no JSON object"),
        ('{"schema": NaN}', "NaN is not a JSON number"),
        ('{"a": 1, "a": 2}', "'a' stands twice"),
        ("[" * 200_000, "nested too deep"),
        (b"\xff\xfe{", "not a report"),
        (b'{"a": "\xff"}', "not UTF-8 text, at byte 7"),
    ],
)
def test_text_that_is_no_report_is_refused_in_one_sentence(text, words):
    with pytest.raises(ReportError, match=words):
        Report.from_json(text)


def test_every_class_of_the_document_is_frozen_and_slotted():
    kinds = [kind for kind in vars(document).values() if isinstance(kind, type) and is_dataclass(kind)]
    assert len(kinds) > 25
    for kind in kinds:
        assert kind.__dataclass_params__.frozen, kind
        assert "__slots__" in vars(kind), kind
        assert [member.attribute for member in members(kind)] == [field.name for field in fields(kind)]


def test_the_notebooks_table_cannot_carry_markup():
    scan = replace(report().scans[0], protocol="<script>\u202e")
    html = replace(report(), scans=(scan,))._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;\\u202e" in html


def test_damage_in_any_input_marks_the_report():
    damaged = replace(report().inputs[0], damage_total=1, damage=(Damage(7, 99, "cut"),))
    assert replace(report(), inputs=(damaged,)).damaged
    assert not report().damaged


def test_packets_are_named_by_input_and_number():
    tree = json.loads(report().to_json())
    assert tree["scans"][0]["toolmarks"][0]["packets"][0] == {"input": 1, "packet": 1}
    assert report().scans[0].toolmarks[0].packets[0] == PacketRef(input=1, packet=1)


def test_a_report_from_before_a_key_was_added_is_read_with_its_default():
    tree = json.loads(report().to_json())
    for key in ("tunnels", "tunnels_total"):
        del tree[key], tree["scans"][0][key]
    assert Report.from_json(json.dumps(tree)) == report()
