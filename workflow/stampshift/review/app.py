"""The web application of the review page."""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import SplitResult, urlsplit

from fastapi import FastAPI, HTTPException, Query, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, Field, StringConstraints

from stampshift.core.errors import StampshiftError
from stampshift.review.images import STRETCHES, triplet_png
from stampshift.review.queue import Queue
from stampshift.review.reviewed import Candidate, Review
from stampshift.review.vote_store import VoteStore
from stampshift.stamps.file import LABEL_NAMES

PAGE = Path(__file__).parent / "page"
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; form-action 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
# the address of an image holds the digest of its stamps: it never changes
FOREVER = {"Cache-Control": "private, max-age=604800, immutable"}
CACHED_IMAGES = 2048  # a few kilobytes each
READING = {"GET", "HEAD"}
LAST_VOTES = 50  # that can be undone after a reload

Rater = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40, pattern=r"^[^\x00-\x1f\x7f]+$")
]


class NewVote(BaseModel):
    """A vote as the page sends it."""

    review: str
    key: str = Field(min_length=16, max_length=64)
    id: str
    rater: Rater
    vote: Literal["real", "bogus", "skip", "undo"]


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine itself."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@dataclass(frozen=True)
class Access:
    """Who may talk to one server: this machine, or anyone who has the token; and no other site's pages."""

    # on a server bound to loopback, requests by other host names are refused: a site could make its own name
    # point here (DNS rebinding)
    loopback: bool
    token: str | None  # required in the first address, then as a cookie; None requires nothing
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
        return None

    def _is_token(self, given: str) -> bool:
        return self.token is None or secrets.compare_digest(given.encode(), self.token.encode())


def _split(address: str) -> SplitResult:
    """Parts of an address; those of an empty one where it is none."""
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("")


def make_app(review: Review, store: VoteStore, *, raters_per_candidate: int, access: Access) -> FastAPI:
    """Make the application; each candidate should get `raters_per_candidate` votes, skips left out."""
    # no pages of documentation: they would load scripts from elsewhere
    app = FastAPI(title="stampshift review", docs_url=None, redoc_url=None, openapi_url=None)
    _guard(app, access)
    _add_page(app, access)
    _add_images(app, review)
    _add_votes(app, review, store, Queue(review, store, raters_per_candidate=raters_per_candidate))
    return app


def _guard(app: FastAPI, access: Access) -> None:
    @app.middleware("http")
    async def guard(request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
        refused = access.refusal(request)
        if refused is None:
            response = await go_on(request)
        else:
            status, reason = refused
            response = JSONResponse({"detail": reason}, status)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    @app.exception_handler(StampshiftError)
    async def refuse(_: Request, error: Exception) -> Response:
        return JSONResponse({"detail": str(error)}, HTTPStatus.CONFLICT)


def _add_page(app: FastAPI, access: Access) -> None:
    app.mount("/page", StaticFiles(directory=PAGE))

    @app.get("/")
    def page(request: Request) -> Response:
        response = FileResponse(PAGE / "index.html")
        if access.token is not None and access.brings_token(request):
            # no redirect: after a click on a link elsewhere it would go without a strict cookie
            response.set_cookie(access.cookie, access.token, httponly=True, samesite="strict")
        return response


def _add_images(app: FastAPI, review: Review) -> None:
    @lru_cache(CACHED_IMAGES)
    def image(row: int, stretch: str) -> bytes:
        return triplet_png(review.stamps.stamps[row], stretch)

    @app.get("/images/{fingerprint}/{row}-{stretch}.png")
    def triplet(fingerprint: str, row: int, stretch: str) -> Response:
        if fingerprint != review.fingerprint or stretch not in STRETCHES or not 0 <= row < len(review.stamps):
            raise HTTPException(HTTPStatus.NOT_FOUND, "No such image in this review.")
        return Response(image(row, stretch), media_type="image/png", headers=FOREVER)


def _add_votes(app: FastAPI, review: Review, store: VoteStore, queue: Queue) -> None:
    @app.get("/api/review")
    def about() -> dict[str, Any]:
        return {
            "survey": review.survey,
            "simulated": review.simulated,
            "fingerprint": review.fingerprint,
            "stretches": list(STRETCHES),
            "raters": queue.raters(),
        }

    @app.get("/api/queue")
    def waiting(
        rater: Rater,
        count: Annotated[int, Query(ge=1, le=100)],
        held: Annotated[list[str], Query()] = [],  # noqa: B006 - FastAPI copies it
        reveal: bool = False,
    ) -> dict[str, Any]:
        chosen = queue.next(rater, count, held=held)
        return {
            "candidates": [_blind(c) | (_revealed(c) if reveal else {}) for c in chosen],
            "progress": queue.progress(rater),
        }

    @app.get("/api/last")
    def last(rater: Rater) -> list[dict[str, Any]]:
        return [_voted(candidate, vote) for candidate, vote in queue.last(rater, LAST_VOTES)]

    @app.post("/api/votes")
    def take(new: NewVote) -> dict[str, Any]:
        if new.review != review.fingerprint:
            reason = "Another review runs at this address now: reload the page."
            raise HTTPException(HTTPStatus.CONFLICT, reason)
        if new.id not in review.candidates:
            raise HTTPException(HTTPStatus.NOT_FOUND, f"{new.id} is not a candidate of this review.")
        saved = store.add(**new.model_dump(exclude={"review"}))
        candidate = _voted(review.candidates[saved.id], saved.vote)
        return {"time": saved.time, "candidate": candidate, "progress": queue.progress(new.rater)}


def _blind(candidate: Candidate) -> dict[str, Any]:
    return {"id": candidate.id, "row": candidate.row}


def _revealed(candidate: Candidate) -> dict[str, Any]:
    return {"label": candidate.label, "score": candidate.score}


def _voted(candidate: Candidate, vote: str) -> dict[str, Any]:
    """A candidate with the rater's word; what the model says only where the rater has said something."""
    known = _revealed(candidate) if vote in LABEL_NAMES.values() else {}
    return _blind(candidate) | {"vote": vote} | known
