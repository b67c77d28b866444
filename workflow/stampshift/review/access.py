"""Who may talk to the review page: this machine, or whoever has the token; and no other site's pages."""

import secrets
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from starlette.requests import Request

READING = {"GET", "HEAD"}


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine as seen by itself."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Refusal(NamedTuple):
    """Why a request is not answered."""

    status: HTTPStatus
    reason: str


@dataclass(frozen=True)
class Access:
    """The rules of access of one server.

    Attributes
    ----------
    loopback
        Whether the server is bound to loopback: then other host names in a request's address are refused,
        as another site could let a name of its own point here (DNS rebinding).
    token
        What is demanded, in the address at the first visit and as a cookie afterwards; None for nothing.
    cookie
        Name of the cookie. Cookies know no ports: it differs between reviews.
    """

    loopback: bool
    token: str | None
    cookie: str

    def brings_token(self, request: Request) -> bool:
        """Whether the address of the request holds the token."""
        return self._is_token(request.query_params.get("token", ""))

    def refusal(self, request: Request) -> Refusal | None:
        """Why the request is refused, or None."""
        host = _split(f"//{request.headers.get('host', '')}")
        if self.loopback and not is_loopback(host.hostname or ""):
            return Refusal(
                HTTPStatus.MISDIRECTED_REQUEST,
                "This page is for its own machine only, under localhost.",
            )
        if not self.brings_token(request) and not self._is_token(request.cookies.get(self.cookie, "")):
            return Refusal(
                HTTPStatus.FORBIDDEN, "Open the address that `stampshift review` printed, with its token."
            )
        origin = _split(request.headers.get("origin", ""))
        if request.method not in READING and not origin.netloc == host.netloc != "":
            return Refusal(HTTPStatus.FORBIDDEN, "Votes are taken from the review page itself only.")
        return None

    def _is_token(self, given: str) -> bool:
        return self.token is None or secrets.compare_digest(given.encode(), self.token.encode())


def _split(address: str) -> SplitResult:
    """Parts of an address; those of an empty one where it is none."""
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("")
