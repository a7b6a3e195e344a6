from __future__ import annotations

import numpy as np
import pytest

from craftmark.packets.fields import encode_layout
from craftmark.tools.compare import Comparer
from craftmark.tools.load import load_rules
from craftmark.tools.stacks import contradiction, stack_fit, stack_shapes
from tests.tools import dossiers as d
from tests.tools import rows

RULES = load_rules()


def compared(made):
    comparer = Comparer(RULES, d.with_relations(made, RULES.relations), ())
    return [comparer.compare(rule) for rule in RULES if rule.kind == "stack"]


def test_the_shapes_hold_the_syns_of_linux_and_windows_with_df():
    shapes = stack_shapes(RULES)
    assert (2, 1, *encode_layout(rows.LINUX)) in shapes
    assert (2, 1, *encode_layout(rows.WINDOWS)) in shapes
    assert (2, 0, *encode_layout(rows.WINDOWS)) not in shapes
    assert (2, 0, 0, 0) not in shapes


def test_a_linux_syn_fits_linux_and_no_other_stack():
    fit = stack_fit(compared(rows.linux()), 6)
    assert "Linux" in fit
    assert "Windows" not in fit


def test_a_program_may_set_the_ttl_of_its_connections():
    assert "Linux" in stack_fit(compared(rows.linux(ip_ttl=251)), 6)


def test_options_of_a_stack_with_another_df_are_a_contradiction():
    assert contradiction(compared(rows.zmap_4())).startswith("the options of Windows")
    assert contradiction(compared(rows.linux())) == ""


def test_mss_alone_contradicts_nothing():
    assert contradiction(compared(d.tcp(50, 2, ("MSS",), tcp_win=1024))) == ""


def echoes(**columns):
    given = {"payload_len": 56, "ip_flags": 2, "ip_ttl": 61, "ip_id": np.arange(60) * 9973 % 65536, **columns}
    return d.icmp(60, ip_dst=np.arange(60) + 0xCB007101, **given)


PINGS = {"icmp_id": np.arange(60) + 4000, "icmp_seq": 1, "payload_head": 0x6BCDEF01}
FPING = {"icmp_id": 11527, "icmp_seq": np.arange(60), "payload_head": 0}


@pytest.mark.parametrize("columns", [PINGS, FPING], ids=["a ping of each host", "fping"])
def test_echo_requests_with_headers_of_linux_fit_linux(columns):
    assert "Linux" in stack_fit(compared(echoes(**columns)), 1)


@pytest.mark.parametrize("columns", [PINGS, FPING], ids=["a ping of each host", "fping"])
def test_echo_requests_without_df_are_not_linux(columns):
    assert stack_fit(compared(echoes(**columns, ip_flags=0)), 1) == ""


def test_echo_requests_with_neither_the_time_nor_a_counter_are_nobodys():
    """Their headers may be the system's: nothing in them says so."""
    assert stack_fit(compared(echoes(**FPING | {"icmp_seq": 0})), 1) == ""
