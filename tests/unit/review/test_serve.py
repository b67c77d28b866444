import re
import socket
import stat
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import uvicorn

from review_server import TWO
from stampshift.core.errors import StampshiftError
from stampshift.review.gold import NO_GOLD
from stampshift.review.serve import serve


@pytest.fixture
def told(review, store, monkeypatch):
    """A function that gives what is told of a server, which ends at once."""
    monkeypatch.setattr(uvicorn.Server, "run", lambda self, sockets: None)

    def start(**options):
        lines = []
        usual = {"host": "127.0.0.1", "port": 0, "token": None, "open_browser": False, "say": lines.append}
        serve(review, store, asking=TWO, gold=NO_GOLD, **(usual | options))
        return "\n".join(lines)

    return start


def test_what_is_told(told, store):
    plain = told()
    assert re.search(
        r"Review of 30 candidates of DES: http://127\.0\.0\.1:\d+/\?token=[\w-]+$", plain, re.MULTILINE
    )
    assert f"Votes go to {store.path}" in plain
    assert told(token="much-too-secret").count("/?token=much-too-secret") == 1
    assert "http://[::1]:" in told(host="::1")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "0.0.0.0"])
def test_a_token_is_made_up_on_loopback_too(told, host):
    one, other = (re.findall(r"\?token=([\w-]{40,})", told(host=host)) for _ in range(2))
    assert len(one) == len(other) == 1
    assert one != other


def test_the_address_is_the_one_that_is_listened_at(told):
    """Another user may listen at the same port of [::1], which is localhost too."""
    assert "http://127.0.0.1:" in told(host="localhost")


@pytest.mark.parametrize("token", ["", "short", "with a blank", "with&sign", "schl\u00fcssel", "two\nlines"])
def test_a_token_that_protects_nothing_or_breaks_the_address_is_refused(told, token):
    with pytest.raises(StampshiftError, match="--token: expected at least 8 letters"):
        told(token=token)


def test_the_browser_is_called_without_the_token(told, store, monkeypatch):
    """All users of a machine see the command lines of all processes, that of the browser among them."""
    opened = []

    def open_browser(address):
        page = Path(unquote(urlsplit(address).path))
        opened.append((address, page, stat.S_IMODE(page.stat().st_mode), page.read_text()))

    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr("webbrowser.open", open_browser)
    url = re.findall(r"http\S+", told(open_browser=True, token="much-too-secret"))[0]
    ((address, page, mode, content),) = opened
    assert "secret" not in address
    assert (mode, content) == (0o600, f'<meta http-equiv="refresh" content="0; url={url}">')
    assert not page.exists()


def test_a_port_that_is_taken_is_one_sentence(told):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StampshiftError, match=f"127.0.0.1:{port}: cannot listen there .*--port"):
            told(port=port)
