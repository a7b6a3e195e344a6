"""``craftmark tools``: what rules describe."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from craftmark.errors import ExitCode
from craftmark.render.layout import Page
from craftmark.tools.load import load_rules
from craftmark.tools.rule import KINDS
from craftmark.verbs.arguments import add_page_arguments, add_rules_argument
from craftmark.verbs.screen import deliver, screen_of

if TYPE_CHECKING:
    import argparse

    from craftmark.tools.rule import RuleSet
    from craftmark.verbs.screen import Screen

_HEADINGS = {
    "scanner": "Scanners", "crafter": "Crafters", "tester": "Testers", "library": "Libraries and their samples",
    "worm": "Worms", "backdoor": "Backdoors", "stack": "Systems' own stacks",
}  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    add_rules_argument(parser)
    add_page_arguments(parser)


def run(parsed: argparse.Namespace) -> int:
    """List the rules."""
    rules = load_rules(*map(Path, parsed.rules))
    deliver(_list(rules, screen_of(parsed)))
    return ExitCode.EXAMINED


def _list(rules: RuleSet, screen: Screen) -> str:
    page = Page(width=screen.width, colour=screen.colour)
    for kind, described in groupby(sorted(rules, key=lambda rule: KINDS.index(rule.kind)), key=lambda rule: rule.kind):
        page.gap()
        page.paragraph(_HEADINGS[kind], style="bold")
        for rule in described:
            page.row(rule.id, f"{rule.summary}{' (draft)' if rule.status == 'draft' else ''}")
    return page.text()
