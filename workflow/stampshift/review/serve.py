"""Serving a review until it is interrupted."""

import os
import re
import secrets
import socket
import sys
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

import uvicorn
from fastapi import FastAPI

from stampshift.core.errors import StampshiftError
from stampshift.review.access import Access, is_loopback
from stampshift.review.app import make_app
from stampshift.review.asking import Asking
from stampshift.review.gold import Gold
from stampshift.review.reviewed import Review
from stampshift.review.vote_store import VoteStore

WILDCARDS = {"0.0.0.0", "::"}
TOKEN = re.compile(r"[A-Za-z0-9._~-]{8,}")  # the same in an address and in a cookie


def serve(
    review: Review,
    store: VoteStore,
    *,
    asking: Asking,
    gold: Gold,
    host: str,
    port: int,
    token: str | None,
    open_browser: bool,
    say: Callable[[str], None],
) -> None:
    """Serve the review page until Ctrl-C; port 0 takes a free one.

    Every visitor needs the token, a random one unless one is given: other users of this machine can reach
    loopback too. Each line for the user goes to `say`. Raises a `StampshiftError` if another process listens
    at the address, or the token is none.
    """
    if token is None:
        token = secrets.token_urlsafe()
    if TOKEN.fullmatch(token) is None:
        raise StampshiftError(
            "--token: expected at least 8 letters, digits or signs of -._~; leave it out for a random one."
        )
    access = Access(is_loopback(host), token, f"stampshift-{review.fingerprint}")
    app = make_app(review, store, asking=asking, access=access, gold=gold)
    with _listening(host, port) as listener, ExitStack() as until_the_end:
        bound, port = listener.getsockname()[:2]
        # by address: another user may listen at the same name's other one (IPv4 and IPv6)
        url = _address(bound if access.loopback else host, port, token)
        say(f"Review of {len(review.candidates)} candidates of {review.survey}: {url}")
        say(f"Votes go to {store.path}. Stop with Ctrl-C.")
        if open_browser and _has_screen():
            webbrowser.open(until_the_end.enter_context(private_page(url, store.path.parent)))
        with suppress(KeyboardInterrupt):
            server_of(app).run(sockets=[listener])


def server_of(app: FastAPI) -> uvicorn.Server:
    """A server of the page over plain HTTP, which keeps at most a few kilobytes of a request's head."""
    # no log of requests: the address of the first one holds the token
    return uvicorn.Server(
        uvicorn.Config(app, http="h11", ws="none", lifespan="off", access_log=False, log_level="warning")
    )


@contextmanager
def private_page(url: str, folder: Path) -> Iterator[str]:
    """Address of a file that leads to `url` and only its owner may read: all users see command lines."""
    with NamedTemporaryFile("w", dir=folder, prefix="open-", suffix=".html") as page:
        page.write(f'<meta http-equiv="refresh" content="0; url={url}">')
        page.flush()
        yield Path(page.name).resolve().as_uri()


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise StampshiftError(
            f"{host}:{port}: cannot listen there ({error.strerror}). Another review may be running; "
            "--port names another port."
        ) from error


def _address(host: str, port: int, token: str) -> str:
    name = socket.gethostname() if host in WILDCARDS else f"[{host}]" if ":" in host else host
    return f"http://{name}:{port}/?token={token}"


def _has_screen() -> bool:
    """Whether a browser would open a window, and not take over the terminal."""
    return sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
