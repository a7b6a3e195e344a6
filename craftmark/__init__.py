"""craftmark deciphers odd network scans: what was sent, which code made it, from how far, and what it could learn.

``craftmark.examine(paths)`` returns a ``Report``; ``craftmark.compare(one, other)`` tells how alike two markprints are
and returns a ``Likeness``. All are imported when asked for: ``import craftmark`` is cheap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from craftmark.assess.likeness import Likeness, compare
    from craftmark.pipeline import examine
    from craftmark.report.document import Report

__all__ = ["Likeness", "Report", "__version__", "compare", "examine"]

__version__ = "0.1.0"


#: Where the public names come from.
_HOMES = {
    "Likeness": "craftmark.assess.likeness",
    "Report": "craftmark.report.document",
    "compare": "craftmark.assess.likeness",
    "examine": "craftmark.pipeline",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from importlib import import_module  # noqa: PLC0415 - imported when asked for

        return getattr(import_module(_HOMES[name]), name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    return sorted(__all__)
