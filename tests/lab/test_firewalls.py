"""The measure of firewalls says what differs from the knowledge; the whole is run by hand, as root."""

from __future__ import annotations

import pytest

from lab.firewalls import Row, differs


@pytest.mark.parametrize(
    "row",
    [
        Row("nft", "tcp_loose=1", 13, "INVALID"), Row("iptables-legacy", "tcp_loose=0", 16, "INVALID"),
        Row("nft", "tcp_loose=1", 16, ""), Row("connection", "the connection's own", 4, "", "CLOSE for 10 s"),
        Row("connection", "made up", 4, "INVALID", "kept"),
    ],
)  # fmt: skip
def test_what_was_measured_agrees(row):
    assert differs(row) == ""


@pytest.mark.parametrize(
    "row",
    [
        Row("nft", "tcp_loose=1", 13, ""), Row("nft", "tcp_loose=0", 16, ""),
        Row("connection", "the connection's own", 4, "", "kept"), Row("connection", "made up", 16, "", "refreshed"),
    ],
)  # fmt: skip
def test_what_is_otherwise_is_said(row):
    assert "known" in differs(row)
