"""Where captures with a known truth lie, if they are here at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

SHARED = Path(__file__).parents[3] / "shared" / "captures"
PUBLIC, LAB = SHARED / "public", SHARED / "lab"

needs_captures = pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/captures is not here")


def lab_truths():
    """Return the truth of every lab capture, none where they are absent."""
    listed = LAB / "truth.jsonl"
    return [json.loads(line) for line in listed.read_text().splitlines()] if listed.is_file() else []
