"""Fixtures of planted scans."""

from __future__ import annotations

import numpy as np
import pytest

from craftmark.assess.base import MakerView
from tests.assess.planting import plant_subject


@pytest.fixture
def plant():
    """Return the function that makes a subject of columns: field name -> one value or one per packet."""
    return plant_subject


@pytest.fixture
def odd_scan(plant):
    """The scan of May 2000 as published: three sources, 1,024 ports each, in this order of sources."""
    ports = np.tile(np.arange(1, 1025), 3)
    sources = np.repeat([0xC0A00D04, 0xC0A00D07, 0xC0A00D06], 1024)
    maker = MakerView("crafted", "libnet-1.0-samples", 0.99, ((48, 48),))
    columns = {
        "ip_src": sources, "ip_dst": 0xAC100165, "ip_tos": 0x10, "ip_id": 242, "ip_ttl": 44, "tcp_sport": 31337,
        "tcp_dport": ports, "tcp_seq": 0xA1D95, "tcp_ack": 0x53, "tcp_win": 1024, "payload_len": 0,
    }  # fmt: skip
    return plant(columns, control_bits=1 | 4 | 8, maker=maker)
