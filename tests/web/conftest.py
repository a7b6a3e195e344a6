from __future__ import annotations

import time
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from craftmark.web.app import ServerSettings, make_app

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "odd-scan-2000.pcap"
ASKED = {"x-craftmark": "test"}


class Page:
    """A browser as the server sees it."""

    def __init__(self, **settings):
        self.app = make_app(ServerSettings(hosts=("testserver", "localhost"), **settings))
        self.client = TestClient(self.app)

    def examine(self, *files, expect="done", **asked):
        """Upload files, follow the work to its end, and return the job."""
        job = self.client.post("/jobs", headers=ASKED).json()["id"]
        for name, content in files:
            sent = self.client.post(f"/jobs/{job}/inputs", params={"name": name}, content=content, headers=ASKED)
            assert sent.status_code == 200, sent.text
        started = self.client.post(f"/jobs/{job}/start", json=asked, headers=ASKED)
        assert started.status_code == 200, started.text
        for _ in range(600):
            view = self.client.get(f"/jobs/{job}").json()
            if view["state"] in ("done", "failed", "cancelled"):
                assert view["state"] == expect, view["message"]
                return view
            time.sleep(0.1)
        raise AssertionError("the work did not end")


@pytest.fixture
def page(tmp_path):
    made = Page(store=tmp_path / "store")
    with made.client:
        yield made
