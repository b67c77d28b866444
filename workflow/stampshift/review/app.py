"""The web application of the review page."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import FastAPI, HTTPException, Query, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, Field, StringConstraints

from stampshift.core.errors import StampshiftError
from stampshift.review.access import Access
from stampshift.review.candidates import Candidate, Review
from stampshift.review.images import STRETCHES, cached_images
from stampshift.review.queue import Queue
from stampshift.review.store import VoteStore
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


def make_app(review: Review, store: VoteStore, *, raters_per_candidate: int, access: Access) -> FastAPI:
    """Make the application over the candidates of a review and the store of its votes.

    Parameters
    ----------
    review
        The candidates.
    store
        Where the votes go.
    raters_per_candidate
        Votes that each candidate should get, skips left out.
    access
        Who may talk to it.
    """
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
            response = JSONResponse({"detail": refused.reason}, refused.status)
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
    image = cached_images(review.stamps)

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
            raise HTTPException(
                HTTPStatus.CONFLICT, "Another review runs at this address now: reload the page."
            )
        if new.id not in review.candidates:
            raise HTTPException(HTTPStatus.NOT_FOUND, f"{new.id} is no candidate of this review.")
        saved = store.add(key=new.key, id=new.id, rater=new.rater, vote=new.vote)
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
