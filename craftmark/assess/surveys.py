"""Networks that the user knows as those of surveys: research projects, search engines of hosts, a scanner of their own.

A list has one network (or address) per line, and after a space, a tab or a comma the name of who surveys from there;
what follows ``#`` is a comment. Lists like this are published by the projects themselves; craftmark ships none.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from craftmark.errors import ExitCode, SourceError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Surveys:
    """Names by network: IP version and prefix length, then the network's first address as a number."""

    names: Mapping[tuple[int, int], Mapping[int, str]]

    def name_of(self, address: str) -> str | None:
        """Return who surveys from an address by the longest prefix that holds it, None where nobody is known to."""
        known = ip_address(address)
        bits = known.max_prefixlen
        for version, length in sorted(self.names, reverse=True):
            first = int(known) >> (bits - length) << (bits - length)
            if version == known.version and first in self.names[version, length]:
                return self.names[version, length][first]
        return None


def read_surveys(text: str, *, name: str) -> Surveys:
    """Return a list's networks; SourceError names the line that cannot be read, or a list without any."""
    names: dict[tuple[int, int], dict[int, str]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].replace(",", " ").split(maxsplit=1)
        if not words:
            continue
        try:
            network = ip_network(words[0], strict=False)
        except ValueError:
            raise _fault(f"line {number}: {words[0][:60]!a} is no network", name) from None
        who = words[1].strip() if len(words) > 1 else "a network in the list"
        names.setdefault((network.version, network.prefixlen), {})[int(network.network_address)] = who
    if not names:
        raise _fault("no network in it", name)
    return Surveys(names)


def _fault(what: str, name: str) -> SourceError:
    remedy = "write one network per line, and who surveys from there"
    return SourceError(what, name=name, code=ExitCode.UNKNOWN_FORMAT, remedy=remedy)
