"""A folder of rotating captures: each packet is read once, whatever becomes of the files' names."""

from __future__ import annotations

import gzip
import os
import signal
import threading
import time

import pytest

from craftmark import cli
from craftmark.errors import ExitCode
from craftmark.watch.folder import Folder
from tests.study.test_study import EXAMPLE, _shifted
from tests.watch.test_session import _lines

OCTETS = EXAMPLE.read_bytes()
RECORD = 70


def _rotated(parts):
    """Return the example as several captures with headers of their own."""
    head, records = OCTETS[:24], OCTETS[24:]
    each = len(records) // RECORD // parts * RECORD
    return [head + records[first : first + each] for first in range(0, len(records), each)]


class _Reader:
    """Reads a folder in a thread, as the watcher does."""

    def __init__(self, path, **how):
        self.folder = Folder(str(path), lambda seconds: None, **how)
        self.read = []
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        for name, octets in self.folder.files():
            found = b""
            while part := octets.read():
                found += part
            self.read.append((os.path.basename(name), found))  # noqa: PTH119
            octets.close()

    def end(self, seconds=0.4):
        time.sleep(seconds)
        self.folder.stop()
        self._thread.join(10)
        return self.read


def _write(path, octets, *, at):
    path.write_bytes(octets)
    os.utime(path, (at, at))


def test_files_come_in_the_order_of_their_last_change_and_the_last_while_it_is_written(tmp_path):
    one, two, three = _rotated(3)
    _write(tmp_path / "z-first", one, at=1000)
    _write(tmp_path / "a-second", two, at=2000)
    reader = _Reader(tmp_path)
    time.sleep(0.2)
    with (tmp_path / "b-third").open("wb", buffering=0) as stream:
        for first in range(0, len(three), 9000):
            stream.write(three[first : first + 9000])
            time.sleep(0.01)
    assert reader.end() == [("z-first", one), ("a-second", two), ("b-third", three)]


def test_a_file_that_is_compressed_or_renamed_later_is_not_read_again(tmp_path):
    one, two = _rotated(2)
    _write(tmp_path / "one.pcap", one, at=1000)
    reader = _Reader(tmp_path)
    time.sleep(0.2)
    _write(tmp_path / "two.pcap", two, at=2000)
    time.sleep(0.3)
    (tmp_path / "one.pcap.gz").write_bytes(gzip.compress(one))
    (tmp_path / "one.pcap").unlink()
    (tmp_path / "two.pcap").rename(tmp_path / "two.old")
    assert [name for name, _ in reader.end()] == ["one.pcap", "two.pcap"]


def test_a_name_that_is_used_again_is_another_file(tmp_path):
    one, two = _rotated(2)
    three = _shifted(1)
    _write(tmp_path / "ring0", one, at=1000)
    _write(tmp_path / "ring1", two, at=2000)
    reader = _Reader(tmp_path)
    time.sleep(0.3)
    (tmp_path / "ring0").write_bytes(three)
    assert [found for _, found in reader.end()] == [one, two, three]


def test_hidden_files_folders_and_bare_headers_are_not_read(tmp_path):
    (tmp_path / ".hidden").write_bytes(OCTETS)
    (tmp_path / "deep").mkdir()
    (tmp_path / "empty").write_bytes(OCTETS[:24])
    assert _Reader(tmp_path).end(0.2) == []


@pytest.mark.parametrize("parts", [1, 4])
def test_a_scan_over_several_files_is_one_scan(tmp_path, capsys, signals_when_idle, parts):
    for number, octets in enumerate(_rotated(parts)):
        _write(tmp_path / f"capture{number}", octets, at=1000 + number)
    signals_when_idle([signal.SIGTERM])
    assert cli.main(["watch", str(tmp_path), "--jsonl"]) == ExitCode.INTERRUPTED
    scan, end = _lines(capsys.readouterr().out)
    assert (scan["probes"], scan["maker"]["tool"], end["packets"]) == (3072, "libnet-1.0-samples", 3072)


def test_a_file_that_is_no_capture_is_told_and_the_next_read(tmp_path, capsys, signals_when_idle):
    _write(tmp_path / "readme", b"no capture at all, for certain; it is long enough to be one\n" * 4, at=1000)
    _write(tmp_path / "capture", OCTETS, at=2000)
    signals_when_idle([signal.SIGINT])
    assert cli.main(["watch", str(tmp_path)]) == ExitCode.INTERRUPTED
    out, err = capsys.readouterr()
    assert "S1 port scan" in out
    assert "not examined" in err
