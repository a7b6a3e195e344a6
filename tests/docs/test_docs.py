"""The documentation says what the program does today."""

from __future__ import annotations

import argparse
import importlib.util
import re
from pathlib import Path

import pytest

from craftmark.cli import parser
from craftmark.errors import ExitCode
from craftmark.report.document import MarkKind
from craftmark.verbs.base import EXAMINE, VERBS

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


def _section(heading):
    """Return the text under a heading of the reference, up to the next of its level or above."""
    level = len(heading) - len(heading.lstrip("#"))
    return re.split(rf"^#{{1,{level}}} ", REFERENCE.partition(f"\n{heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


def _actions(parser):
    """Return a parser's arguments, and those of the parsers below it."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from _actions(below)


def _options(parser):
    return {option: action.help for action in _actions(parser) for option in action.option_strings}


def test_every_option_is_in_the_reference():
    options = _options(parser())
    assert "--trust-clock" in options
    for option in options:
        assert f"`{option}" in _section("## The command"), option


def test_the_reference_names_no_option_that_is_gone():
    options = _options(parser())
    for option in re.findall(r"^\| `(--?[a-z-]+)", _section("## The command"), flags=re.MULTILINE):
        assert option in options


@pytest.mark.parametrize("listed", [one for one in VERBS if one is not EXAMINE], ids=lambda listed: listed.name)
def test_every_verb_is_in_the_reference_with_its_arguments(listed):
    """Options that the main job has with the same meaning are told there once."""
    section, told = _section(f"### craftmark {listed.name}"), _options(parser())
    assert section, f"docs/reference.md has no section '### craftmark {listed.name}'"
    own = parser(listed)
    for option, meaning in _options(own).items():
        assert told.get(option) == meaning or f"`{option}" in section, option
    for action in _actions(own):
        if action.metavar and not action.option_strings:
            assert str(action.metavar) in section, action.metavar
    for option in re.findall(r"^\| `(--?[a-z0-9-]+)", section, flags=re.MULTILINE):
        assert option in _options(own), f"{option} is gone"


def test_the_reference_names_no_verb_that_is_gone():
    assert set(re.findall(r"^### craftmark (\S+)$", REFERENCE, flags=re.MULTILINE)) == {
        listed.name for listed in VERBS if listed is not EXAMINE
    }


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
