"""What a firewall makes of a first packet, read from ``knowledge/firewalls/*.toml``.

A measured firewall's tables cover all combinations of control bits; a documented one says only what its source says.
``[[entries]]`` tell what a NEW packet leaves behind, by what the target does.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from craftmark.errors import RuleError
from craftmark.packets.fields import ICMP, TCP
from craftmark.stacks.stack import knowledge_files, read_pattern, read_rules, read_table, tables_of, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable

    from craftmark.stacks.stack import BitRule

#: The verdict under which a firewall makes an entry for a first packet.
NEW = "NEW"


@dataclass(frozen=True, slots=True)
class Remembered:
    """Whether a firewall keeps state for a first packet like this; ``verdict`` is the firewall's own word for it.

    entry: what becomes of the entry, by what the target does, in words; "" where there is none or it is not known.
    meets: what such a segment does to the entry of a connection that it meets. logged: whether the firewall logs it.
    """

    firewall: str
    creates_state: bool
    source: str
    verdict: str = ""
    entry: str = ""
    meets: str = ""
    logged: str = ""


@dataclass(frozen=True, slots=True)
class Setting:
    """How a firewall judges a first TCP packet under one of its settings."""

    name: str
    tcp: tuple[BitRule, ...]

    def verdict(self, control_bits: int) -> str:
        """Return the firewall's word for a segment, "" where nothing is known."""
        return next((rule.answer for rule in self.tcp if rule.fits(control_bits)), "")


@dataclass(frozen=True, slots=True)
class Entry:
    """What a NEW packet leaves behind at a target that is silent, open or closed; state "" is no entry."""

    must: int
    clear: int
    target: str
    state: str
    seconds: int


@dataclass(frozen=True, slots=True)
class Meeting:
    """What a segment does to the entry of an established connection; ``numbers``: the connection's own, or made up."""

    numbers: str
    tcp: tuple[BitRule, ...]

    def outcome(self, control_bits: int) -> str:
        """Return what becomes of the entry, "" where nothing is known."""
        return next((rule.answer for rule in self.tcp if rule.fits(control_bits)), "")


@dataclass(frozen=True, slots=True)
class ProtocolVerdict:
    """How a firewall judges a first packet of another protocol; ``icmp_types`` empty: whatever the type."""

    protocol: int
    icmp_types: tuple[int, ...]
    verdict: str
    otherwise: str
    source: str

    def judge(self, icmp: tuple[int, int] | None) -> str:
        """Return the verdict, "" where the type is needed but not known."""
        if not self.icmp_types:
            return self.verdict
        if icmp is None:
            return ""
        return self.verdict if icmp[0] in self.icmp_types else self.otherwise


@dataclass(frozen=True, slots=True)
class Firewall:
    """One firewall: its verdicts under each setting, what its entries become, and what it logs, in words."""

    id: str
    name: str
    source: str
    settings: tuple[Setting, ...]
    protocols: tuple[ProtocolVerdict, ...]
    entries: tuple[Entry, ...] = ()
    meetings: tuple[Meeting, ...] = ()
    logged: str = ""

    def meets(self, control_bits: int) -> str:
        """Return in words what a segment does to the entry of an established connection, "" where it is not known."""
        found = [(one.outcome(control_bits), one.numbers) for one in self.meetings]
        return "; ".join(f"{outcome}, if its numbers are {numbers}" for outcome, numbers in found if outcome)

    def entries_of(self, control_bits: int) -> dict[str, Entry]:
        """Return what a NEW segment leaves behind, by what the target does."""
        fitting = (one for one in self.entries if control_bits & one.must == one.must and not control_bits & one.clear)
        found: dict[str, Entry] = {}
        for one in fitting:
            found.setdefault(one.target, one)
        return found


def remember(
    protocol: int, control_bits: int | None, *, icmp: tuple[int, int] | None = None, ip_version: int = 4
) -> list[Remembered]:
    """Return what each known firewall remembers of a first packet like this; empty where nothing is known.

    The rows were measured, or are documented, for IPv4.
    """
    if ip_version != 4:
        return []
    return [row for firewall in firewalls() for row in _rows(firewall, protocol, control_bits, icmp=icmp)]


