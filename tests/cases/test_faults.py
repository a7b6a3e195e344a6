"""What happens around the work: files that change, disks that fill, permissions that go, readers that leave, Ctrl-C."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from craftmark.cli import main
from craftmark.errors import ExitCode
from craftmark.pipeline import examine
from craftmark.sources.windows import FileAsOpened
from tests.cases.test_command import craftmark

PCAP = Path(__file__).parents[2] / "examples" / "odd-scan-2000.pcap"
RECORDS = PCAP.read_bytes()[24:]
COPIES = 12

#: Starts the command so that no file can grow beyond 8 KiB: what a full disk is to whoever writes.
LIMITED = (
    "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
    "resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192)); "
    "from craftmark.cli import main; sys.exit(main(sys.argv[1:]))"
)
needs_posix = pytest.mark.skipif(os.name == "nt", reason="Windows has neither these limits nor these signals")


@pytest.fixture
def large(tmp_path):
    """Return a capture of several windows."""
    path = tmp_path / "large.pcap"
    path.write_bytes(PCAP.read_bytes()[:24] + RECORDS * COPIES)
    return path


class Once:
    """Progress that does something when the first packets were read."""

    def __init__(self, what):
        self.what = what

    def __call__(self, packets, *, fraction=None, scans=None):
        what, self.what = self.what, lambda: None
        what()


def all_packets(report):
    return sum(one.packets for one in report.inputs)


def test_a_file_cut_short_while_it_is_read_is_damage_and_no_crash(large):
    report = examine(large, progress=Once(lambda: os.truncate(large, 3000)))
    assert report.damaged
    assert 0 < all_packets(report) < COPIES * 3072
    assert any("cut short by" in one.what for one in report.inputs[0].damage)


@needs_posix
def test_the_command_survives_a_file_that_vanishes_under_it(large):
    """Emptied at whatever moment: the exit code is that of damage, of an empty file, or of a file read in time."""
    for delay in (0.25, 0.4, 0.6):
        with large.open("ab") as file, craftmark("--quiet", large, stdout=subprocess.DEVNULL) as process:
            time.sleep(delay)
            file.truncate(0)
            assert process.wait(timeout=60) in (ExitCode.EXAMINED, ExitCode.DAMAGED, ExitCode.NO_PACKETS)
        large.write_bytes(PCAP.read_bytes()[:24] + RECORDS * COPIES)


def test_a_file_that_grows_while_it_is_read_is_examined_up_to_its_size(large):
    def grow():
        with large.open("ab") as file:
            file.write(RECORDS)

    report = examine(large, progress=Once(grow))
    assert not report.damaged
    assert all_packets(report) == COPIES * 3072
    assert any(f"grew by {len(RECORDS):,} bytes" in note for note in report.inputs[0].notes)
    assert report.inputs[0].bytes == large.stat().st_size - len(RECORDS)


def test_a_text_that_grows_ends_where_it_did(tmp_path):
    path = tmp_path / "growing.log"
    path.write_bytes(PCAP.with_suffix(".snort.txt").read_bytes())
    with FileAsOpened(path) as file:
        first = file.read(100)
        with path.open("ab") as more:
            more.write(b"more\n" * 1000)
        assert first + file.readall() == path.read_bytes()[:-5000]
        assert file.grown == 5000


def test_a_read_that_fails_half_way_is_damage_with_what_came_before(large, monkeypatch, capfd):
    read = FileAsOpened.readinto

    def failing(self, buffer, /):
        if self.tell() > 1 << 20:
            raise OSError(5, "Input/output error")
        return read(self, buffer)

    monkeypatch.setattr(FileAsOpened, "readinto", failing)
    assert main(["--json", "--quiet", str(large)]) == ExitCode.DAMAGED
    assert "cannot be read further: Input/output error" in capfd.readouterr().out


def test_an_input_whose_permission_is_lost_is_unreadable(large, monkeypatch, capfd):
    def refused(self, path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(FileAsOpened, "__init__", refused)
    assert main([str(large)]) == ExitCode.UNREADABLE
    assert "Permission denied" in capfd.readouterr().err


@needs_posix
@pytest.mark.parametrize(
    "words",
    [
        ("convert", PCAP, "-o", "out.csv"), ("convert", PCAP, "-o", "out.pcap"),
        ("--only", "S1", "-w", "out.pcap", PCAP), ("report", PCAP, "-o", "out.html"),
    ],
    ids=lambda words: " ".join(map(str, words[-3:] if words[0] == "--only" else words[::2])),
)  # fmt: skip
def test_a_disk_that_fills_leaves_the_target_as_it_was(words, tmp_path):
    target = next(tmp_path / word for word in map(str, words) if word.startswith("out."))
    target.write_bytes(b"what was there")
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, *map(str, words)], cwd=tmp_path, capture_output=True, check=False, timeout=60
    )
    assert done.returncode == ExitCode.UNREADABLE
    assert done.stderr.endswith(f"craftmark: {target.name}: cannot be written: File too large\n".encode())
    assert {path.name for path in tmp_path.iterdir()} == {target.name}
    assert target.read_bytes() == b"what was there"


def test_w_into_a_folder_that_is_not_there_is_told(tmp_path, capfd):
    assert main(["--only", "S1", "-w", str(tmp_path / "no" / "x"), str(PCAP)]) == ExitCode.UNREADABLE
    assert "cannot be written: No such file or directory" in capfd.readouterr().err


@needs_posix
def test_ctrl_c_while_a_file_is_written_leaves_nothing(large, tmp_path):
    large.write_bytes(PCAP.read_bytes()[:24] + RECORDS * 100)
    target = tmp_path / "out.csv"
    with craftmark("convert", large, "-o", target) as process:
        for _ in range(400):
            if any(path.name.startswith(".out.csv.") for path in tmp_path.iterdir()):
                break
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == ExitCode.INTERRUPTED
    assert {path.name for path in tmp_path.iterdir()} == {large.name}


@needs_posix
@pytest.mark.skipif(shutil.which("head") is None, reason="no reader that leaves early")
@pytest.mark.parametrize("form", ["-vv", "--json", "--jsonl"])
def test_a_reader_that_leaves_early_is_no_fault(form):
    with craftmark(form, PCAP, stdout=subprocess.PIPE) as process:
        process.stdout.read(10)
        process.stdout.close()
        assert process.wait(timeout=60) == ExitCode.EXAMINED
        assert process.stderr.read() == b""


def test_an_interrupt_that_a_library_turned_into_another_error_is_130(monkeypatch, capfd):
    def interrupted(*_, **__):
        msg = "numpy could not be imported"
        raise ImportError(msg) from KeyboardInterrupt()

    monkeypatch.setattr("craftmark.verbs.examine.examine_command", interrupted)
    assert main([str(PCAP)]) == ExitCode.INTERRUPTED
    assert capfd.readouterr().err == "craftmark: interrupted; nothing was concluded\n"
