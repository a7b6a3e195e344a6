"""The programs that checks are made with: how each is asked, how much it sends at most, and what its words mean.

Manuals: ping(8) of iputils 20221126, macOS and Windows; traceroute(8) 2.1.2; hping3(8) 3.0.0-alpha-2; nmap 7.93
(host discovery and OS detection in its reference guide). Words are read in English: the runner asks for the C locale.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from craftmark.assess.routes import read_routes
from craftmark.checks.base import Check, Kind, Reading
from craftmark.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable

#: Echo requests per address: one can get lost.
ECHOES: Final = 2
#: The port that a lone ACK goes to: any host that follows RFC 9293 resets it, open or closed (section 3.10.7).
ACK_PORT: Final = 80
#: Ports that the detection of systems looks at; it needs an open and a closed one.
SYSTEM_PORTS: Final = "22,80,443,33434"
#: Packets of nmap's detection at one try: 34 to a live host in the lab, 32 to a silent one, more where some get lost.
SYSTEM_PACKETS: Final = 60
#: Routers to look past at most.
FARTHEST: Final = 30

_TTL: Final = re.compile(r"\b(?:ttl|hlim)[= ](\d{1,3})\b", re.IGNORECASE)
_UNREACHABLE: Final = re.compile(r"unreachable|prohibited|time to live exceeded|ttl expired", re.IGNORECASE)
_SYSTEM: Final = re.compile(
    r"^(?:OS details|Aggressive OS guesses|Running(?: \(JUST GUESSING\))?): (.+)$", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Machine:
    """What this machine is and has: its system as ``platform.system()`` names it, root or not, programs by name."""

    system: str
    is_root: bool
    programs: frozenset[str]


@dataclass(frozen=True, slots=True)
class Program:
    """One way to make one kind of check; ``needs_root`` on systems that have it, ``speaks``: IP versions."""

    kind: Kind
    name: str
    asks: str
    words: Callable[[str, Machine, int], tuple[str, ...]]
    packets: Callable[[Machine, int], int]
    needs_root: bool = False
    speaks: tuple[int, ...] = (4, 6)

    def runs_on(self, machine: Machine, version: int) -> bool:
        """Tell whether the program is here, may be used, and speaks the IP version."""
        here = self.name in machine.programs and version in self.speaks
        return here and (machine.is_root or not self.needs_root)

    def check(self, address: str, machine: Machine, farthest: int) -> Check:
        """Return the check of one address; ``farthest``: routers to look past at most."""
        words = self.words(address, machine, farthest)
        return Check(address, self.kind, self.name, words, self.packets(machine, farthest), self.asks)


def program_for(kind: Kind, address: str, machine: Machine) -> Program | None:
    """Return the first program that can make a check of this kind here, None where there is none."""
    version = ip_address(address).version
    return next((one for one in PROGRAMS if one.kind == kind and one.runs_on(machine, version)), None)


def read(check: Check, output: str) -> Reading:
    """Return what a program said about the address it was asked about."""
    if check.kind == "trace":
        return _read_trace(output)
    if check.kind == "system":
        return _read_system(output)
    anywhere = check.program == "nmap" or ":" in check.address  # neither repeats the address as it was written
    lines = [line for line in output.splitlines() if anywhere or check.address in line]
    ttls = [int(found[1]) for line in lines if (found := _TTL.search(line)) and not _UNREACHABLE.search(line)]
    kept = tuple(dict.fromkeys(ttl for ttl in ttls if ttl <= 255))
    return Reading(bool(kept), not kept and _UNREACHABLE.search(output) is not None, kept)


def _read_trace(output: str) -> Reading:
    try:
        routes = read_routes(output, name="traceroute")
    except SourceError:
        return Reading()
    routers = next((route.routers for route in routes if route.routers is not None), None)
    return Reading(answered=routers is not None, routers=routers)


def _read_system(output: str) -> Reading:
    named = _SYSTEM.search(output)
    answered = "/tcp" in output and re.search(r"/tcp\s+(?:open|closed)\b", output) is not None
    return Reading(answered=answered, system=named[1].strip()[:200] if named else "")


def _ping(address: str, machine: Machine, _farthest: int) -> tuple[str, ...]:
    if machine.system == "Windows":
        return ("ping", "-n", str(ECHOES), "-w", "2000", address)
    if machine.system == "Linux":
        return ("ping", "-n", "-c", str(ECHOES), "-W", "2", address)
    return ("ping6" if ":" in address else "ping", "-n", "-c", str(ECHOES), address)


def _hping(address: str, _machine: Machine, _farthest: int) -> tuple[str, ...]:
    return ("hping3", "-n", "-c", "1", "-A", "-p", str(ACK_PORT), address)


def _nmap_ack(address: str, _machine: Machine, _farthest: int) -> tuple[str, ...]:
    return _nmap(address, "-sn", "--disable-arp-ping", "--reason", "-v", "--max-retries", "0", f"-PA{ACK_PORT}")


def _nmap_system(address: str, _machine: Machine, _farthest: int) -> tuple[str, ...]:
    limits = ("--max-os-tries", "1", "--max-retries", "1")
    return _nmap(address, "-Pn", "--disable-arp-ping", "-O", *limits, "-p", SYSTEM_PORTS)


def _nmap(address: str, *words: str) -> tuple[str, ...]:
    return ("nmap", "-n", *(("-6",) if ":" in address else ()), *words, address)


def _traceroute(address: str, machine: Machine, farthest: int) -> tuple[str, ...]:
    one_by_one = ("-N", "1") if machine.system == "Linux" else ()
    program = "traceroute6" if ":" in address and machine.system != "Linux" else "traceroute"
    return (program, "-n", "-q", "1", *one_by_one, "-w", "2", "-m", str(farthest), address)


def _tracert(address: str, _machine: Machine, farthest: int) -> tuple[str, ...]:
    return ("tracert", "-d", "-w", "2000", "-h", str(farthest), address)


PROGRAMS: Final = (
    Program("ping", "ping", "is it up, from how far does it answer", _ping, lambda _, __: ECHOES),
    Program("ack", "hping3", "is it up where echo is filtered", _hping, lambda _, __: 1, needs_root=True, speaks=(4,)),
    Program("ack", "nmap", "is it up where echo is filtered", _nmap_ack, lambda _, __: 1, needs_root=True),
    Program("trace", "traceroute", "how many routers lie on the way", _traceroute, lambda _, farthest: farthest),
    Program("trace", "tracert", "how many routers lie on the way", _tracert, lambda _, farthest: 3 * farthest),
    Program("system", "nmap", "what system answers", _nmap_system, lambda _, __: SYSTEM_PACKETS, needs_root=True),
)
