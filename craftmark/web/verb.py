"""``craftmark serve``: the page in a browser, on this machine unless asked otherwise."""

from __future__ import annotations

import ipaddress
import os
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import uvicorn

from craftmark.errors import ExitCode
from craftmark.render.escape import visible
from craftmark.store.place import data_dir
from craftmark.verbs.arguments import folder
from craftmark.verbs.base import OptionError
from craftmark.web.app import ServerSettings, make_app

if TYPE_CHECKING:
    import argparse

_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
_PORT: Final = 8031


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("--host", metavar="ADDRESS", default="127.0.0.1", help="default: 127.0.0.1, this machine only")
    parser.add_argument("--port", metavar="N", type=int, default=_PORT, help=f"default: {_PORT}")
    parser.add_argument("--name", metavar="HOST", action="append", default=[], help="a name the page is reached by")
    parser.add_argument("--token", metavar="WORD", help="what a browser must show; made up where one is needed")
    parser.add_argument("--folder", metavar="DIR", type=folder, help="files in it may be examined without an upload")
    parser.add_argument("--limit", metavar="MIB", type=int, default=4096, help="largest upload; default: 4096")
    parser.add_argument(
        "--workers", metavar="N", type=int, help="captures examined at once; default: all cores but one"
    )


def run(parsed: argparse.Namespace) -> int:
    """Serve until interrupted."""
    settings = settings_of(parsed)
    where = f"[{parsed.host}]" if ":" in parsed.host else parsed.host
    address = f"http://{where}:{parsed.port}/" + (f"?token={settings.token}" if settings.token else "")
    sys.stderr.write(f"craftmark: open {visible(address)}\ncraftmark: Ctrl-C ends the server\n")
    sys.stderr.flush()
    try:
        uvicorn.run(
            make_app(settings), host=parsed.host, port=parsed.port, log_level="warning", server_header=False,
            timeout_graceful_shutdown=2,
        )  # fmt: skip
    except SystemExit as end:  # uvicorn has told why on stderr
        raise OptionError(f"{visible(parsed.host)} port {parsed.port} cannot be served") from end
    return ExitCode.EXAMINED


def settings_of(parsed: argparse.Namespace) -> ServerSettings:
    """Return how to serve; any address but loopback gets a token. Raises OptionError."""
    if not 1 <= parsed.port <= 65_535 or parsed.limit < 1 or (parsed.workers is not None and parsed.workers < 1):
        raise OptionError("--port is 1 to 65535; --limit and --workers are at least 1")
    is_loopback = _is_loopback(parsed.host)
    hosts = (*_LOOPBACK, *(name.lower() for name in parsed.name)) + (() if is_loopback else (parsed.host.lower(),))
    return ServerSettings(
        store=data_dir(),
        hosts=hosts,
        token=parsed.token or (None if is_loopback else secrets.token_urlsafe(24)),
        folder=Path(parsed.folder) if parsed.folder else None,
        upload_limit=parsed.limit << 20,
        workers=parsed.workers or max(1, (os.cpu_count() or 2) - 1),
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
