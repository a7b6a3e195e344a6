"""The documentation says what the program does today."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from craftmark.cli import parser
from craftmark.errors import ExitCode
from craftmark.report.document import MarkKind

ROOT = Path(__file__).resolve().parents[2]
PROSE = sorted({*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("examples/*.md")})
REFERENCE = (ROOT / "docs/reference.md").read_text(encoding="utf-8")


def _filler():
    spec = importlib.util.spec_from_file_location("fill", ROOT / "docs/fill.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FILL = _filler()


@pytest.mark.parametrize("name", FILL.PAGES)
def test_every_block_is_what_the_program_writes(name, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    page = (ROOT / name).read_text(encoding="utf-8")
    assert "<!-- end -->" in page
    assert FILL.filled(page) == page, "run `make docs`"


def test_every_option_is_in_the_reference():
    options = [option for action in parser()._actions for option in action.option_strings]
    assert "--trust-clock" in options
    for option in options:
        assert f"`{option}" in REFERENCE, option


def test_the_reference_names_no_option_that_is_gone():
    options = {option for action in parser()._actions for option in action.option_strings}
    for option in re.findall(r"^\| `(--?[a-z-]+)", REFERENCE, flags=re.MULTILINE):
        assert option in options


def test_every_exit_code_is_in_the_reference():
    for code in ExitCode:
        assert f"| {code.value} |" in REFERENCE


def test_every_kind_of_mark_is_in_the_reference():
    for kind in MarkKind.__args__:
        assert f"| `{kind}` |" in REFERENCE


def test_every_file_that_the_prose_links_or_names_exists():
    for page in PROSE:
        text = page.read_text(encoding="utf-8")
        for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", text):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_every_file_to_imitate_exists():
    rows = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines()
    named = [row.split("|")[3].strip().strip("`") for row in rows if row.startswith("| a")]
    files = [name for name in named if "/" in name]
    assert len(files) >= 10
    for name in files:
        assert (ROOT / "craftmark" / name).exists() or (ROOT / name).exists() or name.startswith("tests on"), name


def test_the_changelog_has_the_version():
    from craftmark import __version__

    assert f"## [{__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
