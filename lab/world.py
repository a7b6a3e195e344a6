"""The lab's world: namespaces joined by veth links, with one to eight real routers between sender and target.

Nothing leads out of it: every interface is a veth whose both ends lie in namespaces made here, and no namespace has a
default route. `World` refuses to exist where that cannot be had, and takes everything down however its block ends.

    s1 .. s8   senders; sN reaches everything through N routers: sN - rN - r(N-1) - ... - r1
    target     198.51.100.10 to .13 behind r1, a live host: services, closed ports, two filters
    telescope  owns 203.0.113.0/24 and 198.18.0.0/16, answers nothing
    reactive   owns 198.19.0.0/24, its stack accepts a connection on every port of every address
    lana lanb  two hosts on one link: 192.168.77.2, and 192.168.77.10 to .12
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

ROUTERS = range(1, 9)
PREFIX = "craftmark-lab-"
#: How often the processes of a namespace are looked for before it is deleted.
TRIES = 5
#: What lies behind the first router.
FAR_NETS = ("198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/16", "198.19.0.0/24")
TARGET_HOSTS = tuple(f"198.51.100.{host}" for host in range(10, 14))
LAN_HOSTS = tuple(f"192.168.77.{host}" for host in range(10, 13))
#: Made-up sources are answered by the target; the first router swallows those answers.
EVERYTHING_ELSE = ("0.0.0.0/1", "128.0.0.0/1")
SYSCTLS = (
    "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1", "net.ipv4.conf.all.rp_filter=0",
    "net.ipv4.conf.default.rp_filter=0", "net.ipv4.conf.all.send_redirects=0",
    "net.ipv4.conf.default.send_redirects=0", "net.ipv4.ping_group_range=0 2147483647",
)  # fmt: skip
UNLOADED = "tx off gso off tso off gro off"
#: On .11 everything but 22 and 80 is dropped; on .12 it is rejected, as two common firewalls do.
FILTER = """
table ip lab {
  chain input {
    type filter hook input priority 0;
    ip daddr 198.51.100.11 tcp dport != { 22, 80 } drop
    ip daddr 198.51.100.11 meta l4proto != tcp drop
    ip daddr 198.51.100.12 tcp dport != { 22, 80 } reject with tcp reset
    ip daddr 198.51.100.12 udp dport != 53 reject
  }
}
"""
REDIRECT = """
table ip lab {
  chain pre {
    type nat hook prerouting priority -100
    tcp dport 1-65535 redirect to :8080
  }
}
"""


class IsolationError(RuntimeError):
    """The lab cannot be shut off from the outside here, so nothing is sent."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a command runs or a capture is made: a namespace and its interface, address and gateway."""

    namespace: str
    interface: str
    address: str = ""
    gateway: str = ""


