"""Markprints of real captures: the same structure for a few probes as for all, and another for other tools."""

from __future__ import annotations

from functools import cache
from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pytest

from craftmark.assess.likeness import compare
from craftmark.marks.infer import infer
from craftmark.marks.markprint import markprint
from craftmark.pipeline import examine
from craftmark.report import concluding
from craftmark.tools.load import load_rules
from tests.cases.captures import LAB, needs_captures
from tests.marks.dossiers import dossier_from_batch

TOOLS = (
    "hping3_P", "masscan_p80_default", "nmap_sS_top1000", "sendip_syn_loop", "unicornscan_tcp", "zmap_git_shard0of3",
    "zmap_shard0of3", "scapy25_udp_sweep", "packit_syn_ports", "nemesis_udp",
)  # fmt: skip


@cache
def _dossier(name):
    """Return the evidence of a capture's scan."""
    caught = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(concluding, "markprint", lambda *had: caught.append(had[0]) or markprint(*had))
        examine(LAB / f"{name}.pcap")
    return caught[0]


def _printed(batch):
    dossier = dossier_from_batch(batch, load_rules().relations)
    structure, values = markprint(dossier, infer(dossier))
    return SimpleNamespace(structure=structure, values=values)


@needs_captures
@pytest.mark.parametrize("name", TOOLS)
def test_the_structure_is_the_same_from_20_probes_on(name):
    sample = _dossier(name).sample
    whole = _printed(sample)
    rng = np.random.default_rng(20)
    for count in (20, 50, 100):
        start = int(rng.integers(0, len(sample) - count + 1))
        random = np.sort(rng.choice(len(sample), count, replace=False))
        for rows in (slice(0, count), slice(start, start + count), random):
            found = compare(_printed(sample.take(rows)), whole)
            assert found.same_structure, (count, found.named("differs"))


@needs_captures
def test_other_tools_are_not_alike():
    prints = {name: _printed(_dossier(name).sample) for name in TOOLS}
    alike = [pair for pair in combinations(TOOLS, 2) if compare(*(prints[one] for one in pair)).meaning == "alike"]
    assert alike == []


@needs_captures
def test_two_runs_of_one_tool_are_alike():
    pairs = ("nmap_sS_top1000", "nmap_spoof_S"), ("zmap_git_shard0of3", "zmap_git_shard1of3"), ("hping3_P", "hping3_R")
    for pair in pairs:
        one, other = (_printed(_dossier(name).sample) for name in pair)
        assert compare(one, other).meaning == "alike", pair


@needs_captures
def test_values_taken_from_a_template_are_told_from_what_was_changed():
    """hping given all of a sample's values but the two that it has no option for, beside scapy given all."""
    part, whole = (
        _printed(_dossier(name).sample) for name in ("hping3_seedlike_without_M_L", "scapy28_send_frp_spoofed")
    )
    found = compare(part, whole)
    assert found.meaning == "template"
    assert found.inherited == ("ip_id", "tcp_sport", "tcp_win")
    assert found.named("differs") == ("tcp_seq", "tcp_ack")
