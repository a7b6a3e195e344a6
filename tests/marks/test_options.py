"""TCP options: layout and constant values."""

from __future__ import annotations

import numpy as np

from craftmark.marks import options
from craftmark.packets.fields import PRESENT, TCP_OPTIONS, UDP, UNSEEN, visibility_bit
from tests.marks.dossiers import dossier_from_batch, probes

LAYOUT = ("MSS", "NOP", "WS", "NOP", "NOP", "SACKOK")


def test_the_layout_is_stated_in_order() -> None:
    marks = options.infer(dossier_from_batch(probes(9, layout=LAYOUT, tcp_mss=1460, tcp_wscale=8)))
    assert [mark.statement for mark in marks] == [
        "options = MSS,NOP,WS,NOP,NOP,SACKOK",
        "tcp_mss = 1460",
        "tcp_wscale = 8",
    ]


def test_no_options_are_stated_as_none() -> None:
    assert [mark.statement for mark in options.infer(dossier_from_batch(probes(9)))] == ["options = none"]


def test_unseen_options_are_not_stated() -> None:
    batch = probes(9)
    bit = np.uint32(visibility_bit(TCP_OPTIONS))
    batch.words[:, PRESENT] &= ~bit
    batch.words[:, UNSEEN] |= bit
    assert options.infer(dossier_from_batch(batch)) == []


def test_a_frozen_timestamp_is_beyond_chance() -> None:
    marks = options.infer(dossier_from_batch(probes(9, layout=("TS",), tcp_tsval=0x3F3F3F3F, tcp_tsecr=0)))
    assert next(mark for mark in marks if mark.fields == ("tcp_tsval",)).log10_chance < -70


def test_udp_has_no_tcp_options() -> None:
    assert options.infer(dossier_from_batch(probes(9, protocol=UDP))) == []
