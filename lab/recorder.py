"""Run one mode between two captures: at the sender's interface and at the observation point."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from lab.truth import row_of
from lab.world import LAN_HOSTS, TARGET_HOSTS, Place, World

if TYPE_CHECKING:
    from lab.modes import Mode

HERE = Path(__file__).parent
ROOTS = Path("/opt/lab-roots")


class Capture:
    """tcpdump at one place, from entering to leaving the block."""

    def __init__(self, place: Place, path: Path) -> None:
        self.place, self.path = place, path

    def __enter__(self) -> Self:
        words = ["ip", "netns", "exec", self.place.namespace, "tcpdump", "-Z", "root", "-n", "-U", "-B", "32768"]
        words += ["--immediate-mode", "-i", self.place.interface, "-w", str(self.path)]
        self._tcpdump = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, start_new_session=True)
        while "listening" not in (line := self._tcpdump.stderr.readline()):
            if not line:
                raise OSError("tcpdump did not start")
        return self

    def __exit__(self, *_: object) -> None:
        self._tcpdump.send_signal(signal.SIGINT)
        self._tcpdump.communicate(timeout=10)


def filled(mode: Mode, world: World, place: Place, folder: Path) -> str:
    """Return a mode's command with the places of this world in it."""
    mac = world.gateway_mac(place)
    words = {
        "dev": place.interface, "ip": place.address, "gw": place.gateway, "gw_mac": mac,
        "gw_mac_": mac.replace(":", "-"),
        "target": TARGET_HOSTS[0], "tmp": str(folder), "lan": LAN_HOSTS[0], "python": sys.executable, "here": str(HERE),
        "net": ".".join(place.address.split(".")[:3]), "last": place.address.split(".")[-1],
    }  # fmt: skip
    return re.sub(r"\{(\w+)\}", lambda found: words.get(found[1], found[0]), mode.command)


def words_to_run(mode: Mode, command: str, place: Place) -> list[str]:
    """Return the argument list that runs a command in the sender's namespace, bounded in time."""
    inside = ["ip", "netns", "exec", place.namespace]
    bounded = ["timeout", "-k", "2", str(mode.limit_s)]
    if not mode.root:
        return [*inside, *bounded, "bash", "-c", command]
    root = ROOTS / mode.root  # mounts made after `ip netns exec` are gone with the command
    mounts = f'mount -t proc proc {root}/proc && mount --rbind /dev {root}/dev && exec "$@"'
    return [*inside, "bash", "-c", mounts, "lab", *bounded, "chroot", str(root), "bash", "-c", command]


def version_of(mode: Mode) -> str:
    """Return the version of the tool's Debian package, with the suite; the word "own" for what the lab wrote itself."""
    if not mode.package:
        return "own"
    words = ["dpkg-query", "-W", "-f", "${Version}", mode.package]
    if mode.root:
        words[1:1] = [f"--admindir={ROOTS / mode.root}/var/lib/dpkg"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return f"Debian {mode.root or 'bookworm'} {done.stdout.strip() or 'unknown'}"


def record(mode: Mode, world: World, folder: Path) -> list[tuple[Path, dict[str, Any]]]:
    """Run a mode; return its two captures with their truths, at the observation point first."""
    place, far = world.sender(mode.hops), world.receiver(mode.at)
    at_far, at_sender = folder / f"{mode.name}.pcap", folder / "sender" / f"{mode.name}.pcap"
    at_sender.parent.mkdir(exist_ok=True)
    command = filled(mode, world, place, folder)
    began = time.monotonic()
    with Capture(far, at_far), Capture(place, at_sender):
        done = subprocess.run(
            words_to_run(mode, command, place), capture_output=True, stdin=subprocess.DEVNULL, check=False
        )
        time.sleep(mode.settle_s)
    (folder / "logs").mkdir(exist_ok=True)
    (folder / "logs" / f"{mode.name}.txt").write_bytes(done.stdout[-4000:] + done.stderr[-4000:])
    facts = {
        "version": version_of(mode),
        "command": command,
        "rc": done.returncode,
        "seconds": round(time.monotonic() - began, 2),
    }
    own = {place.address} | {f"192.0.2.{16 * mode.hops + host}" for host in range(2, 7) if mode.hops}
    rows = []
    for path, mac, hops in ((at_far, world.last_hop_mac(mode.at), mode.hops), (at_sender, world.mac(place), 0)):
        rows.append((path, row_of(mode, path, mac, own, **facts, hops=hops)))
    return rows
