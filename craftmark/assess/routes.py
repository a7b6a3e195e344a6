"""Routes that the user traced, read from what traceroute, tracert, mtr and scamper print, the last two also as JSON.

All of them name a number of hops and an address in every line.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final

from craftmark.errors import ExitCode, SourceError

if TYPE_CHECKING:
    from collections.abc import Iterable

_LINE: Final = re.compile(r"^\s*(\d{1,3})(?:\.\|--|[.\s])(.*)$")
_OF_MTR: Final = ".|--"
_ADDRESS: Final = re.compile(r"[0-9A-Fa-f:.]*[.:][0-9A-Fa-f:.]+")
_HEAD: Final = re.compile(r"\b(?:trace\w*|tracing)\b.*\bto\b(.*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Route:
    """A traced route: its target, None where the text names none, and the address that answered at each hop."""

    target: str | None
    hops: tuple[tuple[int, str], ...]

    @property
    def routers(self) -> int | None:
        """Routers between us and the target, None where it was not reached."""
        reached = [hop for hop, address in self.hops if address == self.target]
        return min(reached) - 1 if reached else None

    def at(self, hop: int) -> str | None:
        """Return the address that answered at a hop."""
        return next((address for number, address in self.hops if number == hop), None)


def read_routes(text: str, *, name: str) -> tuple[Route, ...]:
    """Return the routes of a text; SourceError where it holds none."""
    found = [route for route in (*_of_json(text), *_of_lines(text)) if route.hops]
    if not found:
        remedy = "give what traceroute, tracert, mtr or scamper printed"
        raise SourceError("no traced route in it", name=name, code=ExitCode.UNKNOWN_FORMAT, remedy=remedy)
    return tuple(found)


def _of_json(text: str) -> Iterable[Route]:
    if not text.lstrip().startswith("{"):
        return
    documents = [text] if "\n{" not in text.strip() else text.splitlines()
    for document in documents:
        try:
            made = json.loads(document)
        except ValueError:
            continue
        if isinstance(made, dict):
            yield _of_mtr(made["report"]) if isinstance(made.get("report"), dict) else _of_scamper(made)


def _of_mtr(report: dict[str, Any]) -> Route:
    about, hubs = report.get("mtr"), report.get("hubs")
    target = _address(str(about.get("dst", ""))) if isinstance(about, dict) else None
    return _route(target, [(hub.get("count"), hub.get("host")) for hub in _dicts(hubs)])


def _of_scamper(trace: dict[str, Any]) -> Route:
    hops = [(hop.get("probe_ttl"), hop.get("addr")) for hop in _dicts(trace.get("hops"))]
    return _route(_address(str(trace.get("dst", ""))), hops)


def _dicts(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _of_lines(text: str) -> Iterable[Route]:
    target: str | None = None
    hops: list[tuple[object, object]] = []
    headed = False
    for line in text.splitlines():
        if head := _HEAD.search(line):
            yield _route(target, hops)
            target, hops, headed = _address(head[1]), [], True
        elif (hop := _LINE.match(line)) and (headed or _OF_MTR in line):
            hops.append((hop[1], hop[2]))
    yield _route(target, hops)


def _route(target: str | None, hops: Iterable[tuple[object, object]]) -> Route:
    kept = []
    for number, text in hops:
        address = _address(str(text))
        if address is not None and str(number).isdigit() and 0 < int(str(number)) <= 255:
            kept.append((int(str(number)), address))
    return Route(target, tuple(kept))


def _address(text: str) -> str | None:
    """Return the first address in a text; of a name with its address, the address."""
    for candidate in _ADDRESS.findall(text):
        try:
            return str(ip_address(candidate.strip(".")))
        except ValueError:
            continue
    return None
