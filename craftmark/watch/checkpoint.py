"""What a watcher knows, saved whole or not at all, so that one that starts again goes on where it stood.

Evidence of all that is open, what was counted and told, and how far which input was read. One file, written under a
temporary name beside it and renamed. It is saved right behind what was told, so that a crash between the two tells the
same ids once more, and nothing is lost or counted twice.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections import Counter, OrderedDict
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from craftmark.errors import EvidenceError, ExitCode, SourceError
from craftmark.evidence.saved import read_back, save
from craftmark.sources.base import Damage, Provenance
from craftmark.watch.watcher import KEY, Totals, Watcher

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from craftmark.evidence.fold import Evidence
    from craftmark.packets.expressions import Expression

_FORM: Final = "craftmark.watch/1"
_STATE: Final = "state.json"
_EVIDENCE: Final = "evidence.npz"


@dataclass(slots=True)
class Position:
    """How far the inputs were read: how many were begun, which of a folder are done, and the one that is not.

    known: identities of files read to their end. current: of the one being read; ``rows``: its packets counted so far.
    """

    inputs: int = 0
    known: set[str] = field(default_factory=set)
    current: str = ""
    rows: int = 0
    damage: int = 0


def write(path: Path, watcher: Watcher, position: Position) -> None:
    """Save a watcher's state; raises SourceError where that cannot be."""
    octets = io.BytesIO()
    with zipfile.ZipFile(octets, "w") as archive:
        archive.writestr(_STATE, json.dumps(_state(watcher, position)))
        archive.writestr(_EVIDENCE, save(watcher.stream.evidence))
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        unfinished.write_bytes(octets.getvalue())
        unfinished.replace(path)
    except OSError as fault:
        what = f"cannot be written: {fault.strerror or fault}"
        raise SourceError(what, name=str(path), code=ExitCode.UNREADABLE) from fault


def read(path: Path, watcher: Watcher, relations: Mapping[str, Expression]) -> Position:
    """Bring a new watcher into a saved state and return how far it had read; nothing where there is no file yet.

    Raises SourceError for a file that is no saved state.
    """
    if not path.exists():
        return Position()
    try:
        with zipfile.ZipFile(path) as archive:
            state = json.loads(archive.read(_STATE))
            if state.pop("form") == _FORM:
                return _resume(watcher, state, read_back(archive.read(_EVIDENCE), relations))
        fault: Exception = ValueError("it is of another form")
    except (EvidenceError, OSError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile) as raised:
        fault = raised
    what = f"holds no state of a watch that can be read: {fault}"
    remedy = "name another file, or remove this one to begin anew"
    raise SourceError(what, name=str(path), code=ExitCode.UNREADABLE, remedy=remedy) from fault


def _state(watcher: Watcher, position: Position) -> dict[str, Any]:
    stream = watcher.stream
    return {
        "form": _FORM,
        "packets": stream.packets,
        "watermark_ns": stream.watermark_ns,
        "totals": {one.name: getattr(watcher.totals, one.name) for one in fields(Totals)},
        "remembered": [[*key, told] for key, told in watcher.remembered.items()],
        "were": {str(int(role)): keys.tobytes().hex() for role, keys in watcher.were.items()},
        "inputs": [asdict(one) for one in watcher.inputs],
        "position": {**asdict(position), "known": sorted(position.known)},
    }


def _resume(watcher: Watcher, state: dict[str, Any], evidence: Evidence) -> Position:
    totals = state["totals"]
    watcher.totals = Totals(**{**totals, "traffic": Counter(totals["traffic"])})
    watcher.remembered = OrderedDict((tuple(key), told) for *key, told in state["remembered"])
    for role in watcher.were:
        watcher.were[role] = np.frombuffer(bytes.fromhex(state["were"][str(int(role))]), KEY)
    watcher.inputs = [_provenance(one) for one in state["inputs"]]
    watcher.stream.resume(evidence, packets=int(state["packets"]), watermark_ns=state["watermark_ns"])
    position = state["position"]
    return Position(**{**position, "known": set(position["known"])})


def _provenance(saved: dict[str, Any]) -> Provenance:
    known = {one.name for one in fields(Provenance)}
    damage = [Damage(**one) for one in saved["damage"]]
    return Provenance(**{**{name: value for name, value in saved.items() if name in known}, "damage": damage})
