"""The measure of the sender measures: verdicts beside the truth, the marking names captures that exist."""

from __future__ import annotations

import pytest

from lab.accuracy.senders import Told, evidence, page, told_of
from lab.accuracy.truths import KEPT, SHARED, truths
from lab.modes import all_modes

KNOWN = {truth.name: truth for truth in truths([KEPT])}
SAID = Told("c", "genuine", "undecided", wrong=False, one_sender="", hops=4, hop_set=(4, 20))


def test_every_marked_capture_is_a_mode_of_the_lab_or_one_that_is_shared():
    marked = [name for _, _, captures in evidence().values() for name in captures]
    assert len(marked) == len(set(marked))
    known = {mode.name for mode in all_modes()} | {truth.name for truth in truths([SHARED])}
    if SHARED.is_dir():
        assert set(marked) <= known
    assert {expects for _, expects, _ in evidence().values()} == {"genuine", "spoofed"}


def test_decoys_are_told_with_the_true_hops():
    told = told_of(KNOWN["nmap_decoys_five"])
    assert (told.forged, told.verdict, told.one_sender) == ("decoys", "spoofed", "one")
    assert not told.wrong
    assert (told.hops, told.hop_set[0]) == (4, 4)


@pytest.mark.parametrize("name", ["hping3_syn_incremental", "nmap_syn_top1000"])
def test_resets_of_a_live_host_leave_a_source_undecided(name):
    assert told_of(KNOWN[name]).verdict == "undecided"


def test_ordinary_traffic_and_arp_have_no_sender_to_be_judged():
    assert told_of(KNOWN["neg_ping"]) is None
    assert told_of(KNOWN["nmap_arp_sweep"]) is None


def test_the_page_counts_what_is_right_missing_and_wrong():
    found = [
        SAID, Told("nmap_connect", "genuine", "genuine", wrong=False, one_sender="", hops=4, hop_set=(5, 4, 3)),
        Told("packit_rand_src", "spoofed", "genuine", wrong=True, one_sender="several", hops=2, hop_set=()),
    ]  # fmt: skip
    text = page(found)
    assert "| genuine | 2 | 1 | 0 | 1 | 0 |" in text
    assert "| spoofed | 1 | 1 | 0 | 0 | 1 |" in text
    assert "| **all that are marked** |  | 1 | 2 (50%) |" in text
    assert "| 1 | 0 | 1 | 0 |" in text
    assert "| **all** | 2 | 2 (100%) | 1 (50%) | 3 | 3 |" in text
