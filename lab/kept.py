"""The small captures that stay in the repository as test data.

gzip without a time, so that the same bytes give the same file.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lab.modes import Mode

KEPT = Path(__file__).parent / "captures"
#: Rows keep the truth, not the long lists of what was observed that no test reads.
FORGOTTEN = ("replies", "seconds", "rc")


def keep(modes: Iterable[Mode], recorded: Path, kept: Path = KEPT) -> int:
    """Copy the captures of the modes marked `keep`, with their truths, from a folder; return their number."""
    kept.mkdir(exist_ok=True)
    rows = {row["name"]: row for row in map(json.loads, (recorded / "truth.jsonl").read_text().splitlines())}
    chosen = [rows[mode.name] for mode in modes if mode.keep and mode.name in rows]
    for old in kept.glob("*.pcap.gz"):
        old.unlink()
    for row in chosen:
        packed = gzip.compress((recorded / row["file"]).read_bytes(), mtime=0)
        row |= {"file": f"{row['name']}.pcap.gz", "bytes": len(packed), "sha256": hashlib.sha256(packed).hexdigest()}
        (kept / row["file"]).write_bytes(packed)
    told = [{key: value for key, value in row.items() if key not in FORGOTTEN} for row in chosen]
    (kept / "truth.jsonl").write_text("".join(json.dumps(row) + "\n" for row in told))
    return len(chosen)
