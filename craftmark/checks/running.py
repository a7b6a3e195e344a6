"""Running the programs of checks, one after the other, never through a shell."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import time
from typing import TYPE_CHECKING, Final

from craftmark.checks.base import Ran
from craftmark.checks.programs import PROGRAMS, Machine

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Longest run of one program; a traced way of 30 silent routers takes 60 s.
LIMIT_S: Final = 90
#: Characters of a program's words that are kept.
KEPT: Final = 4_000


def this_machine() -> Machine:
    """Return what this machine is and which programs it has."""
    names = {one.name for one in PROGRAMS}
    is_root = not hasattr(os, "geteuid") or os.geteuid() == 0
    return Machine(platform.system(), is_root, frozenset(name for name in names if shutil.which(name)))


def run_program(command: Sequence[str]) -> Ran:
    """Run a program to its end, or stop it; return its words."""
    asked_ns = time.time_ns()
    environment = {**os.environ, "LC_ALL": "C", "LANG": "C"}
    try:
        done = subprocess.run(  # noqa: S603 - words of our own and an address as ipaddress writes it
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=LIMIT_S,
            check=False,
            env=environment,
        )
    except subprocess.TimeoutExpired as stopped:
        return Ran(None, _text(stopped.stdout or b""), asked_ns)
    except OSError as fault:
        return Ran(None, fault.strerror or str(fault), asked_ns)
    return Ran(done.returncode, _text(done.stdout), asked_ns)


def _text(output: bytes) -> str:
    return output.decode("utf-8", errors="replace")[:KEPT]
