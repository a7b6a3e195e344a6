"""Open pages as browsers do: `browser.py HOST...`, six connections at a time to each host's two web ports."""

from __future__ import annotations

import concurrent.futures
import contextlib
import sys
import urllib.request


def fetch(url: str) -> None:
    """Fetch one page; a refusal is the server's affair."""
    with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=3) as page:
        page.read()


if __name__ == "__main__":
    urls = [f"http://{host}:{port}/{number}" for host in sys.argv[1:] for port in (80, 8080) for number in range(12)]
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        list(pool.map(fetch, urls))
