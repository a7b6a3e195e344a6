"""Files of the exchange: a body of evidence with the inputs it is from, compressed, whole or not there.

One line of JSON says what is in it, with its SHA-256; the evidence follows (Zstandard). Written under a temporary name
and renamed, so that a killed worker leaves nothing that looks finished, and two that do the same write the same.
"""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from craftmark.cluster.plan import provenance_of
from craftmark.errors import ExitCode, SourceError
from craftmark.evidence.saved import read_back, save

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import ModuleType

    from craftmark.evidence.fold import Evidence
    from craftmark.packets.expressions import Expression
    from craftmark.sources.base import Provenance

#: What the outputs of tasks are called.
SUFFIX: Final = ".evidence"
_LEVEL: Final = 3
#: The longest first line that is believed.
_LONGEST: Final = 1 << 26


class Gathered(NamedTuple):
    """What a task gathered: evidence, the inputs it is from in the order of their numbers, those that were refused."""

    evidence: Evidence
    inputs: tuple[Provenance, ...]
    refused: tuple[Provenance, ...] = ()


def octets_of(gathered: Gathered) -> bytes:
    """Return what a task gathered as the octets of an exchange file."""
    body: bytes = _zstd().compress(save(gathered.evidence), _LEVEL)
    told = {
        "inputs": [asdict(one) for one in gathered.inputs],
        "refused": [asdict(one) for one in gathered.refused],
        "packets": gathered.evidence.packets,
        "bytes": len(body),
        "sha256": hashlib.sha256(body).hexdigest(),
    }
    return json.dumps(told, sort_keys=True).encode() + b"\n" + body


def is_whole(path: Path) -> bool:
    """Tell whether an exchange file is there, and whole: its body is not unpacked."""
    try:
        _parted(path)
    except SourceError:
        return False
    return True


def read(path: Path, relations: Mapping[str, Expression]) -> Gathered:
    """Return what an exchange file holds; raises SourceError for one that is missing, cut or altered."""
    told, body = _parted(path)
    try:
        evidence = read_back(_zstd().decompress(body), relations)
    except (ValueError, _zstd().ZstdError) as fault:
        raise _damaged(path, str(fault)) from fault
    if evidence.packets != told["packets"]:
        raise _damaged(path, f"{evidence.packets:,} packets in place of {told['packets']:,}")
    inputs, refused = (tuple(provenance_of(one) for one in told[kind]) for kind in ("inputs", "refused"))
    return Gathered(evidence, inputs, refused)


def _parted(path: Path) -> tuple[dict[str, Any], bytes]:
    try:
        with path.open("rb") as stream:
            told = json.loads(stream.readline(_LONGEST))
            body = stream.read()
    except FileNotFoundError as fault:
        remedy = "run the task that writes it"
        raise SourceError("is not there yet", name=str(path), code=ExitCode.NO_SUCH_INPUT, remedy=remedy) from fault
    except (OSError, ValueError) as fault:
        raise _damaged(path, str(fault)) from fault
    if not isinstance(told, dict) or len(body) != told.get("bytes") or _sha256(body) != told.get("sha256"):
        raise _damaged(path, "it is cut or altered")
    return told, body


def _sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _damaged(path: Path, why: str) -> SourceError:
    what = f"is no exchange file that can be read: {why}"
    return SourceError(what, name=str(path), code=ExitCode.UNREADABLE, remedy="remove it and run its task again")


def _zstd() -> ModuleType:
    if sys.version_info >= (3, 14):
        from compression import zstd  # noqa: PLC0415 - the library that Python has from 3.14 on
    else:
        from backports import zstd  # noqa: PLC0415 - the same before
    return zstd