def run(*words: str, stdin: str | None = None) -> str:
    """Run a program to its end and return what it printed; raise with its last words where it fails."""
    done = subprocess.run(words, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        raise IsolationError(f"{' '.join(words)}: {done.stderr.strip() or done.returncode}")
    return done.stdout


def sweep() -> None:
    """Take down what a lab left behind whose process is gone (killed before it could clean up)."""
    for line in run("ip", "netns", "list").splitlines():
        name = line.split()[0]
        if name.startswith(PREFIX) and not Path(f"/proc/{name.removeprefix(PREFIX).split('-')[0]}").exists():
            take_down(name)


def take_down(namespace: str) -> None:
    """End what runs in a namespace of the lab and delete it.

    The list of its processes may fail where one of them ends meanwhile: it is asked for again.
    """
    for _ in range(TRIES):
        listed = subprocess.run(["ip", "netns", "pids", namespace], capture_output=True, text=True, check=False)
        for pid in listed.stdout.split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        if listed.returncode == 0 and not listed.stdout.split():
            break
    with contextlib.suppress(IsolationError):
        run("ip", "netns", "del", namespace)


class World:
    """A context: made on entering, shown to be shut off, and gone after leaving."""

    def __init__(self, number: int = 0) -> None:
        self.prefix = f"{PREFIX}{os.getpid()}-{number}-"
        self._made: list[str] = []
        self._links: list[tuple[str, str]] = []
        self._wanted: dict[str, list[str]] = defaultdict(list)

    def __enter__(self) -> Self:
        if os.geteuid() or not shutil.which("ip"):
            raise IsolationError("the lab needs root and iproute2, to make namespaces of its own")
        try:
            self._build()
            self._prove_shut_off()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End all processes inside and delete all namespaces; their links go with them."""
        while self._made:
            take_down(self._made.pop())

    def sender(self, hops: int) -> Place:
        """Return the sender from which the target is `hops` routers away; 0 is the LAN's."""
        if hops == 0:
            return Place(self.prefix + "lana", "lan0", "192.168.77.2")
        return Place(f"{self.prefix}s{hops}", f"s{hops}", f"192.0.2.{16 * hops + 2}", f"192.0.2.{16 * hops + 1}")

    def receiver(self, at: str) -> Place:
        """Return the observation point of that name: target, telescope, reactive or lan."""
        return Place(self.prefix + {"lan": "lanb"}.get(at, at), {"lan": "lan0"}.get(at, "eth0"))

    def gateway_mac(self, place: Place) -> str:
        """Return the hardware address of a sender's gateway, for tools that write frames; empty on the LAN."""
        if not place.gateway:
            return ""
        router = f"{self.prefix}r{place.interface[1:]}"
        return hardware_address(router, place.interface)

    def mac(self, place: Place) -> str:
        """Return the hardware address of a place's own interface."""
        return hardware_address(place.namespace, place.interface)

    def last_hop_mac(self, at: str) -> str:
        """Return the hardware address from which everything a sender sent arrives at an observation point."""
        if at == "lan":
            return self.mac(self.sender(0))
        return hardware_address(self.prefix + "r1", {"target": "t0", "telescope": "t1", "reactive": "t2"}[at])

    def _namespace(self, name: str) -> None:
        run("ip", "netns", "add", self.prefix + name)
        self._made.append(self.prefix + name)
        self._want(name, "link set lo up")
        forward = f"net.ipv4.ip_forward={int(name.startswith('r') and name[1:].isdigit())}"
        run("ip", "netns", "exec", self.prefix + name, "sysctl", "-qw", forward, *SYSCTLS)

    def _want(self, name: str, command: str) -> None:
        """Note a command of `ip` for a namespace; `_settle` runs them all, one call per namespace."""
        self._wanted[self.prefix + name].append(command)

    def _settle(self) -> None:
        for namespace, commands in self._wanted.items():
            run("ip", "-n", namespace, "-batch", "-", stdin="".join(f"{command}\n" for command in commands))
        self._wanted.clear()
        if not shutil.which("ethtool"):
            return
        for namespace in self._made:  # checksums as on a wire, one packet per frame
            ends = [device for where, device in self._links if where == namespace]
            words = "".join(f"ethtool -K {device} {UNLOADED}\n" for device in ends)
            run("ip", "netns", "exec", namespace, "sh", "-e", stdin=words)

    def _link(self, one: str, device: str, other: str, peer: str) -> None:
        ends = ((self.prefix + one, device), (self.prefix + other, peer))
        run("ip", "link", "add", device, "netns", ends[0][0], "type", "veth", "peer", "name", peer, "netns", ends[1][0])
        self._links += ends
        self._want(one, f"link set {device} up")
        self._want(other, f"link set {peer} up")

    def _address(self, name: str, device: str, *addresses: str) -> None:
        for address in addresses:
            self._want(name, f"address add {address} dev {device}")

    def _routes(self, name: str, via: str, *nets: str) -> None:
        for net in nets:
            self._want(name, f"route add {net} via {via}")

    def _build(self) -> None:
        hosts = ("target", "telescope", "reactive", "lana", "lanb")
        for name in (*(f"r{n}" for n in ROUTERS), *(f"s{n}" for n in ROUTERS), *hosts):
            self._namespace(name)
        self._build_far_side()
        for n in ROUTERS:
            self._build_hop(n)
        self._link("lana", "lan0", "lanb", "lan0")
        self._address("lana", "lan0", "192.168.77.2/24")
        self._address("lanb", "lan0", *(f"{host}/24" for host in LAN_HOSTS))
        self._settle()
        run("ip", "netns", "exec", self.prefix + "target", "nft", "-f", "-", stdin=FILTER)
        run("ip", "netns", "exec", self.prefix + "reactive", "nft", "-f", "-", stdin=REDIRECT)

    def _build_far_side(self) -> None:
        for number, name in enumerate(("target", "telescope", "reactive")):
            self._link("r1", f"t{number}", name, "eth0")
        self._address("r1", "t0", "198.51.100.1/24")
        self._address("target", "eth0", *(f"{host}/24" for host in TARGET_HOSTS))
        self._routes("target", "198.51.100.1", *EVERYTHING_ELSE)
        for number, name, nets in ((1, "telescope", FAR_NETS[1:3]), (2, "reactive", FAR_NETS[3:])):
            self._address("r1", f"t{number}", f"10.77.10{number}.1/30")
            self._address(name, "eth0", f"10.77.10{number}.2/30")
            self._routes("r1", f"10.77.10{number}.2", *nets)
        self._routes("reactive", "10.77.102.1", *EVERYTHING_ELSE)
        self._want("reactive", f"route add local {FAR_NETS[3]} dev lo")

    def _build_hop(self, n: int) -> None:
        router, sender = f"r{n}", f"s{n}"
        self._link(sender, sender, router, sender)
        first = 16 * n
        self._address(router, sender, f"192.0.2.{first + 1}/28")
        self._address(sender, sender, *(f"192.0.2.{first + host}/28" for host in range(2, 7)))
        self._routes(sender, f"192.0.2.{first + 1}", *FAR_NETS)
        if n == 1:
            for net in EVERYTHING_ELSE:
                self._want(router, f"route add blackhole {net}")
            return
        self._link(f"r{n - 1}", f"u{n}", router, f"d{n}")
        self._address(f"r{n - 1}", f"u{n}", f"10.77.{n}.1/30")
        self._address(router, f"d{n}", f"10.77.{n}.2/30")
        self._routes(router, f"10.77.{n}.1", *FAR_NETS)
        for nearer in range(1, n):  # every router nearer to the target knows the way back
            self._routes(f"r{nearer}", f"10.77.{nearer + 1}.2", f"192.0.2.{first}/28")

    def _prove_shut_off(self) -> None:
        """Raise unless every interface is a link made here and no namespace has a default route."""
        ours = {(namespace, device) for namespace, device in self._links}
        for namespace in self._made:
            shown = run("ip", "-n", namespace, "-brief", "link").splitlines()
            devices = {line.split()[0].split("@")[0] for line in shown} - {"lo"}
            strangers = [device for device in devices if (namespace, device) not in ours]
            if strangers or run("ip", "-n", namespace, "route", "show", "default", "table", "all").strip():
                raise IsolationError(f"{namespace} is not shut off: {strangers or 'it has a default route'}")

    def warm(self, senders: list[Place]) -> None:
        """Let every neighbour on the way be known, so that no probe waits for an ARP answer."""
        for place in senders:
            to = "198.51.100.10" if place.gateway else "192.168.77.10"
            with contextlib.suppress(IsolationError):
                run("ip", "netns", "exec", place.namespace, "ping", "-q", "-c", "1", "-W", "2", to)
        for name, to in (("telescope", "10.77.101.1"), ("reactive", "10.77.102.1")):
            with contextlib.suppress(IsolationError):
                run("ip", "netns", "exec", self.prefix + name, "ping", "-q", "-c", "1", "-W", "2", to)
        time.sleep(0.2)


def hardware_address(namespace: str, device: str) -> str:
    """Return an interface's MAC address."""
    return run("ip", "netns", "exec", namespace, "cat", f"/sys/class/net/{device}/address").strip()
