from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from craftmark.errors import RuleError
from craftmark.tools.load import RuleSetError, load_rules, read_rules

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """
id = "one"
name = "One"
kind = "scanner"
since = 2013-08-01
since_source = "its first tag"
summary = "A tool."

[[source]]
key = "src"
citation = "one/one, main.c, commit 1"

[[mode]]
id = "syn"
protocol = "tcp"
control_bits = ["SYN"]
source = "src"
expect = [
  { field = "ip_id", value = 54321, settable = "no" },
  { field = "tcp_win", value = 1024, settable = "option", option = "-w" },
]
"""


def test_a_rule_is_read_with_its_facts():
    rule = read_rules({"one.toml": GOOD}).by_id["one"]
    assert rule.since == 20130801
    assert rule.modes[0].bits == (2,)
    assert rule.modes[0].expects[0].values == (54321,)
    assert [e.source for e in rule.modes[0].expects] == ["src", "src"]


def test_the_shipped_rules_load_and_have_the_tools_of_the_contract():
    ids = set(load_rules().by_id)
    assert {
        "nmap",
        "masscan",
        "zmap",
        "unicornscan",
        "hping",
        "nping",
        "scapy",
        "mirai",
        "naabu",
        "metasploit-syn",
    } <= ids
    assert {"libnet-1.0-samples", "libnet-1.1-samples", "back-orifice", "bo2k", "nemesis", "packit", "sendip"} <= ids
    assert {"stack-linux", "stack-windows", "stack-macos", "stack-freebsd", "stack-openbsd", "stack-solaris"} <= ids


def test_the_hash_changes_with_any_rule():
    assert read_rules({"one.toml": GOOD}).sha256 != read_rules({"one.toml": GOOD + "\n# seen"}).sha256


def test_a_folder_replaces_a_rule_of_the_same_id(tmp_path: Path):
    (tmp_path / "zmap.toml").write_text(GOOD.replace('"one"', '"zmap"').replace('"One"', '"My ZMap"'))
    rules = load_rules(tmp_path)
    assert rules.by_id["zmap"].name == "My ZMap"
    assert len(rules) == len(load_rules())


def test_the_last_of_several_folders_replaces(tmp_path: Path):
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "one.toml").write_text(GOOD.replace('"One"', f'"{folder}"'))
    rules = load_rules(tmp_path / "first", tmp_path / "second")
    assert rules.by_id["one"].name == "second"


def test_a_file_that_is_no_text_names_the_line(tmp_path: Path):
    (tmp_path / "one.toml").write_bytes(b'id = "one"\nname = "\xff"\n')
    with pytest.raises(RuleSetError, match=r"one\.toml:2: is not UTF-8"):
        load_rules(tmp_path)


@pytest.mark.parametrize(
    ("wrong", "right", "line", "what"),
    [
        ("ip_idd", "ip_id", 19, "no field"),
        ("value = 54321, behaviour = 'varies'", "value = 54321", 19, "exactly one of"),
        ('settable = "never"', 'settable = "no"', 19, "never"),
        ('option = "-w", optoin = 1', 'option = "-w"', 20, "optoin"),
        ('control_bits = ["SIN"]', 'control_bits = ["SYN"]', 13, "no control bit"),
        ('protocol = "tpc"', 'protocol = "tcp"', 13, "tpc"),
        ('kind = "gadget"', 'kind = "scanner"', 4, "gadget"),
    ],
)
def test_an_error_names_the_line(wrong: str, right: str, line: int, what: str):
    with pytest.raises(RuleSetError) as caught:
        read_rules({"one.toml": GOOD.replace(right, wrong)})
    error = caught.value.errors[0]
    assert (error.path, error.line) == ("one.toml", line)
    assert what in str(error)


def test_text_that_is_not_toml_names_the_line():
    with pytest.raises(RuleSetError) as caught:
        read_rules({"one.toml": GOOD + "\nbroken = = 1\n"})
    assert caught.value.errors[0].line == GOOD.count("\n") + 2


def test_text_that_breaks_off_names_its_last_line():
    with pytest.raises(RuleSetError) as caught:
        read_rules({"one.toml": GOOD + "\nbroken = ["})
    assert caught.value.errors[0].line == GOOD.count("\n") + 2


def test_all_errors_of_a_set_are_collected():
    texts = {"a.toml": GOOD.replace("ip_id", "nothing"), "b.toml": GOOD.replace("tcp_win", "neither")}
    with pytest.raises(RuleError) as caught:
        read_rules(texts)
    assert isinstance(caught.value, RuleSetError)
    assert {error.path for error in caught.value.errors} == {"a.toml", "b.toml"}


def test_a_recipe_keeps_what_its_solver_needs(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("craftmark.tools.load.SOLVERS", {"dice": None})
    recipe = '\n[[recipe]]\nid = "r"\nkind = "dice"\nsource = "src"\nsides = 6\n'
    (one,) = read_rules({"one.toml": GOOD + recipe}).recipes
    assert (one.id, one.kind, one.tool, one.source, one.details) == ("r", "dice", "one", "src", {"sides": 6})


def test_a_recipe_without_a_solver_names_its_line():
    with pytest.raises(RuleSetError) as caught:
        read_rules({"one.toml": GOOD + '\n[[recipe]]\nid = "r"\nkind = "tarot"\nsource = "src"\n'})
    error = caught.value.errors[0]
    assert (error.line, "tarot" in str(error)) == (GOOD.count("\n") + 2, True)


def test_two_files_with_one_id_are_an_error():
    with pytest.raises(RuleSetError, match=r"is also in a\.toml"):
        read_rules({"a.toml": GOOD, "b.toml": GOOD})


def test_a_reading_is_a_formula_with_its_bounds():
    reading = '\n[[reading]]\nparameter = "p"\nexpression = "tcp_sport - 5"\nwithin = [0, 9]\nsource = "src"\n'
    (rule,) = read_rules({"one.toml": GOOD + reading}).rules
    (one,) = rule.readings
    assert (one.parameter, str(one.expression), one.within, one.most, one.clock) == ("p", "tcp_sport - 5", (0, 9), 1, 0)


@pytest.mark.parametrize("bad", ['expression = "tcp_nothing"', "within = [1]", "within = 4", "colour = 1"])
def test_a_faulty_reading_names_its_line(bad):
    key = bad.split(" ")[0]
    lines = {"parameter": '"p"', "expression": '"tcp_sport"', "within": "[0, 9]", "source": '"src"'}
    text = "".join(f"{name} = {value}\n" for name, value in lines.items() if name != key) + bad + "\n"
    with pytest.raises(RuleSetError) as caught:
        read_rules({"one.toml": GOOD + "\n[[reading]]\n" + text})
    assert caught.value.errors[0].line == GOOD.count("\n") + 2


FORMS = (
    "mode = 5",
    "mode = [1]",
    "source = [{}]",
    "fact = [{ until = 1 }]",
    "since = 'soon'",
    "recipe = 'x'",
    "names = 4",
)


@pytest.mark.parametrize("wrong", FORMS)
def test_a_value_of_another_form_is_an_error_and_no_fault(wrong):
    with pytest.raises(RuleSetError, match="not of the form"):
        read_rules({"a.toml": f'id = "a"\nname = "b"\nkind = "scanner"\nsummary = "s"\n{wrong}\n'})
