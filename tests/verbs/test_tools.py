from __future__ import annotations

from pathlib import Path

import pytest

from craftmark import cli
from craftmark.errors import ExitCode
from craftmark.tools.load import load_rules

KNOWLEDGE = Path(cli.__file__).parent / "knowledge" / "tools"


def test_every_rule_is_listed_under_its_kind(capsys):
    assert cli.main(["tools"]) == 0
    page = capsys.readouterr().out
    lines = page.splitlines()
    for rule in load_rules():
        assert any(line.split()[:1] == [rule.id] for line in lines), rule.id
    assert (
        page.index("Scanners") < page.index("zmap") < page.index("Crafters") < page.index("hping") < page.index("Worms")
    )


def test_rules_of_a_folder_are_listed_too(capsys, tmp_path):
    text = (KNOWLEDGE / "juno.toml").read_text(encoding="utf-8")
    (tmp_path / "mine.toml").write_text(text.replace('id = "juno"', 'id = "mine"', 1), encoding="utf-8")
    assert cli.main(["tools", "--rules", str(tmp_path)]) == 0
    assert any(line.startswith("mine ") for line in capsys.readouterr().out.splitlines())


@pytest.mark.parametrize("rule", list(load_rules()), ids=lambda rule: rule.id)
def test_every_rule_is_explained_with_all_its_facts_and_sources(capsys, rule):
    assert cli.main(["tools", "show", rule.id]) == 0
    words = " ".join(capsys.readouterr().out.split())
    for mode in rule.modes:
        assert f"{mode.id}: " in words
        for expected in mode.expects:
            assert expected.text in words
            assert expected.says in words
            assert expected.option in words
    for key, citation in rule.sources.items():
        assert f"[{key}] {citation}" in words
    assert all(other in words for other in (*rule.names, *rule.derives_from, *rule.confusable_with))


def test_a_tool_is_found_by_any_of_its_names_in_any_case(capsys):
    for name in ("hping", "HPING3", "hping3"):
        assert cli.main(["tools", "show", name]) == 0
        assert "rule            hping, crafter" in capsys.readouterr().out


def test_lineage_is_told_from_both_ends(capsys):
    for child, parent in (("libnet-1.1-samples", "libnet-1.0-samples"), ("xmap", "zmap")):
        for rule, label, other in ((child, "made from", parent), (parent, "made from it", child)):
            assert cli.main(["tools", "show", rule]) == 0
            told = [line for line in capsys.readouterr().out.splitlines() if line.startswith(f"{label}  ")]
            assert told == [f"{label:<16}{other}"], rule


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("show",), "name a tool"), (("show", "nmapp"), "did you mean nmap?"), (("show", "x\x1b[2J"), "x\\x1b[2J"),
        (("list",), "show"), (("show", "nmap", "zmap"), "zmap"),
    ],
)  # fmt: skip
def test_what_cannot_be_explained_is_usage(capsys, words, said):
    assert cli.main(["tools", *words]) == ExitCode.USAGE
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert said in err
