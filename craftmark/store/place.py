"""Where the user's cases are kept: CRAFTMARK_DATA_DIR, or the folder that the system has for programs' data.

XDG Base Directory Specification 0.8; ``%LOCALAPPDATA%`` on Windows; ``~/Library/Application Support`` on macOS.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def data_dir() -> Path:
    """Return the folder; it may not be there yet."""
    chosen = os.environ.get("CRAFTMARK_DATA_DIR")
    if chosen:
        return Path(chosen)
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA")
        return Path(base or Path.home()) / "craftmark" / "data"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "craftmark"
    base = os.environ.get("XDG_DATA_HOME")
    return Path(base or Path.home() / ".local" / "share") / "craftmark"
