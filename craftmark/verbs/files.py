"""Files that verbs read and write beside captures. Results are written under a temporary name, renamed when whole.

So neither a full disk nor Ctrl-C leaves half a file behind, and what the target held before is lost only to the whole.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from craftmark.errors import ExitCode, SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator


def read_small(name: str, *, most: int) -> bytes:
    """Return a file's octets. Raises SourceError that names it if it cannot be read, or is longer than that."""
    try:
        with Path(name).open("rb") as stream:
            octets = stream.read(most + 1)
    except OSError as fault:
        code = ExitCode.NO_SUCH_INPUT if isinstance(fault, FileNotFoundError) else ExitCode.UNREADABLE
        raise SourceError(f"cannot be read: {fault.strerror or fault}", name=name, code=code) from fault
    if len(octets) > most:
        raise SourceError(f"is longer than {most:,} octets", name=name, code=ExitCode.UNREADABLE)
    return octets


def write_file(target: str, content: bytes) -> None:
    """Write a file whole or not at all. Raises SourceError that names the target."""
    with whole_file(target) as stream:
        stream.write(content)


@contextmanager
def whole_file(target: str) -> Iterator[BinaryIO]:
    """Yield what to write to; the target is there when the block ends, and as before if it does not end well.

    A device or a pipe is written to as it is. Raises SourceError that names the target for whatever the disk refuses.
    """
    path = Path(target)
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            with path.open("wb") as stream:
                yield stream
            return
        handle, unfinished = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as stream:
                yield stream
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
