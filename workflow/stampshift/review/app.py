"""The web application of the review page."""

from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import FastAPI, HTTPException, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from pydantic import AfterValidator, BaseModel, Field

from stampshift.core.errors import StampshiftError, WriteError
from stampshift.review.access import Access, Guard
from stampshift.review.asking import Asking
from stampshift.review.images import STRETCHES, triplet_png
from stampshift.review.queue import Queue
from stampshift.review.raters import checked_name
from stampshift.review.reviewed import Candidate, Review
from stampshift.review.vote_store import NothingToUndoError, VoteStore
from stampshift.stamps.file import LABEL_NAMES

PAGE = Path(__file__).parent / "page"
# the address of an image holds the digest of its stamps: it never changes
FOREVER = {"Cache-Control": "private, max-age=604800, immutable"}
CACHED_IMAGES = 2048  # a few kilobytes each
LAST_VOTES = 50  # that can be undone after a reload


def encodable(text: str) -> str:
    """The text; a `ValueError` if it holds half a surrogate pair, which no file and no answer can."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("half a surrogate pair is no character") from None
    return text


Text = Annotated[str, AfterValidator(encodable)]
Rater = Annotated[Text, AfterValidator(checked_name)]


class NewVote(BaseModel):
    """A vote as the page sends it."""

    review: Text
    key: Text = Field(min_length=16, max_length=64)
    id: Text
    rater: Rater
    vote: Literal["real", "bogus", "skip", "undo"]


def make_app(review: Review, store: VoteStore, *, asking: Asking, access: Access) -> FastAPI:
    """Make the application; `asking` says how many votes a candidate should get, skips left out."""
    # no pages of documentation: they would load scripts from elsewhere
    app = FastAPI(title="stampshift review", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(Guard, access=access)
    _explain_refusals(app)
    _add_page(app, access)
    _add_images(app, review)
    _add_votes(app, review, store, Queue(review, store, asking=asking))
    return app


def _explain_refusals(app: FastAPI) -> None:
    @app.exception_handler(StampshiftError)
    async def refuse(_: Request, error: Exception) -> Response:
        status = HTTPStatus.CONFLICT
        if isinstance(error, WriteError):
            status = HTTPStatus.INSUFFICIENT_STORAGE
        elif isinstance(error, NothingToUndoError):
            status = HTTPStatus.NOT_FOUND  # on which the page gives up its undo
        return JSONResponse({"detail": str(error)}, status)

    @app.exception_handler(RequestValidationError)
    async def refuse_invalid(_: Request, error: RequestValidationError) -> Response:
        # without what was sent: half a surrogate pair could not be sent back
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"][1:])
        reason = first["msg"].removeprefix("Value error, ")
        return JSONResponse({"detail": f"{place}: {reason}."}, HTTPStatus.UNPROCESSABLE_ENTITY)


def _add_page(app: FastAPI, access: Access) -> None:
    app.mount("/page", StaticFiles(directory=PAGE))

    @app.get("/")
    def page(request: Request) -> Response:
        response = FileResponse(PAGE / "index.html")
        if access.brings_token(request):
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
