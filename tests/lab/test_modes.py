"""The lab's matrix is readable, names each run once, and knows what its probes are."""

from __future__ import annotations

import json

import pytest

from lab.kept import KEPT
from lab.modes import all_modes, read_file
from lab.truth import groups_of

MODES = all_modes()


def test_every_mode_says_what_its_probes_are():
    assert len(MODES) > 150
    for mode in MODES:
        assert groups_of(mode), mode.name
        assert mode.kind in {"scan", "flood", "trace", "mix", "negative"}
        assert mode.at in {"target", "telescope", "reactive", "lan"}
        assert (mode.hops == 0) == (mode.at == "lan")


def test_a_key_that_no_mode_has_is_refused(tmp_path):
    wrong = tmp_path / "wrong.toml"
    wrong.write_text('tool = "x"\n[[mode]]\nname = "n"\ncommand = "true"\nhop = 4\n')
    with pytest.raises(ValueError, match="no such key: hop"):
        read_file(wrong)


def test_kept_captures_are_small_and_each_has_its_mode_and_truth():
    rows = [json.loads(line) for line in (KEPT / "truth.jsonl").read_text().splitlines()]
    assert {row["name"] for row in rows} == {mode.name for mode in MODES if mode.keep}
    assert {row["file"] for row in rows} == {path.name for path in KEPT.glob("*.gz")}
    assert sum(row["bytes"] for row in rows) < 10e6
