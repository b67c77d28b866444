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
from stampshift.review.desk import Desk
from stampshift.review.gold import NO_GOLD, Gold
from stampshift.review.images import STRETCHES, triplet_png
from stampshift.review.queue import Queue
from stampshift.review.raters import checked_name
from stampshift.review.reviewed import Review
from stampshift.review.tags import TAGS
from stampshift.review.vote_store import NothingToUndoError, VoteStore

PAGE = Path(__file__).parent / "page"
# the address of an image holds the digest of its stamps: it never changes
FOREVER = {"Cache-Control": "private, max-age=604800, immutable"}
CACHED_IMAGES = 2048  # a few kilobytes each
LAST_VOTES = 50  # that can be undone after a reload
MOST_SECONDS = 86_400  # of a vote: who sleeps over one has not looked at it all night


def encodable(text: str) -> str:
    """The text; a `ValueError` if it holds half a surrogate pair, which no file and no answer can."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("half a surrogate pair is no character") from None
    return text


def known_tag(tag: str) -> str:
    """The tag; a `ValueError` if it is none of `TAGS`."""
    if tag not in TAGS:
        raise ValueError(f"a reason is one of {', '.join(TAGS)}")
    return tag


Text = Annotated[str, AfterValidator(encodable)]
Tag = Annotated[Text, AfterValidator(known_tag)]
Rater = Annotated[Text, AfterValidator(checked_name)]


class NewVote(BaseModel):
    """A vote as the page sends it."""

    review: Text
    key: Text = Field(min_length=16, max_length=64)
    id: Text
    rater: Rater
    vote: Literal["real", "bogus", "skip", "undo"]
    tags: list[Tag] = []
    seconds: float | None = Field(None, ge=0, le=MOST_SECONDS)


def make_app(
    review: Review, store: VoteStore, *, asking: Asking, access: Access, gold: Gold = NO_GOLD
) -> FastAPI:
    """Make the application; `asking` says how many votes a candidate should get, skips left out."""
    # no pages of documentation: they would load scripts from elsewhere
    app = FastAPI(title="stampshift review", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(Guard, access=access)
    _explain_refusals(app)
    _add_page(app, access)
    desk = Desk(review, store, Queue(review, store, asking=asking), gold)
    _add_images(app, desk)
    _add_review(app, desk)
    _add_votes(app, desk)
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


def _add_images(app: FastAPI, desk: Desk) -> None:
    stamps, wide = desk.review.stamps.stamps, desk.review.shown.context

    @lru_cache(CACHED_IMAGES)
    def image(kind: str, row: int, stretch: str) -> bytes:
        return triplet_png(sources[kind][row], stretch)

    def answer(kind: str, row: int, stretch: str) -> Response:
        if kind not in sources or stretch not in STRETCHES or not 0 <= row < len(stamps):
            raise HTTPException(HTTPStatus.NOT_FOUND, "No such image in this review.")
        return Response(image(kind, row, stretch), media_type="image/png", headers=FOREVER)

    sources = {desk.fingerprint: stamps} | ({} if wide is None else {desk.wide_digest: wide})
    app.get("/images/{kind}/{row:int}-{stretch}.png")(answer)


def _add_review(app: FastAPI, desk: Desk) -> None:
    @app.get("/api/review")
    def about() -> dict[str, Any]:
        return desk.about() | {"stretches": list(STRETCHES), "tags": list(TAGS)}

    @app.get("/api/examples")
    def examples() -> list[dict[str, Any]]:
        return desk.examples()

    @app.get("/api/result")
    def result(rater: Rater) -> dict[str, Any]:
        return desk.result(rater)


def _add_votes(app: FastAPI, desk: Desk) -> None:
    @app.get("/api/queue")
    def waiting(
        rater: Rater,
        count: Annotated[int, Query(ge=1, le=100)],
        held: Annotated[list[str], Query()] = [],  # noqa: B006 - FastAPI copies it
        reveal: bool = False,
    ) -> dict[str, Any]:
        chosen = desk.next(rater, count, held=held, reveal=reveal)
        return {"candidates": chosen, "progress": desk.progress(rater)}

    @app.get("/api/last")
    def last(rater: Rater) -> list[dict[str, Any]]:
        return desk.last(rater, LAST_VOTES)

    @app.post("/api/votes")
    def take(new: NewVote) -> dict[str, Any]:
        if new.review != desk.fingerprint:
            reason = "Another review runs at this address now: reload the page."
            raise HTTPException(HTTPStatus.CONFLICT, reason)
        saved = desk.take(**new.model_dump(exclude={"review"}))
        if saved is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, f"{new.id} is not a candidate of this review.")
        return saved | {"progress": desk.progress(new.rater)}
