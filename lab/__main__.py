"""`python -m lab OUT`: run the matrix in worlds of its own and write captures and truth.jsonl there.

Options: --only TEXT (modes whose name holds it), --jobs N (worlds side by side), --list (print the matrix),
--packages (print Debian's packages that it needs), --keep (replace the captures kept in the repository
by those in OUT).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import queue
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.kept import keep
from lab.modes import Mode, all_modes
from lab.recorder import HERE, ROOTS, record
from lab.world import IsolationError, World, sweep

if TYPE_CHECKING:
    from collections.abc import Iterator


#: What the lab itself runs.
NEEDED = ("ethtool", "iproute2", "iputils-ping", "nftables", "procps", "tcpdump")


@contextlib.contextmanager
def services(world: World) -> Iterator[None]:
    """Start the target's and the reactive host's services, and end them."""
    started = []
    for role in ("target", "reactive"):
        words = ["ip", "netns", "exec", world.prefix + role, sys.executable, str(HERE / "services.py"), role]
        started.append(subprocess.Popen(words, stdout=subprocess.PIPE, text=True, start_new_session=True))
    try:
        for service in started:
            service.stdout.readline()
        yield
    finally:
        for service in started:
            service.kill()
            service.wait()


def missing(mode: Mode) -> str | None:
    """Return the package, or the root folder of another suite, that a mode needs and this machine lacks."""
    if mode.root:
        return None if (ROOTS / mode.root / "usr").is_dir() else f"root of {mode.root}"
    if not mode.package:
        return None
    done = subprocess.run(["dpkg-query", "-W", mode.package], capture_output=True, check=False)
    return mode.package if done.returncode else None


def tell(row: dict[str, Any]) -> None:
    """Print what one run gave."""
    counts = f"{row['scan_packets']:6} of {row['packets']:6} packets"
    print(f"{row['name']:36} {counts} {row['seconds']:6.1f} s rc {row['rc']}", flush=True)


class Worker(threading.Thread):
    """One world that takes modes from the common queue until it is empty or told to stop."""

    def __init__(self, number: int, todo: queue.SimpleQueue[Mode], folder: Path, stop: threading.Event) -> None:
        super().__init__()
        self.number, self.todo, self.folder, self.stop = number, todo, folder, stop
        self.rows: list[tuple[Path, dict[str, Any]]] = []
        self.fault: BaseException | None = None
        self.done = threading.Event()

    def run(self) -> None:
        """Record until nothing is left."""
        try:
            with World(self.number) as world, services(world):
                world.warm([world.sender(hops) for hops in range(9)])
                while not self.stop.is_set():
                    mode = self.todo.get_nowait()
                    rows = record(mode, world, self.folder)
                    self.rows += rows
                    tell(rows[0][1])
        except queue.Empty:
            pass
        except BaseException as fault:  # noqa: BLE001 - carried to the main thread, which raises it
            self.fault = fault
            self.stop.set()
        finally:
            self.done.set()


def write_truths(rows: list[tuple[Path, dict[str, Any]]]) -> None:
    """Write one truth.jsonl per folder of captures, replacing the rows of the same name."""
    for folder in {path.parent for path, _ in rows}:
        listed = folder / "truth.jsonl"
        old = [json.loads(line) for line in listed.read_text().splitlines()] if listed.is_file() else []
        new = {row["name"]: row for path, row in rows if path.parent == folder}
        kept = {row["name"]: row for row in old} | new
        listed.write_text("".join(json.dumps(row) + "\n" for row in kept.values()))


def record_all(modes: list[Mode], folder: Path, jobs: int) -> None:
    """Record all modes, in so many worlds side by side; write what was recorded even when interrupted."""
    todo: queue.SimpleQueue[Mode] = queue.SimpleQueue()
    for mode in modes:
        todo.put(mode)
    stop = threading.Event()
    workers = [Worker(number, todo, folder, stop) for number in range(jobs)]
    try:
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.done.wait()
    finally:  # not join: a thread whose join was interrupted counts as ended (bpo-45274), its world still standing
        stop.set()
        for worker in workers:
            worker.done.wait()
        write_truths([row for worker in workers for row in worker.rows])
    for worker in workers:
        if worker.fault:
            raise worker.fault


def main() -> int:
    """Run the lab."""
    parser = argparse.ArgumentParser(prog="lab", description=__doc__)
    parser.add_argument("out", type=Path, nargs="?", default=HERE / "out")
    parser.add_argument("--only", default="")
    parser.add_argument("--jobs", type=int, default=2)
    for switch in ("--list", "--packages", "--keep"):
        parser.add_argument(switch, action="store_true")
    args = parser.parse_args()
    modes = [mode for mode in all_modes() if args.only in mode.name]
    if args.list:
        print("\n".join(f"{mode.name:34} {mode.tool:12} {mode.command}" for mode in modes))
    elif args.packages:
        print(" ".join(sorted({*NEEDED, *(mode.package for mode in modes if mode.package and not mode.root)})))
    elif args.keep:
        print(f"{keep(modes, args.out)} captures kept")
    else:
        return rebuild(modes, args.out, args.jobs)
    return 0


def rebuild(modes: list[Mode], out: Path, jobs: int) -> int:
    """Record what can be recorded here; return the exit code."""
    for wish in (signal.SIGINT, signal.SIGTERM):
        signal.signal(wish, signal.default_int_handler)
    lacking = {mode.name: what for mode in modes if (what := missing(mode))}
    if lacking:
        print(f"left out, not installed: {', '.join(sorted(set(lacking.values())))}", file=sys.stderr)
    able = [mode for mode in modes if mode.name not in lacking]
    out.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    try:
        sweep()
        record_all(able, out, jobs)
    except IsolationError as fault:
        print(f"lab: {fault}: nothing was sent", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("lab: interrupted; everything is taken down", file=sys.stderr)
        return 130
    print(f"{len(able)} modes in {time.monotonic() - began:.0f} s: {out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
