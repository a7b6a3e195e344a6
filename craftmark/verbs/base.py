"""Verbs: what the command can be asked to do. The registry lists them; each is a module, imported when it is asked for.

A verb's module has ``add_arguments(parser)`` and ``run(parsed)``, as ``Verb`` says; imitate ``verbs/tools.py``. Adding
one touches its own file, one line of ``VERBS`` and its section in ``docs/reference.md``. What goes wrong is raised:
OptionError here, SourceError, RuleError and ExpressionError from below; ``cli`` turns each into an exit code.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Final, Protocol, cast

if TYPE_CHECKING:
    import argparse


class OptionError(ValueError):
    """The options ask for what cannot be done: a usage error found after they were parsed."""


class Verb(Protocol):
    """What a verb's module offers."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the verb's arguments to its parser; ``verbs/arguments.py`` has those that many verbs take."""

    def run(self, parsed: argparse.Namespace) -> int:
        """Do it, write the result to stdout and return the exit code."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of the registry. ``module`` is imported only when the verb is asked for, so help stays fast.

    ``extra`` names the optional dependencies that the verb needs, as in ``pip install craftmark[web]``.
    """

    name: str
    help: str
    module: str
    extra: str = ""

    def load(self) -> Verb:
        """Return the verb; raises OptionError where a library of its extra is not installed."""
        try:
            return cast(Verb, import_module(self.module))
        except ModuleNotFoundError as fault:
            if not self.extra or (fault.name or "").startswith("craftmark"):
                raise
            raise OptionError(
                f"{self.name} needs the Python package {fault.name}; pip install 'craftmark[{self.extra}]'"
            ) from fault


#: The main job, done when the first word is no verb. Its module is light: heavy ones follow when the options are right.
EXAMINE: Final = Listed("examine", "decipher captures and logs; the word may be left out", "craftmark.verbs.main_job")

VERBS: Final = (
    EXAMINE,
    Listed("answers", "tell what stacks and firewalls do with a probe", "craftmark.verbs.answers"),
    Listed("cluster", "one case in tasks that many processes share, on any engine", "craftmark.cluster.verb"),
    Listed("compare", "tell how alike the code behind two scans is", "craftmark.verbs.compare"),
    Listed("convert", "write packets as CSV, Parquet, Arrow or pcap", "craftmark.verbs.convert"),
    Listed("doctor", "what an input is, what is in it, what is missing and what was wrong", "craftmark.verbs.doctor"),
    Listed("export", "write a scan's marks as a filter, rule or record", "craftmark.verbs.export"),
    Listed("plot", "draw one picture of a scan as SVG, PNG or PDF", "craftmark.verbs.plot"),
    Listed("report", "write a case as HTML, PDF, Markdown or JSON, to hand on", "craftmark.verbs.report"),
    Listed("reproduce", "write a synthetic capture with a scan's marks, to test rules", "craftmark.verbs.reproduce"),
    Listed("seen", "have I seen these scans before, when, from whom", "craftmark.verbs.seen"),
    Listed("serve", "the page in a browser: drop captures, look, compare, hand on", "craftmark.web.verb"),
    Listed("share", "write scans' packets to hand on, own addresses anonymised", "craftmark.verbs.share"),
    Listed("sign", "draft a rule from a tool's captures, and try it", "craftmark.verbs.sign"),
    Listed("study", "what many captures hold, day by day, as tables and a page", "craftmark.verbs.study"),
    Listed("tools", "list the tools that rules describe, or explain one: tools show NAME", "craftmark.verbs.tools"),
    Listed("tui", "a case in the terminal, with mitmproxy's keys", "craftmark.tui.verb", extra="tui"),
    Listed("verify", "ask the claimed sources, by ping and the like, if you consent", "craftmark.verbs.verify"),
    Listed("watch", "tell the scans of a stream as they are over", "craftmark.verbs.watch"),
)


def verb_named(name: str) -> Listed | None:
    """Return the verb of that name, None if there is none."""
    return next((listed for listed in VERBS if listed.name == name), None)
