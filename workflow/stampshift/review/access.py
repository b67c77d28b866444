"""Who may talk to the server of a review, and how much they may send."""

import secrets
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from fastapi import HTTPException, Request
from fastapi.responses import JSONResponse
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; form-action 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
READING = {"GET", "HEAD"}
MOST_BYTES = 1_000_000  # of a request's body; a vote has a few hundred
TOO_LARGE = (
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "The request is larger than 1 MB; a vote has a few hundred bytes.",
)


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine itself."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@dataclass(frozen=True)
class Access:
    """Who may talk to one server: whoever has the token, and no other site's pages."""

    # on a server bound to loopback, requests by other host names are refused: a site could make its own name
    # point here (DNS rebinding)
    loopback: bool
    # required in the first address, then as a cookie; other users of a machine reach its loopback too
    token: str
    cookie: str  # its name, which differs between reviews: cookies ignore ports

    def brings_token(self, request: Request) -> bool:
        """Whether the address of the request holds the token."""
        return self._is_token(request.query_params.get("token", ""))

    def refusal(self, request: Request) -> tuple[HTTPStatus, str] | None:
        """Status and reason if the request is refused, or None."""
        host = _split(f"//{request.headers.get('host', '')}")
        if self.loopback and not is_loopback(host.hostname or ""):
            reason = "This page can be opened only on the machine that serves it, at localhost."
            return HTTPStatus.MISDIRECTED_REQUEST, reason
        if not self.brings_token(request) and not self._is_token(request.cookies.get(self.cookie, "")):
            reason = "Open the address that `stampshift review` printed, with its token."
            return HTTPStatus.FORBIDDEN, reason
        origin = _split(request.headers.get("origin", ""))
        if request.method not in READING and not origin.netloc == host.netloc != "":
            return HTTPStatus.FORBIDDEN, "Votes are accepted only from the review page."
        # that it is a number was checked when the head was read
        if int(request.headers.get("content-length", "0")) > MOST_BYTES:
            return TOO_LARGE
        return None

    def _is_token(self, given: str) -> bool:
        return secrets.compare_digest(given.encode(), self.token.encode())


class Guard:
    """Refuses requests that `access` refuses or whose body grows too large; adds `HEADERS` to every answer.

    It stands before all routes, files of the page included, and reads no body itself.
    """

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request over HTTP; the server offers nothing else (`serve.server_of`)."""
        size = 0

        async def receive_some() -> Message:
            nonlocal size
            message = await receive()
            # a body in chunks comes without its length
            size += len(message.get("body", b""))
            if size > MOST_BYTES:
                status, reason = TOO_LARGE
                raise HTTPException(status, reason)
            return message

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        refused = self._access.refusal(Request(scope))
        if refused is None:
            await self._app(scope, receive_some, send_with_headers)
        else:
            status, reason = refused
            await JSONResponse({"detail": reason}, status)(scope, receive, send_with_headers)


def _split(address: str) -> SplitResult:
    """Parts of an address; those of an empty one where it is none."""
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("")
