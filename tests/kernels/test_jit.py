"""The decorator of kernels: when it compiles, and what it does with a cache that is damaged or cannot be written."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from craftmark.kernels import _jit

WORK = """
import numpy as np
from craftmark.kernels.grouping import KEY_WORDS, key_hashes
out = np.zeros(3, np.int64), np.zeros(3, np.int64)
key_hashes(3, np.arange(3 * KEY_WORDS, dtype=np.uint32).reshape(3, KEY_WORDS), *out)
print(out[0].tolist(), out[1].tolist())
"""


def run(cache, mode="compiled"):
    environment = {**os.environ, "CRAFTMARK_CACHE_DIR": str(cache), "CRAFTMARK_KERNELS": mode}
    done = subprocess.run([sys.executable, "-c", WORK], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_damaged_cache_is_made_anew(tmp_path):
    wanted = run(tmp_path, "plain")
    assert run(tmp_path) == wanted
    files = [path for path in tmp_path.rglob("*") if path.suffix in (".nbi", ".nbc")]
    assert files
    for path in files:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert run(tmp_path) == wanted
    for path in tmp_path.rglob("*.nb*"):
        path.write_bytes(b"\x80\x04nonsense")
    assert run(tmp_path) == wanted


def test_a_folder_that_cannot_be_written_is_done_without(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    assert run(tmp_path / "file" / "below") == run(tmp_path, "plain")


@pytest.mark.parametrize(("is_compiled", "limit"), [(True, _jit.PLAIN_ROWS), (False, _jit.PLAIN_ROWS_UNCOMPILED)])
def test_small_work_stays_plain(monkeypatch, is_compiled, limit):
    monkeypatch.setenv("CRAFTMARK_KERNELS", "auto")
    monkeypatch.setattr(_jit, "_plain_rows_done", 0)
    monkeypatch.setattr(_jit, "_is_compiled", lambda: is_compiled)
    assert not _jit._should_compile(limit)
    assert _jit._should_compile(1)


def test_the_cache_folder_is_named_by_the_kernels_and_the_bounds_check(monkeypatch):
    _jit._kernel_hash.cache_clear()
    monkeypatch.setenv("NUMBA_BOUNDSCHECK", "1")
    checked = _jit.cache_dir()
    _jit._kernel_hash.cache_clear()
    monkeypatch.setenv("NUMBA_BOUNDSCHECK", "0")
    assert _jit.cache_dir() != checked
    _jit._kernel_hash.cache_clear()


def test_bounds_checks_are_on_where_they_are_asked_for(tmp_path):
    (tmp_path / "beyond.py").write_text(BEYOND, encoding="utf-8")
    environment = {**os.environ, "CRAFTMARK_CACHE_DIR": str(tmp_path), "CRAFTMARK_KERNELS": "compiled"}
    done = subprocess.run(
        [sys.executable, tmp_path / "beyond.py"], env={**environment, "NUMBA_BOUNDSCHECK": "1"}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert "IndexError: index is out of bounds" in done.stderr


BEYOND = """
import numpy as np
from craftmark.kernels._jit import kernel

@kernel
def beyond(n, octets):
    total = 0
    for i in range(n):
        total += octets[i]
    return total

print(beyond(5, np.zeros(3, np.uint8)))
"""
