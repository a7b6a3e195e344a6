from __future__ import annotations

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
