from __future__ import annotations

from pathlib import Path

from craftmark import cli
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
