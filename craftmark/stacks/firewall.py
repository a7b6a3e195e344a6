"""What a firewall that tracks connections makes of a first packet, read from ``knowledge/firewalls/*.toml``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from craftmark.errors import RuleError
from craftmark.packets.fields import ICMP, TCP
from craftmark.stacks.stack import first_fit, knowledge_files, read_rules, read_table, tables_of, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable

    from craftmark.stacks.stack import BitRule

#: The verdict under which a firewall makes an entry for a first packet.
NEW = "NEW"


@dataclass(frozen=True, slots=True)
class Remembered:
    """Whether a firewall keeps state for a first packet like this; ``verdict`` is the firewall's own word for it."""

    firewall: str
    creates_state: bool
    source: str
    verdict: str = ""


@dataclass(frozen=True, slots=True)
class Setting:
    """How a firewall judges a first TCP packet under one of its settings."""

    name: str
    tcp: tuple[BitRule, ...]


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
    """One firewall that tracks connections."""

    id: str
    name: str
    source: str
    settings: tuple[Setting, ...]
    protocols: tuple[ProtocolVerdict, ...]


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
            verdict = first_fit(setting.tcp, control_bits)
            yield Remembered(f"{firewall.name}, {setting.name}", verdict == NEW, firewall.source, verdict)
    for row in firewall.protocols:
        if row.protocol == protocol and (verdict := row.judge(icmp if protocol == ICMP else None)):
            yield Remembered(firewall.name, verdict == NEW, row.source, verdict)


def read_firewall(entry: Traversable) -> Firewall:
    """Return one firewall of ``knowledge/firewalls``; RuleError says what is wrong with the file."""
    path, table = entry.name, read_table(entry)
    settings = tuple(
        Setting(text_of(setting, "setting", path=path), read_rules(setting.get("tcp"), path=path))
        for setting in tables_of(table, "settings", path=path)
    )
    others = tables_of(table, "protocols", path=path) if "protocols" in table else []
    protocols = tuple(_read_protocol(row, path=path) for row in others)
    id_, name, source = (text_of(table, key, path=path) for key in ("id", "name", "source"))
    return Firewall(id=id_, name=name, source=source, settings=settings, protocols=protocols)


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
