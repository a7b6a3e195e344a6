"""craftmark deciphers odd network scans: what was sent, which code made it, from how far, and what it could learn.

``craftmark.examine(paths)`` returns a ``Report``. Both are imported when asked for: ``import craftmark`` is cheap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from craftmark.pipeline import examine
    from craftmark.report.document import Report

__all__ = ["Report", "__version__", "examine"]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name == "Report":
        from craftmark.report.document import Report  # noqa: PLC0415 - imported when asked for

        return Report
    if name == "examine":
        from craftmark.pipeline import examine  # noqa: PLC0415 - imported when asked for

        return examine
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    return sorted(__all__)
