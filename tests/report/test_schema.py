from __future__ import annotations

import json
from importlib import resources

import jsonschema
import pytest

from craftmark.report.schema import report_schema, schema_text
from tests.report.fixture_2000 import log_report, report


def _committed():
    return resources.files("craftmark.report").joinpath("report.schema.json").read_text(encoding="utf-8")


def test_the_committed_schema_is_that_of_the_types():
    assert _committed() == schema_text(), "run `make docs`"


def test_the_schema_is_itself_valid():
    jsonschema.Draft202012Validator.check_schema(report_schema())


@pytest.mark.parametrize("made", [report(), log_report()])
def test_documents_validate(made):
    jsonschema.Draft202012Validator(json.loads(_committed())).validate(json.loads(made.to_json()))


def test_a_document_with_another_schema_number_does_not_validate():
    tree = json.loads(report().to_json()) | {"schema": "craftmark.report/2"}
    assert not jsonschema.Draft202012Validator(report_schema()).is_valid(tree)


#: Keys that scripts were promised, by the class that holds them.
PROMISED = {
    "Report": "schema craftmark knowledge inputs traffic scans scans_total floods campaigns claims unseen",
    "Input": "name sha256 bytes format link_types packets first_ns last_ns clock unseen damage",
    "Damage": "packet byte what",
    "Traffic": "probe answer backscatter flood ordinary undecoded",
    "Scan": "id shape protocol parts control_bits probes first_ns last_ns sources sources_total targets targets_total "
    "ports toolmarks markprint maker sender answers purposes",
    "Part": "protocol control_bits icmp probes",
    "Source": "address probes spoofing",
    "Target": "address probes",
    "Ports": "total ranges",
    "Toolmark": "id kind statement fields held seen sampled log10_chance level packets",
    "PacketRef": "input packet",
    "Markprint": "structure values",
    "Maker": "kind kind_why conclusion tool version confidence tools parameters",
    "ToolVerdict": "tool conclusion agrees disagrees silent settings_needed price_log10",
    "Parameter": "value confidence checked",
    "Sender": "hops spoofing one_sender",
    "Hop": "initial_ttl hops weight why",
    "Spoofing": "verdict confidence reasons",
    "OneSender": "verdict reasons",
    "Answers": "seen predicted remembered reach",
    "Predicted": "stack state answer source",
    "Remembered": "firewall creates_state source",
    "Purpose": "id statement weight for against settled_by",
    "Campaign": "id scans statement log10_chance why",
    "Claim": "id about statement confidence for against settled_by packets",
}


@pytest.mark.parametrize(("name", "keys"), PROMISED.items())
def test_every_promised_key_is_there(name, keys):
    assert set(keys.split()) <= set(report_schema()["$defs"][name]["properties"])
