"""Run a program and tell its wall time, processor time and peak memory; POSIX, anonymous memory on Linux."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SAMPLE_S: Final = 0.02
_KIB: Final = 1024


@dataclass(frozen=True, slots=True)
class Measurement:
    """One run: seconds, seconds of processor, bytes of memory at most (anonymous where it can be told), output."""

    wall_s: float
    cpu_s: float
    memory: int
    code: int
    output: str


def run(command: Sequence[str], *, environment: Mapping[str, str] | None = None) -> Measurement:
    """Run a command to its end and measure it."""
    begin = time.perf_counter()
    with subprocess.Popen(
        list(command),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **(environment or {})},
    ) as child:
        peak = [0]
        watcher = threading.Thread(target=_watch, args=(child.pid, peak), daemon=True)
        watcher.start()
        tail = _drain(child)
        _, status, usage = os.wait4(child.pid, 0)
        wall_s = time.perf_counter() - begin
        child.returncode = os.waitstatus_to_exitcode(status)
        watcher.join()
    resident = usage.ru_maxrss * (1 if sys.platform == "darwin" else _KIB)
    return Measurement(wall_s, usage.ru_utime + usage.ru_stime, peak[0] or resident, child.returncode, tail)


def _drain(child: subprocess.Popen[bytes]) -> str:
    """Read all output and keep its end."""
    tail = b""
    assert child.stdout is not None
    while octets := child.stdout.read(1 << 16):
        tail = (tail + octets)[-4096:]
    return tail.decode("utf-8", "replace")


def _watch(pid: int, peak: list[int]) -> None:
    """Sample the anonymous memory of a process until it ends."""
    status = Path(f"/proc/{pid}/status")
    while True:
        try:
            lines = status.read_text(encoding="ascii").splitlines()
        except (OSError, UnicodeDecodeError):
            return
        anonymous = next((line for line in lines if line.startswith("RssAnon:")), None)
        if anonymous is None:
            return
        peak[0] = max(peak[0], int(anonymous.split()[1]) * _KIB)
        time.sleep(_SAMPLE_S)


def middle(runs: Sequence[Measurement]) -> Measurement:
    """Return the median of each figure over several runs; the output is the last one's."""
    return Measurement(
        wall_s=median(one.wall_s for one in runs),
        cpu_s=median(one.cpu_s for one in runs),
        memory=int(median(one.memory for one in runs)),
        code=max(one.code for one in runs),
        output=runs[-1].output,
    )
