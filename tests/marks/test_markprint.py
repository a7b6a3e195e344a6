"""Markprints: one letter per field, the same for the same code."""

from __future__ import annotations

import numpy as np

from craftmark.marks.infer import infer
from craftmark.marks.markprint import markprint, printed
from craftmark.packets.fields import IP_ID, PRESENT, TCP, UNSEEN, visibility_bit
from tests.marks.dossiers import dossier_from_batch, probes

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
    assert (found["ip_id"], found["tcp_sport"], found["tcp_seq"], found["tcp_ack"], found["tcp_win"]) == tuple("fkgrc")
    assert found["tcp_mss"] == "-"
    assert structure.endswith(":none:?,shuffled")
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