def _rows(
    firewall: Firewall, protocol: int, control_bits: int | None, *, icmp: tuple[int, int] | None
) -> Iterator[Remembered]:
    if protocol == TCP and control_bits is not None:
        for setting in firewall.settings:
            if verdict := setting.verdict(control_bits):
                entry = _entry_in_words(firewall.entries_of(control_bits)) if verdict == NEW else ""
                more = (firewall.meets(control_bits), firewall.logged)
                yield Remembered(
                    f"{firewall.name}, {setting.name}", verdict == NEW, firewall.source, verdict, entry, *more
                )
    for row in firewall.protocols:
        if row.protocol == protocol and (verdict := row.judge(icmp if protocol == ICMP else None)):
            yield Remembered(firewall.name, verdict == NEW, row.source, verdict)


def _entry_in_words(entries: dict[str, Entry]) -> str:
    return "; ".join(
        f"{one.state} for {one.seconds} s at {target} target" if one.state else f"gone after the answer of {target} one"
        for target, one in (
            ("a silent", entries.get("silent")),
            ("an open", entries.get("open")),
            ("a closed", entries.get("closed")),
        )
        if one is not None
    )


def read_firewall(entry: Traversable) -> Firewall:
    """Return one firewall of ``knowledge/firewalls``; RuleError says what is wrong with the file."""
    path, table = entry.name, read_table(entry)
    complete = table.get("basis") != "documented"
    settings = tuple(
        Setting(text_of(setting, "setting", path=path), read_rules(setting.get("tcp"), path=path, complete=complete))
        for setting in tables_of(table, "settings", path=path)
    )
    left = tables_of(table, "entries", path=path) if "entries" in table else []
    others = tables_of(table, "protocols", path=path) if "protocols" in table else []
    protocols = tuple(_read_protocol(row, path=path) for row in others)
    met = tables_of(table, "meetings", path=path) if "meetings" in table else []
    meetings = tuple(
        Meeting(text_of(row, "numbers", path=path), read_rules(row.get("tcp"), path=path, complete=complete))
        for row in met
    )
    id_, name, source = (text_of(table, key, path=path) for key in ("id", "name", "source"))
    entries = tuple(_read_entry(row, path=path) for row in left)
    return Firewall(id_, name, source, settings, protocols, entries, meetings, _read_logged(table, path=path))


def _read_logged(table: dict[str, object], *, path: str) -> str:
    """Return what a firewall logs, with where that is known from; "" where the file does not say."""
    if "logged" not in table:
        return ""
    return f"{text_of(table, 'logged', path=path)} [{text_of(table, 'logged_source', path=path)}]"


def _read_entry(row: dict[str, object], *, path: str) -> Entry:
    seconds = row.get("seconds")
    if not isinstance(seconds, int):
        raise RuleError("'seconds' of an entry is no number", path=path)
    when, target, state = (text_of(row, key, path=path) for key in ("when", "target", "state"))
    return Entry(*read_pattern(when, path=path), target, state, seconds)


def _read_protocol(row: dict[str, object], *, path: str) -> ProtocolVerdict:
    protocol, types = row.get("protocol"), row.get("icmp_types", [])
    if not isinstance(protocol, int) or not isinstance(types, list) or not all(isinstance(one, int) for one in types):
        raise RuleError("'protocol' or 'icmp_types' are no numbers", path=path)
    otherwise = text_of(row, "otherwise", path=path) if types else ""
    verdict, source = text_of(row, "verdict", path=path), text_of(row, "source", path=path)
    return ProtocolVerdict(protocol, tuple(types), verdict, otherwise, source)


@lru_cache(maxsize=1)
def firewalls() -> tuple[Firewall, ...]:
    """Return all known firewalls, read once."""
    return tuple(read_firewall(entry) for entry in knowledge_files("firewalls"))
