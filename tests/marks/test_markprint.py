"""Markprints: one letter per field, the same for the same code."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from craftmark.assess.markprints import read
from craftmark.marks.base import Toolmark
from craftmark.marks.infer import infer
from craftmark.marks.markprint import FEWEST, markprint, printed
from craftmark.packets.fields import IP_ID, PRESENT, TCP, UNSEEN, visibility_bit
from tests.marks.dossiers import dossier_from_batch, probes
from tests.naive.markprint import kept_or_moving

RNG = np.random.default_rng(15)


def letters(structure: str) -> dict[str, str]:
    return dict(zip(printed(TCP), structure.split(":")[2], strict=True))


def test_each_field_has_its_letter() -> None:
    dst, seq = RNG.integers(0, 2**32, 300), RNG.integers(0, 2**31, 300)
    batch = probes(
        300, ip_dst=dst, tcp_seq=seq, tcp_dport=23, ip_id=(dst ^ seq ^ 23) & 0xFFFF, tcp_sport=np.arange(300) + 4000,
        tcp_ack=RNG.integers(0, 2**32, 300), tcp_win=512,
    )  # fmt: skip
    dossier = dossier_from_batch(batch, ["ip_id == low16(ip_dst ^ tcp_seq) ^ tcp_dport"])
    structure, values = markprint(dossier, infer(dossier))
    found = letters(structure)
    assert "".join(found[name] for name in ("ip_id", "tcp_sport", "tcp_seq", "tcp_ack", "tcp_win")) == "fkgrc"
    assert found["tcp_mss"] == "-"
    assert structure.endswith(":none:?,shuffled:ip_id(ip_dst,tcp_seq)")
    assert "tcp_win=512" in values.split(",")


def test_unseen_is_told_from_absent() -> None:
    batch = probes(20)
    bit = np.uint32(visibility_bit(IP_ID))
    batch.words[:, PRESENT] &= ~bit
    batch.words[:, UNSEEN] |= bit
    dossier = dossier_from_batch(batch)
    assert letters(markprint(dossier, infer(dossier))[0])["ip_id"] == "u"


def test_the_ttl_on_arrival_is_not_among_the_values() -> None:
    near, far = (dossier_from_batch(probes(20, ip_ttl=ttl)) for ttl in (60, 44))
    assert markprint(near, infer(near)) == markprint(far, infer(far))


def test_nothing_is_said_of_a_field_that_few_probes_show() -> None:
    few, enough = (dossier_from_batch(probes(count)) for count in (FEWEST - 1, FEWEST))
    assert set(markprint(few, infer(few))[0].split(":")[2]) == {"?", "-"}
    assert "?" not in markprint(enough, infer(enough))[0].split(":")[2]


@pytest.mark.parametrize(
    ("values", "letter"),
    [
        ([7] * 40, "c"), ([7] * 39 + [8], "p"), ([7] * 20 + [8] * 20, "p"),
        ([7, 7, 7, 8] * 10, "?"), ([7, 8] * 20, "r"), ([5, 5, 6] * 20, "r"),
    ],
)  # fmt: skip
def test_a_field_keeps_its_value_or_moves(values, letter) -> None:
    dossier = dossier_from_batch(probes(len(values), tcp_urp=values))
    assert letters(markprint(dossier, infer(dossier))[0])["tcp_urp"] == letter


def test_one_value_for_each_source_is_kept_however_the_sources_take_turns() -> None:
    batch = probes(60, ip_src=np.tile([9, 10, 11], 20), tcp_urp=np.tile([1, 2, 3], 20))
    dossier = dossier_from_batch(batch)
    assert letters(markprint(dossier, infer(dossier))[0])["tcp_urp"] == "p"


def test_keeping_and_moving_are_those_of_the_definition() -> None:
    for values in RNG.integers(0, RNG.integers(1, 6, 200)[:, None], (200, 50)) // RNG.integers(1, 3, (200, 1)):
        senders = RNG.integers(1, 4, 50)
        dossier = dossier_from_batch(probes(50, ip_src=senders, tcp_urp=values))
        found = letters(markprint(dossier, infer(dossier))[0])["tcp_urp"]
        assert found in kept_or_moving(senders.tolist(), values.tolist())


def test_the_values_that_a_user_sets_stand_apart() -> None:
    dossier = dossier_from_batch(probes(20, tcp_sport=31337, tcp_seq=RNG.integers(0, 2**32, 20), tcp_win=512))
    values = markprint(dossier, infer(dossier), ("tcp_seq", "tcp_sport"))[1]
    assert values.endswith("tcp_win=512,tcp_urp=0,payload_len=0,payload_head=0;tcp_sport=31337,tcp_seq")
    assert markprint(dossier, infer(dossier), ("tcp_seq",))[0] == markprint(dossier, infer(dossier))[0]


def test_probes_that_try_protocols_have_a_print_of_their_own() -> None:
    dossier = dossier_from_batch(probes(40, protocol=47, ip_proto=np.arange(40) + 100))
    assert markprint(dossier, infer(dossier))[0].startswith("cm2:mixed:")


def test_an_order_that_only_a_recipe_gives_is_unknown_to_the_print() -> None:
    """A print that was written must be read again: the recipe's mark stands alone where few probes show the order."""
    dossier = dossier_from_batch(probes(20))
    told = Toolmark("order", "a walk", ("ip_dst",), 20, 20, -30.0, "individual", name="zmap/target-order")
    structure, values = markprint(dossier, [told])
    assert read(structure, values).orders == ("?", "?")
    plain = replace(told, name="shuffled")
    assert read(*markprint(dossier, [told, plain])).orders == ("?", "shuffled")
