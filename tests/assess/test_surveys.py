"""Lists of networks that survey others: read as people write them, laid beside a scan's sources."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from craftmark.assess.conclude import conclude
from craftmark.assess.listed import is_listed, surveyors
from craftmark.assess.surveys import read_surveys
from craftmark.errors import SourceError

LIST = """# a list
192.0.2.0/24 A search engine of hosts
192.0.2.2, the one host of it
2001:db8::/32\tSix
198.51.100.7
"""


def known():
    return (read_surveys(LIST, name="list"),)


@pytest.mark.parametrize(
    ("address", "who"),
    [
        ("192.0.2.9", "A search engine of hosts"), ("192.0.2.2", "the one host of it"), ("2001:db8:1::5", "Six"),
        ("198.51.100.7", "a network in the list"), ("203.0.113.1", None), ("::1", None), ("0.0.0.0", None),
    ],
)  # fmt: skip
def test_the_longest_prefix_names_who_surveys(address, who):
    assert known()[0].name_of(address) == who


@pytest.mark.parametrize(
    ("text", "said"), [("x\n", "line 1"), ("192.0.2.0/24 a\n\n300.1.1.1\n", "line 3"), ("#\n", "no network")]
)
def test_a_list_that_cannot_be_read_is_named_with_its_line(text, said):
    with pytest.raises(SourceError, match=said):
        read_surveys(text, name="odd")


def sweep(plant, source):
    columns = {"ip_src": source, "ip_dst": 0xC6336400 + np.arange(200), "tcp_dport": 443}
    return plant(columns, shape="address")


def test_listed_sources_make_research_likelier_and_are_named(plant):
    subject = replace(sweep(plant, 0xC0000202), surveys=known())
    found, without = conclude(subject), conclude(replace(subject, surveys=()))
    assert surveyors(subject) == {"192.0.2.2": "the one host of it"}
    weight = {one.id: one.weight for one in found.purposes}["research"]
    assert weight > 5 * {one.id: one.weight for one in without.purposes}["research"]
    assert any(
        "1 of 1 sources are in your list of survey networks: the one host of it" in c.statement for c in found.claims
    )
    assert not any("survey networks" in claim.statement for claim in without.claims)


def test_other_sources_are_not_listed_and_none_is_claimed(plant):
    subject = replace(sweep(plant, 0xC8000202), surveys=known())
    assert not is_listed(subject)
    assert not any("survey networks" in claim.statement for claim in conclude(subject).claims)
