"""What keeps the page to those it is for: host names, origins, a token, and what a browser may do with it.

Loopback needs no token; any other address does. A request that changes something must come from the page itself: its
Origin is checked, and it carries a header that no other site can add without asking first (Fetch Standard, CORS). A
name that is not the server's own is refused, so that no other site's name can be pointed here (DNS rebinding).
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from starlette.responses import PlainTextResponse, RedirectResponse, Response

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: The header that says "the page asks".
ASKED: Final = "x-craftmark"
COOKIE: Final = "craftmark"

_SAFE: Final = frozenset({"GET", "HEAD"})
_HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


class Guard:
    """ASGI middleware that refuses what does not belong here and adds the headers of every answer."""

    def __init__(self, app: ASGIApp, *, hosts: tuple[str, ...], token: str | None) -> None:
        self._app = app
        self._hosts = frozenset(hosts)
        self._token = token
        self._session = hashlib.sha256(b"session " + token.encode()).hexdigest() if token else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or let it through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *((k.encode(), v.encode()) for k, v in _HEADERS.items())]
            await send(message)

        from starlette.requests import Request  # noqa: PLC0415 - the type above is for checking only

        refusal = self._refusal(Request(scope))
        await (refusal or self._app)(scope, receive, guarded)

    def _refusal(self, request: Request) -> Response | None:
        if _host_of(request.headers.get("host", "")) not in self._hosts:
            return PlainTextResponse("this server is not called that", status_code=421)
        if request.method not in _SAFE and not self._from_the_page(request):
            return PlainTextResponse("only the page itself may ask for this", status_code=403)
        if self._token is None or self._is_known(request):
            return None
        given = request.query_params.get("token", "")
        if request.method == "GET" and hmac.compare_digest(given.encode(), self._token.encode()):
            return self._welcome(request)
        return PlainTextResponse("open the address that `craftmark serve` printed, with its token", status_code=401)

    def _from_the_page(self, request: Request) -> bool:
        origin = request.headers.get("origin")
        same = origin is None or urlsplit(origin).netloc == request.headers.get("host", "")
        return same and ASKED in request.headers

    def _is_known(self, request: Request) -> bool:
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        shown = request.cookies.get(COOKIE, "")
        by_token = hmac.compare_digest(bearer.encode(), (self._token or "").encode())
        return by_token or hmac.compare_digest(shown.encode(), (self._session or "").encode())

    def _welcome(self, request: Request) -> Response:
        """Put the token into a cookie and out of the address."""
        answer = RedirectResponse(request.url.remove_query_params("token").path, status_code=303)
        secure = request.url.scheme == "https"
        answer.set_cookie(COOKIE, self._session or "", httponly=True, samesite="strict", secure=secure)
        return answer


def _host_of(header: str) -> str:
    """Return the name or address in a Host header, without its port."""
    try:
        return (urlsplit(f"//{header}").hostname or "").lower()
    except ValueError:
        return ""
