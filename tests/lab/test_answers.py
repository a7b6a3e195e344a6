"""What this machine's kernel answers, measured in namespaces of its own, against the knowledge; needs root."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess

import pytest

from lab import answers


def can_isolate():
    """Tell whether namespaces can be made here and filter rules loaded in them."""
    if os.name != "posix" or os.geteuid() or not (shutil.which("ip") and shutil.which("nft")):
        return False
    made = subprocess.run(["ip", "netns", "add", "craftmark-trial"], check=False, capture_output=True).returncode == 0
    subprocess.run(["ip", "netns", "del", "craftmark-trial"], check=False, capture_output=True)
    return made and os.uname().sysname == "Linux"


@pytest.mark.skipif(not can_isolate(), reason="no root, or no network namespaces here")
def test_the_kernel_answers_as_known_open_closed_dropped_and_rejected():
    with answers.namespaces():
        listener = answers.inside(answers.TARGET, lambda: socket.create_server((answers.HOST, answers.OPEN)))
        prober = answers.Prober()
        rows = [
            row for carries in ("", "payload") for row in answers.measure(prober, ("open", "", carries), answers.OPEN)
        ]
        rows += answers.measure(prober, ("closed", "", ""), answers.CLOSED)
        for rule, port in answers.FILTERS.items():
            rows += answers.measure(prober, ("filtered", rule, ""), port)
        prober.close()
        listener.close()
    assert len(rows) == 7 * 256
    assert [f"{row.state} {row.rule} {row.flags}: {answers.differs(row)}" for row in rows if answers.differs(row)] == []


def test_a_difference_is_told():
    silent = answers.Row("open", "", "", 2, "none")
    assert answers.differs(silent) == "none, where syn+ack is known"
    other = answers.Row("closed", "", "", 2, "rst+ack", seq=0, ack=answers.SEQ + 1, ttl=255, window=0)
    assert answers.differs(other).startswith("header")
