"""The specification of the markprint: its test vectors, tables and numbers are those of the program."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from craftmark.assess import likeness
from craftmark.assess.markprints import read
from craftmark.marks import markprint as marks
from craftmark.marks.infer import infer
from craftmark.packets.fields import ARP, FIELDS, ICMP, ICMP6, PRESENT, SCTP, TCP, UDP, UNSEEN, visibility_bit
from craftmark.tools import chance
from tests.marks.dossiers import dossier_from_batch, probes

DOCS = Path(__file__).resolve().parents[2] / "docs"
TEXT = (DOCS / "markprint.md").read_text(encoding="utf-8")
VECTORS = json.loads((DOCS / "markprint-vectors.json").read_text(encoding="utf-8"))
PROTOCOLS = {"tcp": TCP, "udp": UDP, "icmp": ICMP, "icmp6": ICMP6, "sctp": SCTP, "arp": ARP}


def dossier_of(vector):
    """Return the evidence of a vector's packets: a number stands for the same in all, a list for one in each."""
    batch = probes(
        vector["packets"], protocol=PROTOCOLS[vector["protocol"]], layout=tuple(vector["options"]), **vector["fields"]
    )
    for name in (*vector["unseen"], *vector["absent"]):
        bit = np.uint32(visibility_bit(FIELDS[name].word))
        batch.words[:, PRESENT] &= ~bit
        batch.words[:, UNSEEN] |= bit * (name in vector["unseen"])
    return dossier_from_batch(batch, vector["relations"])


def _print_of(side):
    return SimpleNamespace(**(VECTORS["made"][side] if isinstance(side, int) else side))


@pytest.mark.parametrize("vector", VECTORS["made"], ids=lambda vector: vector["name"])
def test_packets_have_the_markprint_of_their_vector(vector):
    dossier = dossier_of(vector)
    made = marks.markprint(dossier, infer(dossier), vector["user_set"])
    assert made == (vector["structure"], vector["values"])
    assert all(text.isascii() and text.isprintable() for text in made)


@pytest.mark.parametrize("vector", VECTORS["compared"], ids=str)
def test_markprints_compare_as_their_vector_says(vector):
    for one, other in (("one", "other"), ("other", "one")):
        found = likeness.compare(_print_of(vector[one]), _print_of(vector[other]))
        assert (found.same_structure, found.bits, found.meaning) == (
            vector["same_structure"], vector["bits"], vector["meaning"],
        )  # fmt: skip
        assert (list(found.inherited), list(found.named("differs"))) == (vector["inherited"], vector["differs"])


def test_every_vector_can_be_read_back():
    for vector in VECTORS["made"]:
        found = read(vector["structure"], vector["values"])
        assert "".join(found.letters.values()) == vector["structure"].split(":")[2]
        assert found.user_set == set(vector["user_set"])


def _rows(heading):
    section = re.split(r"\n##+ ", TEXT.partition(f"\n{heading}\n")[2], maxsplit=1)[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"]
    return rows[2:]


def test_the_fields_are_told_in_their_order():
    told = {row[0]: tuple(re.findall(r"`(\w+)`", row[1])) for row in _rows("## Fields")}
    assert told == {name: marks.printed(number) for name, number in PROTOCOLS.items()} | {
        "mixed, others": marks.printed(47)
    }


def test_the_numbers_are_told():
    told = dict(_rows("## Numbers"))
    assert told == {
        "FEWEST": str(marks.FEWEST), "KEEPS": str(marks.KEEPS), "MOVES": str(marks.MOVES),
        "ALIKE": f"{likeness.ALIKE:g}", "UNLIKE": f"{likeness.UNLIKE:g}", "COMPARED": str(likeness.COMPARED),
        "CHOSEN": f"{likeness.CHOSEN:g}", "TEMPLATE_VALUES": str(likeness.TEMPLATE_VALUES),
        "TEMPLATE": f"{likeness.TEMPLATE:g}", "EDITED": f"{likeness._EDITED:.2f}",
        "CONTRADICTED": f"{likeness._CONTRADICTED:g}", "OTHER_ORDER": f"{likeness._OTHER_ORDER:g}",
        "MESSAGE": f"{likeness._MESSAGE:g}",
    }  # fmt: skip


def test_the_shares_of_strangers_are_told():
    habits = {(name, int(value)): float(share) for name, value, share in _rows("### Values by habit")}
    assert habits == chance._HABITS
    drawn = {name: float(share) for name, share in _rows("### Fields drawn anew")}
    assert drawn == {**chance._DRAWN, "ip_ttl": likeness._DRAWN_TTL, "any other": chance.drawn_chance("tcp_urp")}
