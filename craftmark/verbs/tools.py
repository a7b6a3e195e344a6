"""``craftmark tools``: what rules describe; ``craftmark tools show NAME`` explains one for a reader."""

from __future__ import annotations

from difflib import get_close_matches
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from craftmark.errors import ExitCode
from craftmark.render.escape import visible
from craftmark.render.layout import Page
from craftmark.render.rule import render_rule
from craftmark.tools.load import load_rules
from craftmark.tools.rule import KINDS
from craftmark.verbs.arguments import add_page_arguments, add_rules_argument
from craftmark.verbs.base import OptionError
from craftmark.verbs.screen import deliver, screen_of

if TYPE_CHECKING:
    import argparse

    from craftmark.tools.rule import RuleSet, ToolRule
    from craftmark.verbs.screen import Screen

_HEADINGS = {
    "scanner": "Scanners", "crafter": "Crafters", "tester": "Testers", "library": "Libraries and their samples",
    "worm": "Worms", "backdoor": "Backdoors", "stack": "Systems' own stacks",
}  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("action", nargs="?", choices=("show",), metavar="show", help="explain one rule")
    parser.add_argument("name", nargs="?", metavar="NAME", help="the rule's id, or another name of the tool")
    add_rules_argument(parser)
    add_page_arguments(parser)


def run(parsed: argparse.Namespace) -> int:
    """List the rules, or explain one."""
    rules, screen = load_rules(*map(Path, parsed.rules)), screen_of(parsed)
    if parsed.action is None:
        deliver(_list(rules, screen))
    else:
        rule = _named(parsed.name, rules)
        deliver(render_rule(rule, rules, width=screen.width, colour=screen.colour))
    return ExitCode.EXAMINED


def _named(name: str | None, rules: RuleSet) -> ToolRule:
    """Return the rule of that id, or of a tool that is also called so; OptionError where there is none."""
    if name is None:
        raise OptionError("tools show: name a tool; craftmark tools lists them")
    wanted = name.lower()
    for rule in rules:
        if wanted in (rule.id.lower(), rule.name.lower(), *(other.lower() for other in rule.names)):
            return rule
    near = get_close_matches(wanted, [rule.id for rule in rules], n=1)
    hint = f"; did you mean {near[0]}?" if near else "; craftmark tools lists them"
    raise OptionError(f"no rule is called {visible(name)}{hint}")


def _list(rules: RuleSet, screen: Screen) -> str:
    page = Page(width=screen.width, colour=screen.colour)
    for kind, described in groupby(sorted(rules, key=lambda rule: KINDS.index(rule.kind)), key=lambda rule: rule.kind):
        page.gap()
        page.paragraph(_HEADINGS[kind], style="bold")
        for rule in described:
            page.row(rule.id, f"{rule.summary}{' (draft)' if rule.status == 'draft' else ''}")
    return page.text()
