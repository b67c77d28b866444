"""Serving a review until it is interrupted."""

import os
import secrets
import socket
import sys
import webbrowser
from collections.abc import Callable
from contextlib import suppress

import uvicorn

from stampshift.core.errors import StampshiftError
from stampshift.review.app import Access, is_loopback, make_app
from stampshift.review.reviewed import Review
from stampshift.review.vote_store import VoteStore

WILDCARDS = {"0.0.0.0", "::"}


def serve(
    review: Review,
    store: VoteStore,
    *,
    raters_per_candidate: int,
    host: str,
    port: int,
    token: str | None,
    open_browser: bool,
    say: Callable[[str], None],
) -> None:
    """Serve the review page until Ctrl-C; port 0 takes a free one.

    Every visitor needs the token; without one, a host that is not loopback gets one made here. Each
    line for the user goes to `say`. Raises a `StampshiftError` if another process listens at the address.
    """
    loopback = is_loopback(host)
    if token is None and not loopback:
        token = secrets.token_urlsafe()
    access = Access(loopback, token, f"stampshift-{review.fingerprint}")
    app = make_app(review, store, raters_per_candidate=raters_per_candidate, access=access)
    with _listening(host, port) as listener:
        url = _address(host, listener.getsockname()[1], token)
        say(f"Review of {len(review.candidates)} candidates of {review.survey}: {url}")
        say(f"Votes go to {store.path}. Stop with Ctrl-C.")
        if open_browser and _has_screen():
            webbrowser.open(url)
        # no log of requests: the address of the first one holds the token
        config = uvicorn.Config(app, access_log=False, log_level="warning")
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listener])


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise StampshiftError(
            f"{host}:{port}: cannot listen there ({error.strerror}). Another review may be running; "
            "--port names another port."
        ) from error


def _address(host: str, port: int, token: str | None) -> str:
    name = socket.gethostname() if host in WILDCARDS else f"[{host}]" if ":" in host else host
    return f"http://{name}:{port}/" + (f"?token={token}" if token else "")


def _has_screen() -> bool:
    """Whether a browser would open a window, and not take over the terminal."""
    return sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
