"""The page as a target: one case uploaded, started, followed, cancelled; no request may end in a fault of the server.

Octets are four parts between newlines: the file's name, the Host header, the settings as JSON, the file. No worker
process is started: what it would read are the other targets'.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_from_bytes

from craftmark.web.app import ServerSettings, make_app
from craftmark.web.worker import settings_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Message

    from craftmark.web.jobs import Job


async def _no_process(folder: Path, work: Mapping[str, Any], job: Job | None) -> dict[str, Any]:  # noqa: ARG001
    settings_of(work)
    return {"fault": "fuzzing starts no process"}


class _Page:
    """A server that runs in this process, and the loop that its requests run in."""

    def __init__(self) -> None:
        self._folder = tempfile.mkdtemp(prefix="craftmark-fuzz-")
        self._runner = asyncio.Runner()
        self._app = make_app(ServerSettings(store=Path(self._folder), hosts=("localhost",), upload_limit=1 << 20))
        server = self._app.routes[0].endpoint.__self__  # type: ignore[attr-defined]
        server.jobs._run = _no_process  # noqa: SLF001 - the one thing that must not happen here
        atexit.register(shutil.rmtree, self._folder, ignore_errors=True)

    def send(self, data: bytes) -> int:
        return self._runner.run(self._send(data))

    async def _send(self, data: bytes) -> int:
        name, host, asked, body = [*data.split(b"\n", 3), b"", b"", b""][:4]
        status, answer = await self._ask("POST", "/jobs")
        job = json.loads(answer)["id"]
        await self._ask("GET", "/", host=host)
        status, _ = await self._ask(
            "POST", f"/jobs/{job}/inputs", body, query=b"name=" + quote_from_bytes(name).encode()
        )
        await self._ask("POST", f"/jobs/{job}/start", asked)
        await self._ask("GET", f"/jobs/{job}")
        await self._ask("POST", f"/jobs/{job}/cancel")
        return int(status == 200)

    async def _ask(
        self, method: str, path: str, body: bytes = b"", *, query: bytes = b"", host: bytes = b"localhost"
    ) -> tuple[int, bytes]:
        """Return the status and the body of the answer to one request; a fault of the server is raised."""
        half = len(body) // 2
        parts = [
            {"type": "http.request", "body": body[:half], "more_body": True},
            {"type": "http.request", "body": body[half:], "more_body": False},
        ]
        told: list[Message] = []

        async def receive() -> Message:
            return parts.pop(0) if parts else {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            told.append(message)

        headers = [(b"host", host), (b"x-craftmark", b"fuzz")]
        scope = {"type": "http", "http_version": "1.1", "method": method, "path": path, "query_string": query}
        scope |= {"headers": headers, "scheme": "http", "root_path": "", "raw_path": path.encode()}
        await self._app(scope, receive, send)
        status = int(told[0]["status"])
        assert status < 500, (method, path, status)
        return status, b"".join(one.get("body", b"") for one in told[1:])


_PAGES: list[_Page] = []


def upload(data: bytes) -> int:
    """Send octets to the page; the server is made by the first."""
    if not _PAGES:
        _PAGES.append(_Page())
    return _PAGES[0].send(data)
