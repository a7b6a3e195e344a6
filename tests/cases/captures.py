"""Where captures with a known truth lie: those kept in the repository, and the shared ones where they are here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "captures"
PUBLIC, LAB = SHARED / "public", SHARED / "lab"
KEPT = ROOT / "lab" / "captures"

needs_captures = pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/captures is not here")


def lab_truths():
    """Return the truth of every lab capture, its file as a path; the shared ones only where they are here."""
    found = []
    for folder in (KEPT, LAB):
        listed = folder / "truth.jsonl"
        rows = [json.loads(line) for line in listed.read_text().splitlines()] if listed.is_file() else []
        found += [row | {"file": folder / row["file"]} for row in rows]
    return found
