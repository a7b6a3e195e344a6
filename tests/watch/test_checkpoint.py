"""A watch that starts again goes on where it stood: nothing is lost, nothing counted twice."""

from __future__ import annotations

import os
import shutil
import signal
import zipfile

import pytest

from craftmark import cli
from craftmark.errors import ExitCode
from craftmark.watch import checkpoint
from tests.study.test_study import EXAMPLE, _shifted
from tests.watch.test_folder import RECORD, _rotated, _write
from tests.watch.test_session import _lines

OCTETS = EXAMPLE.read_bytes()
HEAD = OCTETS[:24]


def _found(lines):
    """Return what was told as over, by id."""
    return {line["id"]: (line["probes"], line["first_ns"]) for line in lines if line["finding"] == "scan"}


def _totals(lines):
    """Return the last line's totals; the watermark also tells how the packets came."""
    assert lines[-1]["finding"] == "end"
    return {key: value for key, value in lines[-1].items() if key != "watermark_ns"}


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_two_runs_over_pipes_are_one_scan(watched, tmp_path, share):
    state = str(tmp_path / "state")
    cut = 24 + int(3072 * share) * RECORD
    first = watched(lambda stream: stream.write(OCTETS[:cut]), "--jsonl", "--state", state)
    opened = [line["probes"] for line in _lines(first.out) if line["finding"] == "open"]
    assert (first.code, _found(_lines(first.out)), opened) == (0, {}, [int(3072 * share)])
    second = watched(lambda stream: stream.write(HEAD + OCTETS[cut:]), "--jsonl", "--state", state, "--close")
    whole = watched(lambda stream: stream.write(OCTETS), "--jsonl")
    assert _found(_lines(second.out)) == _found(_lines(whole.out))
    assert _totals(_lines(second.out)) == _totals(_lines(whole.out))
    told, alone = (next(line for line in _lines(run.out) if line["finding"] == "scan") for run in (second, whole))
    for key in ("markprint", "maker", "sources", "ports", "answers"):
        assert told[key] == alone[key]


def test_what_was_told_is_not_told_again_and_its_number_not_used_again(watched, tmp_path):
    state = str(tmp_path / "state")
    first = watched(lambda stream: stream.write(OCTETS + _shifted(1)[24:]), "--jsonl", "--state", state)
    second = watched(lambda stream: stream.write(_shifted(2)), "--jsonl", "--state", state, "--close")
    assert list(_found(_lines(first.out))) == ["S1"]
    assert list(_found(_lines(second.out))) == ["S2", "S3"]
    end = _lines(second.out)[-1]
    assert (end["packets"], end["traffic"]["probe"], end["scans"]) == (3 * 3072, 3 * 3072, 3)
    assert [line.get("continues") for line in _lines(second.out)][:2] == ["S1", "S2"]


def test_a_folder_is_gone_on_with_in_the_middle_of_a_file(tmp_path, capsys, signals_when_idle):
    """The first run ends while the second file is still written; the next reads only what came since."""
    folder, state = tmp_path / "captures", str(tmp_path / "state")
    folder.mkdir()
    one, two = _rotated(2)
    _write(folder / "one", one, at=1000)
    _write(folder / "two", two[: 24 + 500 * RECORD + 33], at=2000)
    signals_when_idle([signal.SIGTERM])
    assert cli.main(["watch", str(folder), "--jsonl", "--state", state]) == ExitCode.INTERRUPTED
    first = _lines(capsys.readouterr().out)
    assert (first[-1]["packets"], first[-1]["damaged_places"]) == (1536 + 500, 0)
    _write(folder / "two", two, at=2001)
    signals_when_idle([signal.SIGTERM])
    assert cli.main(["watch", str(folder), "--jsonl", "--state", state, "--close"]) == ExitCode.INTERRUPTED
    scan, end = _lines(capsys.readouterr().out)
    assert (scan["probes"], end["packets"], end["traffic"]["probe"]) == (3072, 3072, 3072)


def test_a_crash_behind_a_checkpoint_changes_nothing(tmp_path, capsys, signals_when_idle, monkeypatch):
    """Whatever was done since the last checkpoint is done again: an older state leads to the same totals."""
    folder, state, older = tmp_path / "captures", tmp_path / "state", tmp_path / "older"
    folder.mkdir()
    for day in range(3):
        _write(folder / f"day{day}", _shifted(day), at=1000 + day)
    written = checkpoint.write

    def keeping(path, watcher, position):
        written(path, watcher, position)
        if not older.exists():
            shutil.copy(path, older)

    monkeypatch.setattr(checkpoint, "write", keeping)
    runs = []
    for _ in range(2):
        signals_when_idle([signal.SIGTERM])
        assert cli.main(["watch", str(folder), "--jsonl", "--state", str(state), "--close"]) == ExitCode.INTERRUPTED
        runs.append(_lines(capsys.readouterr().out))
        os.replace(older, state)  # noqa: PTH105
        older.write_bytes(b"used")
    assert list(_found(runs[0])) == ["S1", "S2", "S3"]
    assert list(_found(runs[1])) == ["S2", "S3"]
    assert {**_found(runs[1]), "S1": _found(runs[0])["S1"]} == _found(runs[0])
    assert _totals(runs[1]) == _totals(runs[0])


def _other_form(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("state.json", '{"form": "another"}')


@pytest.mark.parametrize("spoil", [lambda path: path.write_bytes(b"no state"), _other_form])
def test_a_file_that_is_no_state_is_told_and_left_alone(watched, tmp_path, spoil):
    state = tmp_path / "state"
    spoil(state)
    before = state.read_bytes()
    found = watched(lambda stream: stream.write(OCTETS), "--state", str(state))
    assert (found.code, state.read_bytes()) == (ExitCode.UNREADABLE, before)
    assert "holds no state of a watch" in found.err


def test_what_is_open_can_be_closed_without_anything_new(watched, tmp_path):
    state = str(tmp_path / "state")
    watched(lambda stream: stream.write(OCTETS), "--state", state)
    found = watched(lambda stream: None, "--state", state, "--close")
    assert (found.code, "over: S1 port scan" in found.out) == (0, True)
