"""Writing results to files: under a temporary name beside the target, renamed when whole."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from craftmark.errors import ExitCode, SourceError


def write_file(target: str, content: bytes) -> None:
    """Write a file whole or not at all. Raises SourceError that names the target."""
    path = Path(target)
    try:
        handle, unfinished = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
            Path(unfinished).chmod(0o666 & ~_umask())
            Path(unfinished).replace(path)
        except BaseException:
            Path(unfinished).unlink(missing_ok=True)
            raise
    except OSError as fault:
        what = f"cannot be written: {fault.strerror or fault}"
        raise SourceError(what, name=target, code=ExitCode.UNREADABLE) from fault


def _umask() -> int:
    """Return the permissions that new files lack; there is no way to ask but to set it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
